"""Merging while both sides are written: what was acknowledged adds up. On every engine, and by two servers
where the engine allows it.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.identity import Proof, user_ident
from server.ids import visitor_ident
from server.model import Batch, Event, Kind
from server.people.page import page_path
from server.rules.reload import Live
from server.store.base import Store
from server.store.engines import open_store
from server.store.lookup import merged
from server.trail import Trail
from server.trail.erasing import erase
from tests.trail.conftest import CONFIG, NOW

pytestmark = pytest.mark.anyio

BROWSERS = 8
BATCHES = 12


@pytest.fixture
async def trails(store: Store, database_url: str, tmp_path: Path) -> AsyncIterator[list[Trail]]:
    """Two servers on one database; on SQLite two tasks of the one server."""
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    if not store.is_shared:
        yield [Trail(store, Live(file))] * 2
        return
    other = await open_store(database_url)
    yield [Trail(store, Live(file)), Trail(other, Live(file))]
    await other.close()


def view(number: int) -> Event:
    url = f"https://www.example.com/{number % 3}"
    return Event(
        id=secrets.token_hex(8),
        name="page_view",
        at=NOW + number,
        received=NOW + number,
        url=url,
        path=page_path(url),
    )


def proof(user_id: str, number: int) -> Event:
    return Event(
        id=secrets.token_hex(8),
        name="identify",
        at=NOW + number,
        received=NOW + number,
        traits={"user_id": user_id},
        proof=Proof("user_hash", user_id, None, frozenset({"user_id"})),
    )


async def test_what_was_acknowledged_while_all_sign_in_as_one_adds_up(
    store: Store, trails: list[Trail]
) -> None:
    chance = random.Random(7)

    async def browse(browser: int) -> tuple[int, int]:
        views = proofs = 0
        for turn in range(BATCHES):
            events = [view(100 * turn + n) for n in range(chance.randint(1, 3))]
            views += len(events)
            if turn in (BATCHES // 3, BATCHES // 2):
                events.insert(chance.randint(0, len(events)), proof("u-1", 100 * turn))
                proofs += 1
            batch = Batch(site="main", visitor=f"v{browser}", events=events)
            trail = chance.choice(trails)
            for _ in range(chance.choice([1, 1, 2])):
                await trail.record([batch], NOW)
        return views, proofs

    told = await asyncio.gather(*(browse(browser) for browser in range(BROWSERS)))
    views, proofs = (sum(numbers) for numbers in zip(*told, strict=True))
    person_id = await store.reads.person_of(user_ident("main", "u-1"))
    assert person_id is not None
    user = await merged(store.reads, person_id)
    assert user is not None
    for browser in range(BROWSERS):
        visitor = await store.reads.person_of(visitor_ident("main", f"v{browser}"))
        assert visitor is not None
        assert await merged(store.reads, visitor) == user
    totals = await store.reads.all_totals(user.person_id)
    assert totals[user.person_id, int(Kind.event), "page_view"].count == views
    pages = [total.count for (_, kind, _), total in totals.items() if kind == Kind.page]
    assert sum(pages) == views
    assert user.events == views + proofs
    moments = (await store.reads.trail(user.person_id, limit=1_000)).moments
    assert len(moments) == len({moment.id for moment in moments}) == views + proofs
    assert (await store.reads.find_people(limit=9)).total == 1


async def test_everybody_who_signs_in_as_somebody_new_at_one_moment_is_one_person(
    store: Store, trails: list[Trail]
) -> None:
    batches = [
        Batch(site="main", visitor=f"v{n}", events=[view(n), proof("u-1", n), view(n)])
        for n in range(BROWSERS)
    ]
    await asyncio.gather(*(trails[n % 2].record([batch], NOW) for n, batch in enumerate(batches)))
    found = await store.reads.find_people(limit=9)
    assert (found.total, found.people[0].user_id) == (1, "u-1")
    totals = await store.reads.all_totals(found.people[0].person_id)
    assert totals[found.people[0].person_id, int(Kind.event), "page_view"].count == 2 * BROWSERS


async def test_an_erasure_while_the_person_is_written_leaves_nothing_of_before(
    store: Store, trails: list[Trail]
) -> None:
    await trails[0].record([Batch(site="main", visitor="v", events=[view(n) for n in range(5)])], NOW)
    person_id = await store.reads.person_of(visitor_ident("main", "v"))
    assert person_id is not None
    late = [Batch(site="main", visitor="v", events=[view(n)]) for n in range(10)]
    writes = [trails[n % 2].record([one], NOW) for n, one in enumerate(late)]
    await asyncio.gather(erase(store, person_id, NOW + 1_000), *writes)
    assert (await store.reads.find_people(limit=9)).total == 0
    assert await store.reads.all_totals(person_id) == {}
