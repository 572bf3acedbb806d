"""A copy in memory of the people who are active, so that their rows are not read again for every event.

It is right because one process alone writes the file (the engine's lock), it takes over only what was
committed, and it may be forgotten at any time.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from server.model import Offer, Person, Total, TotalKey
from server.store.base import Changes

MAX_PEOPLE = 20_000
MAX_TOTALS = 200_000
"""About 100 MB at the most; whoever was first taken in is forgotten first."""

K = TypeVar("K")
V = TypeVar("V")


class Cache:
    """What is known of idents, people, their totals (None where there is none yet) and their offers."""

    def __init__(self) -> None:
        self.idents: dict[str, int] = {}
        self.people: dict[int, Person] = {}
        self.totals: dict[TotalKey, Total | None] = {}
        self.offers: dict[int, list[Offer]] = {}

    def take_over(self, changes: Changes) -> None:
        """What a transaction has committed."""
        self.idents.update(changes.identities)
        self.totals.update(changes.totals)
        self.people.update((person.person_id, person) for person in changes.people)
        for offer in changes.offers:
            if (known := self.offers.get(offer.person_id)) is not None:
                same = (offer.rule, offer.nth)
                known[:] = [kept for kept in known if (kept.rule, kept.nth) != same] + [offer]

    def forget_the_oldest(self) -> None:
        """Keep to the limits."""
        _shrink(self.idents, MAX_PEOPLE)
        _shrink(self.people, MAX_PEOPLE)
        _shrink(self.offers, MAX_PEOPLE)
        _shrink(self.totals, MAX_TOTALS)


def split(known: Mapping[K, V], asked: Iterable[K]) -> tuple[dict[K, V], Collection[K]]:
    """What is known of the keys asked for, and the keys of which nothing is."""
    found: dict[K, V] = {}
    missing: list[K] = []
    for key in asked:
        if key in known:
            found[key] = known[key]
        else:
            missing.append(key)
    return found, missing


def _shrink(entries: dict[K, V], limit: int) -> None:
    if len(entries) > limit:
        for key in list(entries)[: len(entries) - limit * 9 // 10]:
            del entries[key]
