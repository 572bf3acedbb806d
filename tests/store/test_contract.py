"""What every storage engine must do inside its ingest transaction."""

import asyncio

import pytest
from msgspec import structs

from server.model import Kind, Milestone, Moment, Offer, Person, Total
from server.people.state import begin
from server.store.base import Changes, Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


def person(person_id: int = 1, **fields: object) -> Person:
    return structs.replace(begin(person_id, "main", f"visitor-{person_id}", NOW), **fields)


def moment(person_id: int = 1, event_id: str = "e1", **fields: object) -> Moment:
    plain = Moment(
        person_id, event_id, "main", NOW, NOW, "page_view", "/a", "https://x.example/a", "A", "", {}, 1, 1
    )
    return structs.replace(plain, **fields)


def offer(person_id: int = 1, rule: str = "hello", nth: int = 1, **fields: object) -> Offer:
    return structs.replace(Offer(person_id, rule, nth, "e1", NOW, NOW, {"id": rule, "title": "Hi"}), **fields)


async def save(store: Store, **changes: object) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(**changes))  # type: ignore[arg-type]


async def test_a_person_comes_back_as_saved(store: Store) -> None:
    everything = person(
        role=2,
        email="ada@example.com",
        name='Ada "the first" \u2028 {x}',
        traits={
            "plan": "Pro",
            "seats": 3,
            "price": {"amount": 1, "currency": "eur"},
            "none": None,
            "yes": True,
        },
        utm={"source": "news"},
        verified=True,
        seen_before=NOW - 1,
        became_lead=NOW,
    )
    await save(store, people=[everything])
    async with store.transaction() as transaction:
        assert await transaction.people([1, 2]) == {1: everything}


async def test_saving_a_person_again_replaces_every_field(store: Store) -> None:
    await save(store, people=[person(name="Ada", sessions=3)])
    await save(store, people=[person(name=None, sessions=4, merged_into=7)])
    async with store.transaction() as transaction:
        assert await transaction.people([1]) == {1: person(name=None, sessions=4, merged_into=7)}


async def test_a_persons_first_and_last_time_are_those_of_their_events(store: Store) -> None:
    totals = {
        (1, Kind.event, "page_view"): Total(3, NOW + 1, NOW + 7),
        (1, Kind.event, "bought"): Total(2, NOW - 5, NOW + 2),
        (1, Kind.page, "/a"): Total(99, 0, NOW * 2),
    }
    seen = person(first_seen=NOW - 5, last_seen=NOW + 7, events=5)
    await save(store, people=[seen], totals=totals)
    assert await store.reads.person(1) == seen
    async with store.transaction() as transaction:
        assert await transaction.people([1]) == {1: seen}


async def test_an_ident_resolves_to_its_person(store: Store) -> None:
    await save(store, identities={"main/visitor/a": 1, "main/visitor/b": 2})
    async with store.transaction() as transaction:
        assert await transaction.resolve(["main/visitor/a", "main/visitor/c"]) == {"main/visitor/a": 1}
    assert await store.reads.person_of("main/visitor/b") == 2


async def test_an_ident_is_claimed_for_who_is_given_and_stays_theirs(store: Store) -> None:
    async with store.transaction() as transaction:
        assert await transaction.claim({"main/visitor/a": 1}) == {"main/visitor/a": 1}
    async with store.transaction() as transaction:
        claimed = await transaction.claim({"main/visitor/b": 3, "main/visitor/a": 2})
        assert claimed == {"main/visitor/a": 1, "main/visitor/b": 3}
        assert await transaction.resolve(["main/visitor/a", "main/visitor/b"]) == claimed
    assert await store.reads.person_of("main/visitor/a") == 1


