"""Two people become one, and one becomes two again. Pure: people and totals in, people and totals out.

Merging is the same in whatever order: counts are summed, the earliest first and the latest last win, the
first referrer, page and campaign are those of whoever came first.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct, structs

from server.clock import DAY
from server.identity import Merge, Proof
from server.model import Metadata, Milestone, Offer, Person, Total
from server.people.traits import joined, values_of, with_values

Totals = Mapping[tuple[int, str], Total]
"""By kind and key, of one person."""


class Memory(Struct, frozen=True):
    """What two people were just before they became one."""

    source: Person
    """Who joined."""
    target: Person
    """Who goes on."""
    totals: list[tuple[int, str, int, int, int]]
    """The source's: kind, key, count, first, last."""
    target_totals: list[tuple[int, str, int, int, int]]
    """The target's under the same keys."""
    offers: list[Offer]
    """The source's."""
    milestones: list[Milestone]
    """The source's."""
    latest: list[str]
    """The ids of the source's events that were received at the very time of the merge."""


def may_join(source: Person, target: Person | None, proof: Proof) -> bool:
    """Whether whoever is at the browser so far is nobody but the proved person: not known as another one.

    `target` is the proved person, None if they are new.
    """
    if source.user_id is not None:
        return source.user_id == proof.user_id
    if not source.verified or source.email is None:
        return True
    # A proved e-mail without a user_id: the same person if nothing says that theirs is another one.
    theirs = proof.email or (target.email if target is not None and target.verified else None)
    return theirs in (None, source.email)


def join(source: Person, target: Person) -> Person:
    """The target once it is both. The row's own id, visitor and user_id stay."""
    earlier, later = _by_time(source, target)
    values, said = joined(source, target)
    seen_before = [person.seen_before for person in (source, target) if person.seen_before is not None]
    if earlier.last_seen < later.session_start:
        seen_before.append(earlier.last_seen)
    first, second = sorted((source, target), key=lambda person: (person.first_seen, person.person_id))
    landed = first if first.landing else second
    return structs.replace(
        with_values(target, values, said),
        role=max(source.role, target.role),
        user_id=target.user_id or source.user_id,
        verified=source.verified or target.verified,
        first_seen=first.first_seen,
        last_seen=later.last_seen,
        seen_before=max(seen_before, default=None),
        session_start=later.session_start,
        sessions=source.sessions + target.sessions,
        events=source.events + target.events,
        referrer=landed.referrer,
        landing=landed.landing,
        utm=first.utm or second.utm,
        language=later.language or earlier.language,
        country=later.country or earlier.country,
        **_device(later if later.browser else earlier),
        profile={**source.profile, **target.profile},
        tags={**source.tags, **target.tags},
        created=_earliest(source.created, target.created),
        updated=max((at for at in (source.updated, target.updated) if at is not None), default=None),
        became_lead=_earliest(source.became_lead, target.became_lead),
        became_user=_earliest(source.became_user, target.became_user),
        seen_day=later.last_seen // DAY,
    )


def separate(current: Person, memory: Memory) -> Person:
    """The person who goes on, without what the merge brought. What they have learned since then stays."""
    both, before = join(memory.source, memory.target), memory.target
    values, said = values_of(current), dict(current.origins)
    merged_values, values_before = values_of(both), values_of(before)
    for name in merged_values:
        if values.get(name) == merged_values[name]:
            del values[name]
            said.pop(name, None)
            if name in values_before:
                values[name] = values_before[name]
                if name in before.origins:
                    said[name] = before.origins[name]
    undone = {
        field: getattr(before, field)
        for field in _MERGED_FIELDS
        if getattr(current, field) == getattr(both, field)
    }
    return structs.replace(
        with_values(current, values, said),
        **undone,
        tags={tag: name for tag, name in current.tags.items() if tag not in brought_tags(memory)},
        sessions=max(1, current.sessions - memory.source.sessions),
    )


def brought_tags(memory: Memory) -> set[str]:
    """The ids of the tags that only the source had."""
    return memory.source.tags.keys() - memory.target.tags.keys()


_MERGED_FIELDS = (
    *("role", "user_id", "verified", "became_lead", "became_user", "seen_before"),
    *("profile", "created", "updated"),
    *("referrer", "landing", "utm", "language", "country", "browser", "os", "device"),
)
"""What the merge may have changed besides traits, times and counts."""


