"""What a rule may look at, and what a condition finds in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from server.model import Event, Kind, Offer, Person, Total


class Facts(NamedTuple):
    """One person at one moment, just after `event` if there is one. Pure data; reading it asks no store."""

    person: Person
    totals: Mapping[tuple[int, str], Total]
    """At least those that the rule asks for: see `Rule.asks` and `Rule.asks_pages`."""
    event: Event | None
    now: int
    """Unix milliseconds."""
    offers: Mapping[str, Sequence[Offer]] = {}
    """The page messages that the person won, by rule: see `Rule.asks_offers`."""

    def total(self, kind: Kind, key: str) -> Total | None:
        return self.totals.get((kind, key))

    def pages(self) -> Iterator[tuple[str, Total]]:
        """Each page that the person viewed, with its total."""
        return ((key, total) for (kind, key), total in self.totals.items() if kind == Kind.page)


class Finding(NamedTuple):
    """What one condition found: its verdict, the value that decided it, and the condition in words."""

    holds: bool
    value: object
    text: str
    parts: tuple["Finding", ...] = ()
    """The findings of the conditions inside `any`, `all`, `not` and `segment`."""
