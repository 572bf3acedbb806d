"""Taking a merge back: two people again, each with what was theirs; what was done since stays where it is."""

from msgspec import structs

from server.errors import Conflict, NotFound
from server.identity import Merge
from server.ids import public_id
from server.model import Milestone, Tagged, Total
from server.people.merge import (
    brought_tags,
    memory_totals,
    recall,
    separate,
    separate_offers,
    separate_totals,
)
from server.store.base import Changes, Store, Transaction
from server.trail.merging import free_moment
from server.trail.repeat import until_written

_NOTHING = Total(0, 0, 0)


async def take_back(store: Store, person_id: int, merged: int, now: int) -> Merge:
    """Undo the latest merge of `merged` into this person; the merge as it now is.

    Raises NotFound when there was none or the raw events of that time are forgotten, and Conflict when it was
    undone already or the person has since been merged into somebody else.
    """

    async def write() -> Merge:
        async with store.transaction() as transaction:
            return await _take_back(transaction, person_id, merged, now)

    return await until_written(write)


async def _take_back(transaction: Transaction, person_id: int, merged: int, now: int) -> Merge:
    people = await transaction.people([person_id, merged])
    if person_id not in people or merged not in people:
        raise NotFound("not_found", "There is no such merge.")
    merge = _latest(await transaction.merges(person_id), merged)
    current, memory = people[person_id], recall(merge)
    if current.merged_into is not None:
        raise Conflict(
            "merged_again", "This person was merged into another one since; take that merge back first."
        )
    source, target = memory.source, memory.target
    brought = memory_totals(memory)
    totals = (await transaction.totals({person_id: brought}))[person_id]
    left = separate_totals(totals, memory)
    offers = separate_offers(person_id, await transaction.offers([person_id]), memory)
    milestones = await transaction.milestones(person_id)
    await transaction.move_back(merge, target.sessions, source.sessions, memory.latest)
    await transaction.take_milestones_away(person_id, memory.milestones)
    await transaction.forget_offers(person_id)
    back = structs.replace(source, merged_into=None)
    undone = structs.replace(merge, undone=now, memory={})
    told = {"from": public_id(merged), "by": "operator"}
    await transaction.save(
        Changes(
            people=[separate(current, memory), back],
            totals={
                **{(merged, *key): total for key, total in brought.items()},
                **{(person_id, *key): total or _NOTHING for key, total in left.items()},
            },
            offers=[*offers, *memory.offers],
            milestones=[
                *memory.milestones,
                Milestone(person_id, free_moment(now, "separated", milestones), "separated", told),
                Milestone(merged, now, "separated", {"from": public_id(person_id), "by": "operator"}),
            ],
            merges=[undone],
            tagged=[Tagged(merged, tag, now) for tag in source.tags],
            untagged=[(person_id, tag) for tag in brought_tags(memory) if tag in current.tags],
        )
    )
    await transaction.forget_empty_totals(person_id)
    return undone


def _latest(merges: list[Merge], merged: int) -> Merge:
    for merge in merges:
        if merge.merged == merged:
            if merge.undone is not None:
                raise Conflict("undone_already", "This merge was taken back already.")
            return merge
    raise NotFound(
        "not_found", "There is no such merge, or its raw events are forgotten: nobody knows whose they were."
    )
