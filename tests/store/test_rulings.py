"""What every storage engine must do for the rules outside of the ingest transaction."""

import pytest
from msgspec import structs

from server.clock import DAY
from server.model import Hold, Kind, Offer, Total, due_at
from server.people.state import begin
from server.store.base import Arming, Changes, Given, Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


async def save(store: Store, **changes: object) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(**changes))  # type: ignore[arg-type]


async def test_what_is_due_is_found_in_its_lane_the_longest_overdue_first(store: Store) -> None:
    lane = 3
    ids = [lane + 8 * number for number in range(4)]
    due = [due_at(person_id, "r", NOW - number) for number, person_id in enumerate(ids)]
    await save(store, due=[*due, due_at(ids[0], "later", NOW + 1), due_at(4, "r", NOW)])
    assert [entry.person_id for entry in await store.rulings.due(lane, NOW, 3)] == [ids[3], ids[2], ids[1]]
    assert [entry.person_id for entry in await store.rulings.due(4, NOW, 9)] == [4]


async def test_an_entry_moves_to_an_earlier_time_only_and_is_settled(store: Store) -> None:
    await save(store, due=[due_at(1, "r", NOW)])
    await save(store, due=[due_at(1, "r", NOW + 5)])
    async with store.transaction() as transaction:
        assert [entry.at for entry in await transaction.due([(1, "r"), (2, "r")])] == [NOW]
    await save(store, due=[due_at(1, "r", NOW - 5)])
    async with store.transaction() as transaction:
        assert [entry.at for entry in await transaction.due([(1, "r")])] == [NOW - 5]
    # What is settled and due anew has the new time, however late.
    await save(store, settled=[(1, "r")], due=[due_at(1, "r", NOW + DAY)])
    async with store.transaction() as transaction:
        assert [entry.at for entry in await transaction.due([(1, "r")])] == [NOW + DAY]
    await save(store, settled=[(1, "r"), (9, "r")])
    assert await store.rulings.due(1, NOW + 2 * DAY, 9) == []


async def test_people_are_counted_once_by_rule_and_arm(store: Store) -> None:
    offer = Offer(1, "r", 1, "e1", NOW, NOW, {"id": "r"})
    await save(
        store,
        offers=[
            structs.replace(offer, shown=NOW, clicked=NOW),
            structs.replace(offer, nth=2, shown=NOW, goal=NOW),
            structs.replace(offer, person_id=2, dismissed=NOW),
            structs.replace(offer, person_id=3, control=True, message={}, goal=NOW),
        ],
        holds=[Hold(1, "r", "cap", NOW), Hold(4, "r", "cap", NOW), Hold(4, "r", "schedule", NOW)],
    )
    await save(store, holds=[Hold(4, "r", "cap", NOW + 1)])
    assert sorted(await store.rulings.given()) == [
        Given("r", False, 2, 1, 1, 1, 1),
        Given("r", True, 1, 0, 0, 0, 1),
    ]
    assert sorted(await store.rulings.held()) == [("r", "cap", 2), ("r", "schedule", 1)]
    assert await store.rulings.held_people() == [("r", 2)]
    assert await store.rulings.matched() == [("r", 4)]


async def test_people_come_by_their_ids_by_when_they_were_seen_and_by_a_total(store: Store) -> None:
    people = [structs.replace(begin(n, "main", f"v{n}", NOW), seen_day=100 + n) for n in range(1, 6)]
    people[1] = structs.replace(people[1], merged_into=1)
    totals = {(n, Kind.page, "/a"): Total(n, NOW, NOW) for n in range(1, 6)}
    await save(store, people=people, totals=totals)

    async def ids(**asked: object) -> list[int]:
        found = await store.rulings.crowd(**{"after": 0, "limit": 9, **asked})  # type: ignore[arg-type]
        return [person.person_id for person in found]

    assert await ids() == [1, 3, 4, 5]
    assert await ids(after=3, limit=1) == [4]
    assert await ids(since_day=104) == [4, 5]
    assert await ids(need=((Kind.page, "/a"), 4)) == [4, 5]
    assert await ids(need=((Kind.page, "/b"), 1)) == []


async def test_how_far_a_rule_was_asked_is_kept(store: Store) -> None:
    await store.rulings.set_arming(Arming("r", "x", 5))
    await store.rulings.set_arming(Arming("r", "y", 9))
    assert await store.rulings.armings() == [Arming("r", "y", 9)]
