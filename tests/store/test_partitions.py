"""Events on PostgreSQL lie in weeks, whatever their ids look like and whenever partitions were made."""

import itertools
from collections.abc import Iterator

import pytest
from msgspec import structs

from server.clock import DAY
from server.errors import StoreError
from server.model import Moment
from server.store.base import Changes
from server.store.postgres import open_postgres
from server.store.postgres.engine import connect
from server.store.postgres.migration import make_partitions
from server.store.postgres.partitions import WEEK, WEEKS_AHEAD, week_of, weeks
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio

NOW = 1_750_000_000_000
"""Before any week that the template has."""
YEARS_LATER = NOW + 1_000 * DAY


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """A database whose partitions a test may change."""
    name = postgres.create("leadtrail_template")
    yield postgres.url(name)
    postgres.drop(name)


def uuid7(at: int, end: str = "7123-9abc-0123456789ab") -> str:
    digits = f"{at:012x}"
    return f"{digits[:8]}-{digits[8:]}-{end}"


def moment(event_id: str, at: int = NOW) -> Moment:
    return structs.replace(
        Moment(1, event_id, "main", at, at, "page_view", "/a", "https://x.example/a", "A", "", {}, 1, 1)
    )


async def lies(url: str) -> dict[str, str]:
    """The partition of each event."""
    connection = await connect(url)
    found = await connection.fetch("SELECT id, tableoid::regclass::text FROM events")
    await connection.close()
    return dict(map(tuple, found))


async def made(url: str, now: int) -> int:
    return await make_partitions(url, now)


async def save(url: str, *event_ids: str) -> None:
    store = await open_postgres(url, url)
    async with store.transaction() as transaction:
        await transaction.save(Changes(events=[moment(event_id) for event_id in event_ids]))
    await store.close()


def test_weeks_follow_each_other_without_a_gap() -> None:
    found = weeks(NOW, NOW + 5 * WEEK)
    assert len(found) == 6
    for week, following in itertools.pairwise(found):
        assert week.end == following.first
        assert week_of(week.name) == week.ends
    assert found[0].first <= f"{NOW:012x}"[:8] < found[0].end


@pytest.mark.parametrize("name", ["events_low", "events_other", "events_w", "totals", "events_wx"])
def test_what_is_no_week_is_taken_for_none(name: str) -> None:
    assert week_of(name) is None


async def test_an_event_lies_in_its_week_and_what_is_no_uuid7_beside_them(url: str) -> None:
    await made(url, NOW)
    [week] = weeks(NOW, NOW)
    ids = [uuid7(NOW), uuid7(NOW).replace("-", ""), "order-17", "A", "0", "_", uuid7(YEARS_LATER), "01ff"]
    await save(url, *ids)
    found = await lies(url)
    assert [found[event_id] for event_id in ids] == [
        week.name,
        week.name,
        "events_high",
        "events_high",
        "events_low",
        "events_high",
        "events_other",
        "events_other",
    ]


async def test_partitions_are_made_ahead_once(url: str) -> None:
    await made(url, NOW)
    assert await made(url, NOW) == 0
    assert await made(url, NOW + WEEK) == 1
    assert await made(url, YEARS_LATER) == WEEKS_AHEAD + 1


async def names(url: str) -> set[str]:
    connection = await connect(url)
    found = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
    )
    await connection.close()
    return {name for (name,) in found}


async def test_a_week_is_dropped_whole_and_what_came_into_it_later_is_kept(url: str) -> None:
    await made(url, NOW)
    week, following = weeks(NOW, NOW + WEEK)
    late = uuid7(NOW, "7fff-9abc-0123456789ab")
    store = await open_postgres(url, url)
    async with store.transaction() as transaction:
        old = [moment(uuid7(NOW)), moment("order-1"), moment(uuid7(YEARS_LATER))]
        young = [moment(late, week.ends), moment("order-2", week.ends), moment(uuid7(week.ends), week.ends)]
        await transaction.save(Changes(events=[*old, *young]))
    await store.forget_events(week.ends)
    assert week.name not in await names(url)
    assert following.name in await names(url)
    assert await lies(url) == {
        late: "events_other",
        "order-2": "events_high",
        uuid7(week.ends): following.name,
    }
    await store.forget_events(week.ends)
    await store.close()


async def test_where_a_week_may_not_be_dropped_its_events_are_deleted(postgres: Postgres, url: str) -> None:
    await made(url, NOW)
    [week] = weeks(NOW, NOW)
    await save(url, uuid7(NOW), "order-1")
    async with postgres.role(url) as as_web:
        store = await open_postgres(as_web, as_web)
        await store.forget_events(week.ends)
        assert await lies(url) == {}
        assert week.name in await names(url)
        with pytest.raises(StoreError, match="must be owner"):
            await store.make_room(YEARS_LATER)
        await store.close()


async def test_after_a_long_sleep_events_move_into_the_week_that_they_waited_for(url: str) -> None:
    late, other = uuid7(YEARS_LATER), uuid7(YEARS_LATER + 500 * DAY)
    await save(url, late, other, "order-17")
    assert set((await lies(url)).values()) == {"events_other", "events_high"}
    await made(url, YEARS_LATER)
    [week] = weeks(YEARS_LATER, YEARS_LATER)
    assert await lies(url) == {late: week.name, other: "events_other", "order-17": "events_high"}
    store = await open_postgres(url, url)
    async with store.transaction() as transaction:
        asked = [(1, late), (1, other), (1, "order-17"), (2, late)]
        assert await transaction.known_events(asked) == set(asked[:3])
    await store.close()
