"""What the dashboard and the API read, on every engine."""

import pytest
from msgspec import structs

from server.clock import HOUR, MINUTE, SECOND
from server.model import Kind, Role, Total
from server.store.base import Changes, Store
from server.store.lookup import merged, person_named
from tests.story import NOON, Story

pytestmark = pytest.mark.anyio


async def tell(store: Store, *stories: Story) -> None:
    for story in stories:
        async with store.transaction() as transaction:
            await transaction.save(story.changes())


def lead(person_id: int, email: str, **fields: str) -> Story:
    return Story(person_id, **fields).viewed("/", 0).did("identify", SECOND, traits={"email": email})


async def test_a_person_reads_as_saved(store: Store) -> None:
    story = lead(7, "ada@example.com").viewed("/?utm_source=news", HOUR, referrer="https://x.example/")
    await tell(store, story)
    assert await store.reads.person(7) == story.person
    assert await store.reads.person(8) is None


async def test_people_come_newest_first_and_page_by_page(store: Store) -> None:
    await tell(store, *(Story(number).viewed("/", 0) for number in (1, 2, 3, 4, 5)))
    first = await store.reads.find_people(limit=2)
    assert ([p.person_id for p in first.people], first.total, first.more) == ([5, 4], 5, True)
    second = await store.reads.find_people(limit=2, before=4)
    assert ([p.person_id for p in second.people], second.total, second.more) == ([3, 2], 5, True)
    last = await store.reads.find_people(limit=2, before=2)
    assert ([p.person_id for p in last.people], last.total, last.more) == ([1], 5, False)


async def test_an_email_is_found_exactly_and_by_its_beginning(store: Store) -> None:
    await tell(store, lead(1, "ada@example.com"), lead(2, "adam@example.com"), lead(3, "bob@example.com"))
    await tell(store, lead(4, "ada@example.com"), Story(5).viewed("/", 0))

    async def found(**by: str) -> list[int]:
        return [person.person_id for person in (await store.reads.find_people(limit=9, **by)).people]  # type: ignore[arg-type]

    assert await found(email="ada@example.com") == [4, 1]
    assert await found(email="ada@example") == []
    assert await found(email_prefix="ada") == [4, 2, 1]
    assert await found(email_prefix="ada@") == [4, 1]
    for hostile in ("%", "_", "' OR 1=1 --", "*", "\U0010ffff"):
        assert await found(email_prefix=hostile) == []
        assert await found(email=hostile) == []


async def test_people_are_told_apart_by_role_and_by_site(store: Store) -> None:
    await tell(
        store, lead(1, "ada@example.com"), Story(2).viewed("/", 0), lead(3, "eve@example.com", site="other")
    )
    leads = await store.reads.find_people(roles=[Role.lead, Role.user], limit=9)
    assert ([p.person_id for p in leads.people], leads.total) == ([3, 1], 2)
    of_main = await store.reads.find_people(site="main", limit=9)
    assert ([p.person_id for p in of_main.people], of_main.total) == ([2, 1], 2)


async def test_a_merged_person_is_in_no_list_and_leads_to_who_they_are_now(store: Store) -> None:
    old, new = Story(1, visitor="a" * 32).viewed("/", 0), lead(2, "ada@example.com")
    await tell(store, old, new)
    gone = structs.replace(old.person, merged_into=2)
    async with store.transaction() as transaction:
        await transaction.save(Changes(people=[gone]))
    assert [p.person_id for p in (await store.reads.find_people(limit=9)).people] == [2]
    assert await store.reads.person(1) == gone
    assert await merged(store.reads, 1) == new.person
    assert await person_named(store.reads, "0000000000000001", ["main"]) == new.person
    assert await person_named(store.reads, "a" * 32, ["other", "main"]) == new.person


async def test_merges_that_go_round_in_a_circle_end(store: Store) -> None:
    one, two = Story(1).viewed("/", 0).person, Story(2).viewed("/", 0).person
    async with store.transaction() as transaction:
        await transaction.save(
            Changes(people=[structs.replace(one, merged_into=2), structs.replace(two, merged_into=1)])
        )
    assert await merged(store.reads, 1) is None


@pytest.mark.parametrize(
    "text", ["", "0", "g" * 16, "F" * 16, "f" * 16, "a" * 32, "A" * 32, "../../x", "9" * 400, "\x00"]
)
async def test_an_id_that_names_nobody_finds_nobody(store: Store, text: str) -> None:
    assert await person_named(store.reads, text, ["main"]) is None


async def test_a_trail_comes_newest_first_with_what_ended_its_newest_view(store: Store) -> None:
    story = (
        Story()
        .viewed("/a", 0, id="a")
        .viewed("/b", 0, id="b")
        .viewed("/c", SECOND, id="c")
        .left("/c", HOUR, 9)
    )
    await tell(store, story, Story(2).viewed("/elsewhere", 5))
    a, b, c, left = story.moments
    whole = await store.reads.trail(1, limit=9)
    assert whole == ([left, c, b, a], [], False)
    cut = await store.reads.trail(1, limit=2, before=(left.at, left.id))
    assert cut == ([c, b], [left], True)
    rest = await store.reads.trail(1, limit=2, before=(b.at, b.id))
    assert rest == ([a], [b, c, left], False)
    assert await store.reads.trail(3, limit=2) == ([], [], False)


async def test_milestones_come_newest_first(store: Store) -> None:
    story = lead(1, "ada@example.com")
    await tell(store, story)
    assert await store.reads.milestones(1) == story.milestones
    assert story.milestones[0].at == NOON + SECOND


async def test_totals_are_read_for_one_person_or_for_asked_keys(store: Store) -> None:
    one, two = Story(1).viewed("/a", 0).viewed("/a", SECOND), Story(2).viewed("/a", 0)
    await tell(store, one, two)
    assert await store.reads.all_totals(1) == one.totals
    asked = [
        (1, Kind.page, "/a"),
        (2, Kind.event, "page_view"),
        (2, Kind.event, "never"),
        (3, Kind.page, "/a"),
    ]
    assert await store.reads.totals(asked) == {
        (1, Kind.page, "/a"): Total(2, NOON, NOON + SECOND),
        (2, Kind.event, "page_view"): Total(1, NOON, NOON),
    }
    assert await store.reads.totals([]) == {}


async def test_offers_are_those_of_the_person(store: Store) -> None:
    story = Story().viewed("/a", 0).won("hello", "Hello", 5)
    await tell(store, story)
    assert await store.reads.all_offers(1) == story.offers
    assert await store.reads.all_offers(2) == []


async def test_the_latest_of_everybody_are_found_by_the_time_in_their_ids(store: Store) -> None:
    def seen(person_id: int, at: int, made: int) -> Story:
        time = f"{NOON + made:012x}"
        return Story(person_id).viewed("/", at, id=f"{time[:8]}-{time[8:]}-7000-8000-{person_id:012x}")

    await tell(
        store,
        seen(1, -MINUTE, -MINUTE),
        seen(2, -SECOND, 5 * MINUTE),
        seen(3, -6 * MINUTE, -6 * MINUTE),
        seen(4, -SECOND, -HOUR),
    )
    latest = await store.reads.latest(NOON - 5 * MINUTE, NOON, 10)
    assert [found.person_id for found in latest] == [2, 1]
    assert [found.person_id for found in await store.reads.latest(NOON - 5 * MINUTE, NOON, 1)] == [2]
