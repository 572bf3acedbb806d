"""The only wiring: builds the parts of one server, connects them, and takes them apart again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server import assets
from server.addresses import allowed
from server.api.routes import open_api
from server.clock import Clock, system_clock
from server.collect.collector import Collector
from server.collect.face import Face
from server.collect.inbox import Inbox
from server.collect.routes import CollectRoutes
from server.collect.snippet import Snippet
from server.dashboard.auth import Auth
from server.dashboard.outbox import Ways
from server.dashboard.routes import dashboard_routes
from server.demo.shop import demo_routes
from server.fleet import Fleet
from server.health import health_routes
from server.keys import IdentitySecrets
from server.limits import Limits
from server.messages.channel import Means
from server.messages.channels import find_channels
from server.messages.outbox import Outbox
from server.metrics import Metrics
from server.people.token import Tokens
from server.rules.reload import Live
from server.settings import Settings
from server.store.base import Store
from server.store.engines import open_store
from server.trail import Trail
from server.trail.due import DueRules
from server.unsubscribe import Unsubscribing, unsubscribe_routes
from server.upkeep import Upkeep


class Leadtrail:
    """One running server as an ASGI application. `open_app` makes it."""

    def __init__(
        self, *, collect: CollectRoutes, web: ASGIApp, store: Store, live: Live, trail: Trail, auth: Auth
    ) -> None:
        self._collect = collect
        self._collect_paths = collect.paths
        self.collect = collect.collect
        self._web = web
        self.store = store
        self.live = live
        self.trail = trail
        self.auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The path of every event goes around the router.
        if scope["type"] == "http" and scope["path"] in self._collect_paths:
            await self._collect(scope, receive, send)
        else:
            await self._web(scope, receive, send)


@asynccontextmanager
async def open_app(
    settings: Settings, *, clock: Clock = system_clock, demo: bool = False
) -> AsyncIterator[Leadtrail]:
    """A server that is ready to serve; leaving the context stores what waits and closes the database.

    Raises ConfigError for a YAML file with mistakes and StoreError when the database cannot be opened.
    """
    live = Live(settings.config, settings.webhook_allow)
    store = await open_store(settings.database, settings.admin_database)
    due_rules = DueRules(store, live, clock)
    watcher, due_worker = asyncio.create_task(live.watch()), asyncio.create_task(due_rules.work())
    metrics = Metrics()
    trail = Trail(store, live)
    inbox = Inbox(trail, clock, metrics)
    unsubscribing = Unsubscribing(store, settings.secret_keys, settings.public_url)
    outbox = _outbox(settings, store, unsubscribing, clock, metrics)
    limits = Limits(settings.rate_limits)
    auth = Auth(store.operators, clock, password=settings.password)
    identity = IdentitySecrets(settings, lambda: live.current.identity_secret_env)
    for site in live.current.sites:
        # What is wrong with one is said at the start, and not when the first user signs in.
        identity.of(site)
    collector = Collector(
        tokens=Tokens(settings.secret_keys),
        live=live,
        inbox=inbox,
        clock=clock,
        metrics=metrics,
        limits=limits,
        identity_secret=identity.of,
    )
    api = open_api(
        store=store,
        tokens=settings.api_tokens,
        live=live,
        clock=clock,
        inbox=inbox,
        metrics=metrics,
        limits=limits,
        proves=settings.identity_secret is not None,
    )
    routes: list[BaseRoute] = [
        Route("/", _to_dashboard),
        Route("/leadtrail.schema.json", _schema),
        Face(assets.path("static", "intercom.min.js"), live).route(),
        *health_routes(store, metrics, live),
        *api.routes,
        *dashboard_routes(
            store=store,
            auth=auth,
            live=live,
            clock=clock,
            ways=_ways(settings, outbox.held()),
            reference=api.description,
        ),
        *unsubscribe_routes(unsubscribing, clock),
        *(demo_routes() if demo else []),
    ]
    snippet = Snippet(assets.path("static", "t.min.js"))
    await auth.start()
    outbox.start()
    tasks = [watcher, asyncio.create_task(Upkeep(store, live, clock).run())]
    if store.is_shared:
        signing = (*settings.secret_keys[-1:], settings.webhook_secret or "")
        fleet = Fleet(store, live, clock, metrics, signing)
        tasks.append(asyncio.create_task(fleet.run()))
    try:
        yield Leadtrail(
            collect=CollectRoutes(collector, snippet, metrics),
            web=Starlette(routes=routes),
            store=store,
            live=live,
            trail=trail,
            auth=auth,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        due_rules.stop()
        await due_worker
        await inbox.close()
        await outbox.close()
        await store.close()


def _outbox(
    settings: Settings, store: Store, unsubscribing: Unsubscribing, clock: Clock, metrics: Metrics
) -> Outbox:
    means = Means(
        unsubscribing=unsubscribing,
        secret=settings.secret,
        webhook_secret=settings.webhook_secret or "",
        let=allowed(settings.webhook_allow),
        relay=settings.relay,
        host=urlsplit(settings.public_url).hostname or "localhost",
    )
    channels = {name: open_channel(means) for name, open_channel in find_channels().items()}
    return Outbox(store.outbox, channels, clock, metrics)


def _ways(settings: Settings, held: Mapping[str, str]) -> Ways:
    return Ways(
        held=held,
        webhook_secret=settings.webhook_secret or "",
        relay=settings.relay.describe() if settings.relay else "",
        public_url=settings.public_url,
    )


def create_app(settings: Settings, *, clock: Clock = system_clock, demo: bool = False) -> ASGIApp:
    """The server for any ASGI host: it opens with the lifespan's start-up and closes with its shutdown."""
    running: list[Leadtrail] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with open_app(settings, clock=clock, demo=demo) as app:
            running.append(app)
            yield
            running.clear()

    opening = Starlette(lifespan=lifespan)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (opening if scope["type"] == "lifespan" else running[0])(scope, receive, send)

    return application


async def _schema(_: Request) -> Response:
    """What editors check leadtrail.yaml with."""
    return FileResponse(assets.path("static", "leadtrail.schema.json"), media_type="application/schema+json")


async def _to_dashboard(_: Request) -> Response:
    return RedirectResponse("/dashboard/")
