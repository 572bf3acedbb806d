"""The baseline: one Starlette route that answers 204, served with the very settings of the real server."""

import asyncio
import os

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.cli.serve import server_config
from server.settings import Settings


async def nothing(_: Request) -> Response:
    return Response(status_code=204)


async def serve() -> None:
    application = Starlette(routes=[Route("/e", nothing, methods=["POST"])])
    config = server_config(application, Settings())
    config.port = int(os.environ["PORT"])
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(serve())
