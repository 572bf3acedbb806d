"""A whole database into another one, from each engine to each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import system_clock
from server.errors import StoreError, StoreInUse
from server.model import Delivery, Note
from server.peer import Peer
from server.store import copying, engines
from server.store.base import Changes
from server.store.engines import open_store
from tests.postgres import TEMPLATE, Postgres
from tests.story import NOON, Story

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def other_url(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> AsyncIterator[str]:
    """A second database, of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.db'}"
    else:
        name = await asyncio.to_thread(postgres.create, TEMPLATE)
        yield postgres.url(name)
        await asyncio.to_thread(postgres.drop, name)


async def fill(url: str) -> None:
    """People, events and what else a database has."""
    store = await open_store(url)
    for number in range(1, 12):
        story = Story(number).viewed("/pricing?utm_source=news", 0, 'Say "hi" — ünïcode 😀').viewed("/b", 5)
        price = {"amount": 2**53 + 1, "currency": "eur"}
        story.did("bought", 9, metadata={"price": price, "ok": True, "n": 1.5})
        story.did("identify", 10, traits={"email": f"{number}@example.com"}).won("hello", "Hi", 11)
        async with store.transaction() as transaction:
            await transaction.save(story.changes())
    delivery = Delivery(
        person_id=3,
        id="msg_1",
        site="main",
        rule="hello",
        nth=1,
        channel="webhook",
        made=NOON,
        due=NOON,
        content={"a": [1]},
    )
    async with store.transaction() as transaction:
        await transaction.save(
            Changes(
                deliveries=[delivery],
                event_names=[("main", "bought", NOON)],
                notes=[Note(3, 7, NOON, "called", "Ana")],
            )
        )
    await store.operators.set_password_hash("hash", NOON)
    await store.close()


async def rows(url: str) -> dict[str, list[str]]:
    """Everything, by table."""
    store = await open_store(url)
    found = {
        name: [repr(list(row)) for row in await store.engine.read(copying._read(name, first=True)(10_000))]
        for name in copying.tables()
    }
    await store.close()
    return {name: of for name, of in found.items() if name != "copied"}


def told_nobody(table: str, rows: int, total: int) -> None:
    pass


async def test_everything_is_copied_and_counted(database_url: str, other_url: str) -> None:
    await fill(database_url)
    counts = await engines.copy(database_url, other_url, told_nobody)
    assert (counts["people"], counts["events"], counts["notes"], counts["outbox"]) == (11, 44, 1, 1)
    assert await rows(other_url) == await rows(database_url)
    store = await open_store(other_url)
    assert await store.reads.person_of(f"main/visitor/{3:032x}") == 3
    assert (await store.reads.find_people(email="3@example.com", limit=9)).total == 1
    await store.close()


async def test_a_copy_that_was_stopped_goes_on_where_it_stopped(
    database_url: str, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "STEP", 4)
    await fill(database_url)
    steps: list[tuple[str, int, int]] = []

    def stop_after(number: int) -> copying.Told:
        left = iter(range(number))

        def told(table: str, rows: int, total: int) -> None:
            steps.append((table, rows, total))
            if next(left, None) is None:
                raise InterruptedError

        return told

    for number in (3, 9, 20):
        with pytest.raises(InterruptedError):
            await engines.copy(database_url, other_url, stop_after(number))
    counts = await engines.copy(database_url, other_url, stop_after(10_000))
    assert counts["events"] == 44
    assert steps.count(("people", 8, 11)) <= 2
    assert await rows(other_url) == await rows(database_url)


async def test_other_data_is_not_written_over(database_url: str, other_url: str) -> None:
    for url in (database_url, other_url):
        await fill(url)
    before = await rows(other_url)
    with pytest.raises(StoreError, match="not empty: it has rows in identities, people"):
        await engines.copy(database_url, other_url, told_nobody)
    assert await rows(other_url) == before


async def test_rows_that_something_else_wrote_are_noticed(database_url: str, other_url: str) -> None:
    await fill(database_url)
    await engines.copy(database_url, other_url, told_nobody)
    store = await open_store(other_url)
    async with store.transaction() as transaction:
        await transaction.save(Story(99).viewed("/", 0).changes())
    await store.close()
    with pytest.raises(StoreError, match="something else writes"):
        await engines.copy(database_url, other_url, told_nobody)


async def test_a_database_with_running_servers_is_not_copied(database_url: str, other_url: str) -> None:
    store = await open_store(database_url)
    now = system_clock()
    await store.fleet.report(Peer("a", "web-1", "0.1.0", "rules", "keys", now, now))
    await store.close()
    with pytest.raises(StoreInUse, match="web-1"):
        await engines.copy(database_url, other_url, told_nobody)