def join_totals(source: Totals, target: Totals) -> dict[tuple[int, str], Total]:
    """The totals of both."""
    both = dict(target)
    for key, total in source.items():
        both[key] = sum_of(total, both.get(key))
    return both


def sum_of(one: Total, other: Total | None) -> Total:
    """Two totals as one."""
    if other is None:
        return one
    return Total(one.count + other.count, min(one.first, other.first), max(one.last, other.last))


def separate_totals(current: Totals, memory: Memory) -> dict[tuple[int, str], Total | None]:
    """The totals of the person who goes on, under the keys that the merge brought; None: nothing is left."""
    before = _totals(memory.target_totals)
    left: dict[tuple[int, str], Total | None] = {}
    for key, brought in _totals(memory.totals).items():
        now, own = current.get(key), before.get(key)
        count = (now.count if now else 0) - brought.count
        if now is None or count <= 0:
            left[key] = None
        elif own is not None and count == own.count:
            left[key] = own
        else:
            # Of what came since the merge only the outermost times are known.
            first = own.first if own is not None else now.first if now.first < brought.first else now.last
            last = now.last if now.last > brought.last or own is None else own.last
            left[key] = Total(count, min(first, last), max(first, last))
    return left


def join_offers(target_id: int, offers: Iterable[Offer]) -> list[Offer]:
    """The page messages of both as the target's: in the order in which they were won, counted anew, so that
    caps know of every one that was given. One that waits to be shown is kept only where there is no other.
    """
    by_time = sorted(offers, key=lambda offer: (offer.rule, offer.claimed, offer.event_id, offer.nth))
    joined_offers = []
    for _, of_rule in groupby(by_time, key=lambda offer: offer.rule):
        every = list(of_rule)
        kept = [offer for offer in every if not _waits(offer)] or every[-1:]
        joined_offers += [
            structs.replace(offer, person_id=target_id, nth=nth) for nth, offer in enumerate(kept, start=1)
        ]
    return joined_offers


def _waits(offer: Offer) -> bool:
    """Whether it is for a page only, and no page has shown it."""
    return offer.shown is None and offer.ways == "page" and not offer.control


def separate_offers(target_id: int, current: Iterable[Offer], memory: Memory) -> list[Offer]:
    """The page messages of the person who goes on, without those that the merge brought."""
    brought = {(offer.rule, offer.claimed, offer.event_id) for offer in memory.offers}
    kept = (offer for offer in current if (offer.rule, offer.claimed, offer.event_id) not in brought)
    return join_offers(target_id, kept)


def remember(
    source: Person,
    target: Person,
    totals: Totals,
    target_totals: Totals,
    offers: Collection[Offer],
    milestones: Collection[Milestone],
    latest: Collection[str],
) -> Metadata:
    """The memory of a merge as it is stored."""
    memory = Memory(
        source,
        target,
        _rows(totals),
        _rows({key: total for key, total in target_totals.items() if key in totals}),
        list(offers),
        list(milestones),
        list(latest),
    )
    return dict(msgspec.to_builtins(memory))


def recall(merge: Merge) -> Memory:
    """What the store kept of `remember`."""
    return msgspec.convert(merge.memory, Memory, strict=False)


def memory_totals(memory: Memory) -> dict[tuple[int, str], Total]:
    """The totals that the source had."""
    return _totals(memory.totals)


def _rows(totals: Totals) -> list[tuple[int, str, int, int, int]]:
    return [(int(kind), key, total.count, total.first, total.last) for (kind, key), total in totals.items()]


def _totals(rows: Iterable[tuple[int, str, int, int, int]]) -> dict[tuple[int, str], Total]:
    return {(kind, key): Total(count, first, last) for kind, key, count, first, last in rows}


def _by_time(one: Person, other: Person) -> tuple[Person, Person]:
    earlier, later = sorted((one, other), key=lambda person: (person.last_seen, person.person_id))
    return earlier, later


def _device(person: Person) -> dict[str, Any]:
    return {"browser": person.browser, "os": person.os, "device": person.device}


def _earliest(one: int | None, other: int | None) -> int | None:
    known = [at for at in (one, other) if at is not None]
    return min(known, default=None)
