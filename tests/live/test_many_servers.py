"""Two servers on one PostgreSQL, behind a round-robin: a message is said once, and nothing is lost."""

import asyncio
import itertools
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.postgres import Postgres, postgres_server
from tests.server_process import ServerProcess, server_process

pytestmark = [pytest.mark.live, pytest.mark.anyio]

BROWSERS = 8
KEY = "a signing key of both servers"
PATIENCE = 30
"""Seconds that anything may take here; nothing is measured."""


@pytest.fixture(scope="module")
def durable() -> Iterator[Postgres]:
    """A PostgreSQL that syncs its commits, and that a test may stop."""
    with postgres_server({}) as server:
        yield server


@pytest.fixture
def url(durable: Postgres) -> Iterator[str]:
    with durable.database() as new:
        yield new


@contextmanager
def serving(folder: Path, url: str, count: int = 2) -> Iterator[list[ServerProcess]]:
    """So many servers, each with a folder of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(one_more(folder / f"server-{n}", url)) for n in range(count)]


@contextmanager
def one_more(folder: Path, url: str) -> Iterator[ServerProcess]:
    folder.mkdir()
    with server_process(folder, DATABASE_URL=url, LEADTRAIL_SECRET_KEYS=KEY) as server:
        yield server


def uuid7() -> str:
    at = f"{time.time_ns() // 1_000_000:012x}"
    rest = secrets.token_hex(8)
    return f"{at[:8]}-{at[8:]}-7{rest[:3]}-9{rest[3:6]}-{secrets.token_hex(6)}"


def views(path: str, count: int = 1) -> list[dict[str, Any]]:
    return [
        {"id": uuid7(), "name": "page_view", "url": f"https://www.example.com{path}"} for _ in range(count)
    ]


class Browser:
    """Sends page views to one server after the other, and what was not stored again, as the snippet does."""

    def __init__(self, bases: list[str]) -> None:
        self.bases = bases
        self.token: str | None = None
        self.acknowledged: list[str] = []
        self.refusals: list[int] = []

    async def send(self, until: asyncio.Event, told: Callable[[], None]) -> None:
        unanswered: list[dict[str, Any]] = []
        async with httpx2.AsyncClient(timeout=PATIENCE) as client:
            for turn in itertools.count():
                if until.is_set() and not unanswered:
                    return
                unanswered = unanswered or views("/a", 3)
                body = {"site": "main", "visitor": self.token, "events": unanswered}
                client.cookies.clear()
                try:
                    answer = await client.post(f"{self.bases[turn % len(self.bases)]}/e", json=body)
                except httpx2.TransportError:
                    continue
                if answer.status_code != 200:
                    assert answer.status_code == 503, answer.text
                    assert int(answer.headers["retry-after"]) > 0
                    self.refusals.append(answer.status_code)
                    await asyncio.sleep(0.05)
                    continue
                assert "rejected" not in answer.json()
                self.token = answer.json()["visitor"]
                self.acknowledged += [event["id"] for event in unanswered]
                unanswered = []
                told()


class Load:
    """What the browsers have had answered so far."""

    def __init__(self, browsers: list[Browser]) -> None:
        self.browsers = browsers
        self._answers = 0
        self._changed = asyncio.Event()

    def told(self) -> None:
        self._answers += 1
        self._changed.set()

    async def answers(self, more: int) -> None:
        """Until so many more requests were answered."""
        wanted = self._answers + more
        async with asyncio.timeout(PATIENCE):
            while self._answers < wanted:
                self._changed.clear()
                await self._changed.wait()

    async def refused(self) -> None:
        """Until a browser was told to come again."""
        async with asyncio.timeout(PATIENCE):
            while not any(browser.refusals for browser in self.browsers):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def load(bases: list[str]) -> AsyncIterator[Load]:
    """Browsers that send until the context is left, and then until all of theirs is stored."""
    watched = Load([Browser(bases) for _ in range(BROWSERS)])
    until = asyncio.Event()
    sending = [asyncio.create_task(browser.send(until, watched.told)) for browser in watched.browsers]
    await watched.answers(20)
    yield watched
    until.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*sending)


async def assert_nothing_lost_or_doubled(durable: Postgres, url: str, load: Load) -> None:
    database = url.rpartition("/")[2]
    stored = await asyncio.to_thread(durable.run, database, lambda c: c.fetch("SELECT id FROM events"))
    counted = await asyncio.to_thread(
        durable.run, database, lambda c: c.fetchval("SELECT sum(count)::int FROM totals WHERE kind = 1")
    )
    people = await asyncio.to_thread(
        durable.run, database, lambda c: c.fetchval("SELECT count(*) FROM people")
    )
    ids = [event_id for (event_id,) in stored]
    acknowledged = {event_id for browser in load.browsers for event_id in browser.acknowledged}
    assert len(ids) == len(set(ids)) == counted
    assert set(ids) == acknowledged
    assert people == BROWSERS


async def test_the_message_comes_once_on_the_fourth_view_whichever_servers_are_asked(
    url: str, tmp_path: Path
) -> None:
    with serving(tmp_path, url) as servers:
        token, told = None, []
        async with httpx2.AsyncClient() as client:
            for turn in range(6):
                body = {"site": "main", "visitor": token, "events": views("/pricing")}
                client.cookies.clear()
                answer = (await client.post(f"{servers[turn % 2].base}/e", json=body)).json()
                token = answer["visitor"]
                told.append([message["id"] for message in answer.get("messages", [])])
        assert told == [[], [], [], ["pricing-help"], [], []]


async def test_many_tabs_at_both_servers_at_once_are_one_visitor_and_get_one_message(
    url: str, tmp_path: Path
) -> None:
    first, *rest = views("/pricing", 12)
    with serving(tmp_path, url) as servers:
        async with httpx2.AsyncClient() as client:

            async def post(turn: int, token: str | None, event: dict[str, Any]) -> dict[str, Any]:
                body = {"site": "main", "visitor": token, "events": [event]}
                answer = await client.post(f"{servers[turn % 2].base}/e", json=body)
                assert answer.status_code == 200, answer.text
                found: dict[str, Any] = answer.json()
                return found

            # The very first request, repeated at the other server before the first has answered it.
            begun = await asyncio.gather(*(post(turn, None, first) for turn in range(4)))
            [visitor] = {answer["visitor"] for answer in begun}
            client.cookies.clear()
            answers = await asyncio.gather(*(post(turn, visitor, event) for turn, event in enumerate(rest)))
        told = [message["id"] for answer in answers for message in answer.get("messages", [])]
        assert told == ["pricing-help"]


async def test_a_restart_of_the_database_under_load_loses_nothing_and_heals_by_itself(
    durable: Postgres, url: str, tmp_path: Path
) -> None:
    with serving(tmp_path, url) as servers:
        async with load([server.base for server in servers]) as running, httpx2.AsyncClient() as client:
            for how in (signal.SIGINT, signal.SIGQUIT):
                for browser in running.browsers:
                    browser.refusals.clear()
                await asyncio.to_thread(durable.stop, how)
                await running.refused()
                for server in servers:
                    ready = await client.get(f"{server.base}/readyz")
                    assert (ready.status_code, ready.json()["ready"]) == (503, False)
                    assert "PostgreSQL" in ready.json()["reason"]
                    assert (await client.get(f"{server.base}/healthz")).status_code == 200
                await asyncio.to_thread(durable.start)
                await running.answers(40)
                for server in servers:
                    assert (await client.get(f"{server.base}/readyz")).status_code == 200
        await assert_nothing_lost_or_doubled(durable, url, running)


async def test_connections_cut_under_load_lose_nothing(durable: Postgres, url: str, tmp_path: Path) -> None:
    database = url.rpartition("/")[2]
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with serving(tmp_path, url) as servers:
        async with load([server.base for server in servers]) as running:
            for _ in range(10):
                await asyncio.to_thread(durable.run, database, lambda connection: connection.execute(cut))
                await running.answers(10)
        await assert_nothing_lost_or_doubled(durable, url, running)


async def test_a_rolling_restart_of_the_servers_loses_nothing(
    durable: Postgres, url: str, tmp_path: Path
) -> None:
    with serving(tmp_path, url) as servers, ExitStack() as stack:
        bases = [server.base for server in servers]
        async with load(bases) as running:
            for place, old in enumerate(servers):
                new = await asyncio.to_thread(
                    stack.enter_context, one_more(tmp_path / f"successor-{place}", url)
                )
                bases[place] = new.base
                assert await asyncio.to_thread(old.stop) == 0
                await running.answers(20)
        await assert_nothing_lost_or_doubled(durable, url, running)
