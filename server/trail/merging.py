"""Two people become one, within a transaction: everything of the one is the other's, and what both were is
remembered.
"""

from collections.abc import Iterable, Mapping

from msgspec import structs

from server.identity import Merge
from server.ids import public_id
from server.model import Milestone, Person, Total, TotalKey
from server.people.merge import Totals, join, join_offers, join_totals, remember
from server.store.base import Changes, Transaction


async def merge(
    transaction: Transaction,
    source: Person,
    target: Person,
    *,
    by: str,
    event_id: str = "",
    at: int,
    now: int,
) -> tuple[Person, Person]:
    """The target, who goes on as both, and the source, who names it. Both are held; they are of one site.

    `at` is when it happened, for the history; `now` the server's time: what the source did and was received
    before it is what can be taken back.
    """
    totals = of_person(await transaction.all_totals(source.person_id))
    target_totals = (await transaction.totals({target.person_id: totals}))[target.person_id]
    offers = await transaction.offers([source.person_id, target.person_id])
    milestones = await transaction.milestones(source.person_id)
    await _tell_apart(transaction, source.person_id, target.person_id)
    memory = remember(
        source,
        target,
        totals,
        target_totals,
        [offer for offer in offers if offer.person_id == source.person_id],
        milestones,
        await transaction.latest_events(source.person_id, now),
    )
    both = join(source, target)
    gone = structs.replace(source, email=None, name=None, traits={}, origins={}, merged_into=target.person_id)
    await transaction.move(source.person_id, target.person_id, target.sessions)
    await transaction.forget_offers(target.person_id)
    told = {"contact": public_id(source.person_id), "visitor": source.visitor, "by": by}
    await transaction.save(
        Changes(
            people=[both, gone],
            totals={
                (target.person_id, *key): total for key, total in join_totals(totals, target_totals).items()
            },
            offers=join_offers(target.person_id, offers),
            milestones=[
                Milestone(
                    target.person_id,
                    free_moment(at, "merge", await transaction.milestones(target.person_id)),
                    "merge",
                    {**told, "event": event_id} if event_id else told,
                )
            ],
            merges=[Merge(target.person_id, source.person_id, now, by, event_id, memory)],
        )
    )
    return both, gone


async def _tell_apart(transaction: Transaction, source: int, target: int) -> None:
    """Events of the two may have one id, such as `order-1`: then the source's get others; none is lost."""
    ids = await transaction.latest_events(source, 0)
    same = await transaction.known_events({(target, event_id) for event_id in ids})
    if same:
        await transaction.rename_events(source, [event_id for _, event_id in same])


def of_person(totals: Mapping[TotalKey, Total]) -> Totals:
    """One person's totals by kind and key."""
    return {(kind, key): total for (_, kind, key), total in totals.items()}


def free_moment(at: int, kind: str, milestones: Iterable[Milestone]) -> int:
    """This millisecond, or the next in which the person has no milestone of the kind."""
    taken = {milestone.at for milestone in milestones if milestone.kind == kind}
    while at in taken:
        at += 1
    return at