async def test_a_claim_that_is_not_committed_is_nobodys(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as transaction:
            await transaction.claim({"main/visitor/a": 1})
            assert await transaction.resolve(["main/visitor/a"]) == {"main/visitor/a": 1}
            raise ZeroDivisionError
    async with store.transaction() as transaction:
        assert await transaction.resolve(["main/visitor/a"]) == {}
        assert await transaction.claim({"main/visitor/a": 2}) == {"main/visitor/a": 2}


async def test_two_who_claim_one_ident_at_once_are_one_person(store: Store) -> None:
    async def come(person_id: int) -> int:
        async with store.transaction() as transaction:
            claimed = await transaction.claim({"main/visitor/a": person_id, f"main/visitor/{person_id}": 99})
            return claimed["main/visitor/a"]

    assert len(set(await asyncio.gather(*map(come, range(1, 9))))) == 1


async def test_nobody_adds_to_a_person_who_is_held(store: Store) -> None:
    key = (1, Kind.page, "/a")
    await save(store, people=[person()])

    async def view() -> None:
        async with store.transaction() as transaction:
            [held] = (await transaction.people([1])).values()
            found = await transaction.totals({1: [key[1:]]})
            count = found[1].get(key[1:], Total(0, NOW, NOW)).count
            await transaction.save(Changes(people=[held], totals={key: Total(count + 1, NOW, NOW)}))

    await asyncio.gather(*(view() for _ in range(20)))
    assert await store.reads.totals([key]) == {key: Total(20, NOW, NOW)}


async def test_the_same_event_id_of_two_people_is_two_events(store: Store) -> None:
    await save(store, events=[moment(1, "e1"), moment(2, "e1")])
    async with store.transaction() as transaction:
        known = await transaction.known_events([(1, "e1"), (2, "e1"), (2, "e2"), (3, "e1")])
    assert known == {(1, "e1"), (2, "e1")}


async def test_an_events_text_and_metadata_come_back_as_saved(store: Store) -> None:
    saved = moment(
        title="Ünïcode 😀 \\ \" '",
        metadata={"n": 1.5, "big": 2**63 - 1, "o": {"url": "https://x.example", "value": 1}},
    )
    await save(store, people=[person()], events=[saved])
    assert (await store.reads.trail(1, limit=10)).moments == [saved]


async def test_totals_are_written_as_they_now_are(store: Store) -> None:
    key = (1, Kind.page, "/pricing")
    await save(store, people=[person()], totals={key: Total(1, NOW, NOW)})
    await save(store, people=[person()], totals={key: Total(4, NOW - 5, NOW + 5)})
    async with store.transaction() as transaction:
        asked = {1: [(Kind.page, "/pricing"), (Kind.event, "/pricing")], 2: [(Kind.page, "/pricing")]}
        found = await transaction.totals(asked)
    assert found == {1: {(Kind.page, "/pricing"): Total(4, NOW - 5, NOW + 5)}, 2: {}}


async def test_page_totals_are_those_of_pages_only(store: Store) -> None:
    totals = {(1, Kind.page, "/a"): Total(1, NOW, NOW), (1, Kind.event, "page_view"): Total(1, NOW, NOW)}
    await save(store, people=[person()], totals=totals)
    async with store.transaction() as transaction:
        assert await transaction.page_totals([1, 2]) == {1: {(Kind.page, "/a"): Total(1, NOW, NOW)}, 2: {}}
    assert await store.reads.all_totals(1) == totals


async def test_an_offer_is_replaced_and_not_doubled(store: Store) -> None:
    await save(store, offers=[offer()])
    await save(store, offers=[offer(shown=NOW + 9, event_id="e2")])
    async with store.transaction() as transaction:
        assert await transaction.offers([1]) == [offer(shown=NOW + 9, event_id="e2")]


async def test_milestones_and_event_names_may_be_saved_twice(store: Store) -> None:
    became = Milestone(1, NOW, "became", {"role": "lead"})
    for _ in range(2):
        await save(store, milestones=[became], event_names=[("main", "bought", NOW)])
    assert await store.reads.milestones(1) == [became]
    async with store.transaction() as transaction:
        assert await transaction.event_names("main") == {"bought"}
        assert await transaction.event_names("other") == set()


async def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as transaction:
            await transaction.save(Changes(people=[person()], identities={"main/visitor/a": 1}))
            raise ZeroDivisionError
    async with store.transaction() as transaction:
        assert await transaction.people([1]) == {}
        assert await transaction.resolve(["main/visitor/a"]) == {}


async def test_nothing_is_seen_before_the_commit(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(people=[person()]))
        assert await store.reads.person(1) is None
    assert await store.reads.person(1) == person()


async def test_a_store_that_works_has_no_complaint(store: Store) -> None:
    assert await store.check() is None
    assert store.describe()
