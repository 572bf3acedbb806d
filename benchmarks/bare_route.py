"""The baseline: one Starlette route that answers 204, served as Leadtrail is."""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def nothing(_: Request) -> Response:
    return Response(status_code=204)


if __name__ == "__main__":
    application = Starlette(routes=[Route("/e", nothing, methods=["POST"])])
    uvicorn.run(
        application,
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
