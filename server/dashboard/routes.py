"""The dashboard's addresses, read from top to bottom."""

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server import assets
from server.clock import Clock
from server.dashboard.auth import SIGN_IN_PATH, Auth
from server.dashboard.data import PersonData
from server.dashboard.door import HOME, Door
from server.dashboard.failures import error_page
from server.dashboard.forms import FormsPage
from server.dashboard.install import Install
from server.dashboard.live import LivePage
from server.dashboard.messages import Messages
from server.dashboard.outbox import OutboxPage, Ways
from server.dashboard.people import People
from server.dashboard.reference import Reference
from server.dashboard.sign_in import SignIn
from server.errors import NotFound
from server.rules.reload import Live
from server.store.base import Store

STATIC = {"dashboard.css": "text/css", "icon.svg": "image/svg+xml"}
"""The files under /dashboard/static/; nothing else is served from there."""

ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def dashboard_routes(
    *,
    store: Store,
    auth: Auth,
    live: Live,
    clock: Clock,
    ways: Ways | None = None,
    reference: bytes | None = None,
) -> list[BaseRoute]:
    """Everything under /dashboard/. Only the sign-in page and the static files are open to everybody.

    `reference` is the API's description, to be shown.
    """
    people, data = People(store, live, clock), PersonData(store, clock)
    now = LivePage(store.reads, live, clock)
    messages = Messages(store.rulings, live, clock)
    install = Install(store.reads, live, clock)
    forms = FormsPage(store.forms, live, clock)
    outbox = OutboxPage(store.outbox, live, clock, ways or Ways())
    sign_in = SignIn(auth)
    routes = [
        Route("/", _home),
        Route("/live", now.show),
        Route("/people", people.list),
        Route("/people/{id}", people.person),
        Route("/people/{id}/export.{form}", data.export),
        Route("/people/{id}/erase", data.erase, methods=["POST"]),
        Route("/people/{id}/take-apart", data.take_apart, methods=["POST"]),
        Route("/messages", messages.show_all),
        Route("/messages/{id}", messages.show),
        Route("/forms", forms.show),
        Route("/outbox", outbox.show),
        Route("/outbox/retry", outbox.retry, methods=["POST"]),
        Route("/outbox/discard", outbox.discard, methods=["POST"]),
        Route("/outbox/switch-on", outbox.switch_on, methods=["POST"]),
        Route("/install", install.show),
        *([Route("/api", Reference(reference).show)] if reference else []),
        Route("/sign-in", sign_in.show),
        Route("/sign-in", sign_in.submit, methods=["POST"]),
        Route("/password", sign_in.show_password),
        Route("/password", sign_in.set_password, methods=["POST"]),
        Route("/logout", sign_in.sign_out, methods=["POST"]),
        Route("/static/{name}", _static),
        Route("/{path:path}", _nothing_here, methods=ANY_METHOD),
    ]
    doors = [
        Middleware(Alarm, live=live),
        Middleware(Door, auth=auth, is_open=_is_open, error_page=error_page),
    ]
    return [
        Route("/dashboard", _home, methods=ANY_METHOD, middleware=doors),
        Mount("/dashboard", routes=routes, middleware=doors),
    ]


class Alarm:
    """ASGI middleware: lets every page say what is wrong with leadtrail.yaml while older rules run."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["leadtrail.mistakes"] = self._live.mistakes
        await self._app(scope, receive, send)


def _is_open(path: str) -> bool:
    return path == SIGN_IN_PATH or path.startswith("/dashboard/static/")


async def _home(request: Request) -> Response:
    return RedirectResponse(HOME, 303)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return await _nothing_here(request)
    return FileResponse(assets.path("static", name), media_type=STATIC[name])


async def _nothing_here(request: Request) -> Response:
    raise NotFound("no_such_page", "There is no such page here. The address may be mistyped.")
