"""What a rule may look at, and what a condition finds in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from server.model import Event, Kind, Moment, Offer, Person, Total


class Facts(NamedTuple):
    """One person at one moment, just after `event` if there is one. Pure data; reading it asks no store."""

    person: Person
    totals: Mapping[tuple[int, str], Total]
    """At least those that the rule asks for: see `Rule.asks` and `Rule.asks_pages`."""
    event: Event | None
    now: int
    """Unix milliseconds."""
    offers: Mapping[str, Sequence[Offer]] = {}
    """The messages that the person won, by rule, the first one first: see `Rule.asks_offers`."""
    recent: Sequence[Moment] = ()
    """The person's own events that are still stored, this one included: see `Rule.looks_back`."""
    before: Mapping[tuple[int, str], Total | None] = {}
    """The totals that `event` changed, as they were before it."""

    def total(self, kind: Kind, key: str) -> Total | None:
        return self.totals.get((kind, key))

    def total_before(self, kind: Kind, key: str) -> Total | None:
        """The total without the present event."""
        return self.before[kind, key] if (kind, key) in self.before else self.total(kind, key)

    def pages(self) -> Iterator[tuple[str, Total]]:
        """Each page that the person viewed, with its total."""
        return ((key, total) for (kind, key), total in self.totals.items() if kind == Kind.page)

    def happened(self, name: str, span: int | None) -> Iterator[Moment]:
        """The stored events of a name, of the last `span` milliseconds, or all."""
        since = 0 if span is None else self.now - span
        return (moment for moment in self.recent if moment.name == name and moment.at >= since)


class Finding(NamedTuple):
    """What one condition found: its verdict, the value that decided it, and the condition in words."""

    holds: bool
    value: object
    text: str
    parts: tuple["Finding", ...] = ()
    """The findings of the conditions inside `any`, `all`, `not` and `segment`."""
    subject: str = ""
    """What was looked at: `viewed /pricing`."""
    wants: str = ""
    """What it should have been: `more than 3`."""
