"""The API's addresses, read from top to bottom."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from server.api.contacts import Contacts
from server.api.door import Door
from server.api.history import Histories
from server.api.rules import Rules
from server.api.segments import Segments
from server.clock import Clock
from server.errors import NotFound
from server.limits import Limits
from server.rules.reload import Live
from server.store.base import Store


def api_routes(
    *, store: Store, tokens: Sequence[str], live: Live, clock: Clock, limits: Limits | None = None
) -> list[BaseRoute]:
    """Everything under /api/, behind one of the bearer tokens."""
    contacts = Contacts(store.reads)
    histories = Histories(store.reads, live)
    rules = Rules(store, live, clock)
    segments = Segments(store, live, clock)
    routes = [
        Route("/contacts/search", contacts.search, methods=["POST"]),
        Route("/contacts/{id}", contacts.find, methods=["GET"]),
        Route("/contacts/{id}/history", histories.read, methods=["GET"]),
        Route("/rules", rules.list, methods=["GET"]),
        Route("/rules/backtest", rules.backtest, methods=["POST"]),
        Route("/rules/{id}/explain", rules.explain, methods=["GET"]),
        Route("/segments/{id}/contacts", segments.contacts, methods=["GET"]),
        Route("/{path:path}", _nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    return [
        Mount(
            "/api", routes=routes, middleware=[Middleware(Door, tokens=tokens, limits=limits or Limits(None))]
        )
    ]


async def _nothing_here(request: Request) -> Response:
    raise NotFound("not_found", "Resource Not Found")
