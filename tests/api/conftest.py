"""A real API on a real store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.api.routes import open_api
from server.clock import DAY
from server.collect.inbox import Inbox
from server.limits import Limits
from server.metrics import Metrics
from server.rules.reload import Live
from server.settings import Rate
from server.store.base import Changes, Store
from server.store.engines import open_store
from server.trail import Trail
from tests.story import NOON, Story

NOW = NOON + DAY

TOKENS = ("first token of this test", "second token of this test", "read:a token that reads")


class Api:
    """The API as a caller meets it; `client` carries a valid token."""

    def __init__(self, database_url: str, config: Path, limits: Limits | None = None) -> None:
        self._database_url = database_url
        self._config = config
        self._limits = limits
        self.store: Store
        self.client: TestClient
        self.live: Live
        self.now = NOW
        self.app = Starlette(lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.store = await open_store(self._database_url)
        self._config.write_text("sites:\n  - key: main\n")
        self.live = Live(self._config)
        metrics = Metrics()
        inbox = Inbox(Trail(self.store, self.live), lambda: self.now, metrics)
        app.router.routes += open_api(
            store=self.store,
            tokens=TOKENS,
            live=self.live,
            clock=lambda: self.now,
            inbox=inbox,
            metrics=metrics,
            limits=self._limits,
        ).routes
        yield
        await inbox.close()
        await self.store.close()

    def configure(self, text: str) -> None:
        """These segments and messages, from now on."""
        self._config.write_text(f"sites:\n  - key: main\n{text}")
        self.live.reload()
        assert self.live.mistakes == []

    def save(self, changes: Changes) -> None:
        """Write to the store, on the server's own loop."""

        async def write() -> None:
            async with self.store.transaction() as transaction:
                await transaction.save(changes)

        assert self.client.portal is not None
        self.client.portal.call(write)

    def tell(self, *stories: Story) -> None:
        """Put these people into the store."""
        for story in stories:
            self.save(story.changes())

    def search(self, body: object) -> Any:
        return self.client.post("/api/contacts/search", json=body)


def opened(api: Api) -> Iterator[Api]:
    with TestClient(api.app, headers={"Authorization": f"Bearer {TOKENS[1]}"}) as client:
        api.client = client
        yield api


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[Api]:
    """Without rate limits."""
    yield from opened(Api(database_url, tmp_path / "leadtrail.yaml"))


@pytest.fixture
def limited_api(database_url: str, tmp_path: Path) -> Iterator[Api]:
    """With room for two requests."""
    limits = Limits({"api": Rate(0.01, 2)}, monotonic=lambda: 0.0)
    yield from opened(Api(database_url, tmp_path / "leadtrail.yaml", limits))
