"""A real dashboard on a real store, with a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.clock import HOUR
from server.dashboard.auth import Auth
from server.dashboard.outbox import Ways
from server.dashboard.routes import dashboard_routes
from server.rules.reload import Live
from server.store.base import Changes, Store
from server.store.engines import open_store
from tests.story import NOON, SHOP, Story

T = TypeVar("T")

SITES = f"""
sites:
  - {{key: main, origins: [{SHOP}], timezone: Europe/Lisbon}}
  - {{key: other}}
"""
WAYS = Ways(
    held={"email": "LEADTRAIL_SMTP_URL is not set, so letters wait."},
    webhook_secret="whsec_for+tests",
    public_url="https://t.example.com",
)
PASSWORD = "correct horse battery"


class Dashboard:
    """The dashboard as a browser meets it. `now` is its clock, in ms; `ticks` its monotonic one, in s."""

    def __init__(self, database_url: str, folder: Path, password: str | None = PASSWORD) -> None:
        self.now = NOON + HOUR
        self.ticks = 0.0
        self._database_url = database_url
        self._password = password
        self.auth: Auth
        self.store: Store
        self._config = folder / "leadtrail.yaml"
        self._config.write_text(SITES)
        self._live = Live(self._config)
        self.app = Starlette(lifespan=self._lifespan)
        self.client: TestClient

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.loop = asyncio.get_running_loop()
        self.store = await open_store(self._database_url)
        self.auth = Auth(
            self.store.operators, lambda: self.now, password=self._password, monotonic=lambda: self.ticks
        )
        await self.auth.start()
        app.router.routes += dashboard_routes(
            store=self.store, auth=self.auth, live=self._live, clock=lambda: self.now, ways=WAYS
        )
        yield
        await self.store.close()

    def run(self, do: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Something of the store or of Auth, on the server's own loop, which runs in another thread."""
        return asyncio.run_coroutine_threadsafe(do(), self.loop).result()

    def configure(self, text: str) -> None:
        """The file says this from now on; a broken one changes nothing."""
        self._config.write_text(text)
        self._live.reload()

    def save(self, changes: Changes) -> None:
        """Write to the store."""

        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.save(changes)

        self.run(write)

    def tell(self, *stories: Story) -> None:
        """Put these people into the store."""

        async def save() -> None:
            for story in stories:
                async with self.store.transaction() as transaction:
                    await transaction.save(story.changes())

        self.run(save)

    def field(self, path: str, name: str = "csrf") -> str:
        """A hidden field of the form on a page."""
        text = self.client.get(path).text
        return text.split(f'name="{name}" value="')[1].split('"')[0]

    def sign_in(self, password: str = PASSWORD, **more: str) -> Any:
        """Submit the sign-in form as a browser does."""
        form = {"csrf": self.field("/dashboard/sign-in"), "password": password, **more}
        return self.client.post("/dashboard/sign-in", data=form, follow_redirects=False)

    def new_link(self) -> str:
        """A one-time sign-in link."""
        return self.run(self.auth.new_link)


def opened(dashboard: Dashboard, base_url: str = "http://testserver") -> Iterator[Dashboard]:
    """The dashboard while its server runs."""
    with TestClient(dashboard.app, base_url=base_url) as client:
        dashboard.client = client
        yield dashboard
