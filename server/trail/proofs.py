"""What a proof does: who is at the browser from now on, and whose is what was done there before.

A visitor or lead joins the person who was proved, with their whole history. Whoever is known as somebody else
keeps theirs: the browser is handed over.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec import structs

from server.identity import Proof
from server.model import Batch, Event
from server.people.merge import may_join
from server.store.base import Transaction
from server.trail.cast import Cast, Numbered, idents_of
from server.trail.merging import merge


class Turn(NamedTuple):
    """A proof that changes who is who: the batch is told up to this event, and goes on as somebody else's."""

    number: int
    """Which batch of the transaction."""
    batch: Batch
    place: int
    """Which event of the batch."""
    owner: int

    @property
    def before(self) -> Batch:
        """The batch's part before the proof."""
        return _part(self.batch, self.batch.events[: self.place])

    @property
    def rest(self) -> Batch:
        """The batch's part from the proof on."""
        return _part(self.batch, self.batch.events[self.place :])

    @property
    def event(self) -> Event:
        """The event that proves."""
        return self.batch.events[self.place]


async def told_to_others(
    transaction: Transaction, owners: Sequence[int], batches: Numbered, known: Collection[tuple[int, str]]
) -> set[tuple[int, str]]:
    """(owner, event id) of what a request that is repeated told before its proof, when the browser was still
    somebody else's.
    """
    asked = {
        (owner, event.id)
        for owner, (_, batch) in zip(owners, batches, strict=True)
        if any(event.proof is not None and (owner, event.id) in known for event in batch.events)
        for event in batch.events
        if (owner, event.id) not in known
    }
    ids = await transaction.event_ids({event_id for _, event_id in asked}) if asked else set()
    return {(owner, event_id) for owner, event_id in asked if event_id in ids}


def until_somebody_is_proved(
    cast: Cast, owners: Sequence[int], batches: Numbered, known: Collection[tuple[int, str]]
) -> tuple[list[tuple[int, int, Batch]], list[Turn], Numbered]:
    """(owner, number, batch) to be told now, the proofs that come after them, and what follows those.

    `known` holds (owner, event id) of what was told before.
    """
    told: list[tuple[int, int, Batch]] = []
    turns: list[Turn] = []
    untold: Numbered = []
    waiting: set[int] = set()
    for owner, (number, batch) in zip(owners, batches, strict=True):
        turn = None if owner in waiting else _first_turn(cast, owner, number, batch, known)
        if owner in waiting:
            untold.append((number, batch))
        elif turn is None:
            told.append((owner, number, batch))
        else:
            turns.append(turn)
            told.append((owner, number, turn.before))
            untold.append((number, turn.rest))
            assert turn.event.proof is not None
            proved = map(cast.known_as, idents_of(batch.site, turn.event.proof))
            waiting |= {owner, *(person_id for person_id in proved if person_id is not None)}
    return told, turns, untold


def _first_turn(
    cast: Cast, owner: int, number: int, batch: Batch, known: Collection[tuple[int, str]]
) -> Turn | None:
    for place, event in enumerate(batch.events):
        new = event.proof is not None and (owner, event.id) not in known
        if new and event.proof is not None and changes_who_is_who(cast, owner, batch.site, event.proof):
            return Turn(number, batch, place, owner)
    return None


def changes_who_is_who(cast: Cast, owner: int, site: str, proof: Proof) -> bool:
    """Whether the proof says anything new: most of them only repeat who is signed in."""
    deciding, *others = idents_of(site, proof)
    if cast.known_as(deciding) != owner:
        return True
    return any(
        known is None or (known != owner and _may_follow(cast, known, owner, proof))
        for known in map(cast.known_as, others)
    )


async def settle(transaction: Transaction, cast: Cast, turn: Turn) -> bool:
    """Make it so. True when the browser was handed over to somebody else."""
    proof, site, at = turn.event.proof, turn.batch.site, turn.event.at
    assert proof is not None
    deciding, *others = idents_of(site, proof)
    owner = turn.owner
    known = cast.known_as(deciding)
    if known is None:
        joins = may_join(cast.people[owner], None, proof)
        person = cast.people[owner] if joins else cast.newcomer(site, turn.batch.visitor, at)
        known = await cast.claim(deciding, person)
    handed_over = False
    if known != owner:
        handed_over = not await _joins(transaction, cast, owner, known, turn)
    for ident in others:
        other = cast.known_as(ident)
        if other is None:
            await cast.claim(ident, cast.people[known])
        elif other != known and _may_follow(cast, other, known, proof):
            await _merge(transaction, cast, other, known, turn)
    return handed_over


def _may_follow(cast: Cast, lead: int, user: int, proof: Proof) -> bool:
    """Whether a lead who proved the e-mail before is the user who proves it now."""
    source, target = cast.people[lead], cast.people[user]
    return source.user_id is None and may_join(source, target, proof)


async def _joins(transaction: Transaction, cast: Cast, owner: int, known: int, turn: Turn) -> bool:
    """The owner joins the proved person, if they may; else the browser is handed over. False then."""
    proof = turn.event.proof
    assert proof is not None
    if owner in cast.begun:
        # Nothing was done there yet: there is nobody to join.
        await cast.hand_over(turn.batch.site, turn.batch.visitor, known)
        return True
    undone = any(
        merged.merged == owner and merged.undone is not None for merged in await transaction.merges(known)
    )
    if undone or not may_join(cast.people[owner], cast.people[known], proof):
        await cast.hand_over(turn.batch.site, turn.batch.visitor, known)
        return False
    await _merge(transaction, cast, owner, known, turn)
    return True


async def _merge(transaction: Transaction, cast: Cast, source: int, target: int, turn: Turn) -> None:
    event = turn.event
    assert event.proof is not None
    both, gone = await merge(
        transaction,
        cast.people[source],
        cast.people[target],
        by=event.proof.by,
        event_id=event.id,
        at=event.at,
        now=event.received,
    )
    cast.people |= {target: both, source: gone}


def _part(batch: Batch, events: list[Event]) -> Batch:
    return structs.replace(batch, events=events)
