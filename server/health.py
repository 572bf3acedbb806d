"""What machines ask the server about itself: `/healthz`, `/readyz`, `/metrics`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from server.metrics import Metrics
from server.rules.reload import Live
from server.store.base import Store

_NO_STORE = {"cache-control": "no-store"}


def health_routes(store: Store, metrics: Metrics, live: Live) -> list[Route]:
    """The three routes."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    async def readyz(_: Request) -> Response:
        reason = await store.check()
        if reason is None:
            return JSONResponse({"ready": True}, headers=_NO_STORE)
        return JSONResponse({"ready": False, "reason": reason}, 503, headers=_NO_STORE)

    async def metrics_text(_: Request) -> Response:
        metrics.rules_broken.set(bool(live.mistakes))
        return Response(metrics.text(), media_type="text/plain; version=0.0.4", headers=_NO_STORE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics_text)]
