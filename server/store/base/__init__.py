"""What every storage engine can do, room by room. Batches in, types out; no SQL here, no rules, no web.

A transaction sees and holds what it touches: between `people` and the commit nobody else changes those
people. So what it read is still true when it writes, and counts are written as they are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from server.filters import Filter
from server.identity import Merge
from server.model import (
    Delivery,
    Due,
    Hold,
    Milestone,
    Moment,
    Note,
    Offer,
    OwnKey,
    Person,
    Tagged,
    Total,
    TotalKey,
)
from server.store.base.annotations import Annotations
from server.store.base.fleet import Fleet
from server.store.base.forms import FieldTally, Forms, FormTally
from server.store.base.joining import Joining
from server.store.base.operators import Operators, OperatorSession
from server.store.base.outbox import Lane, News, Outbox, SwitchedOff
from server.store.base.rulings import Arming, Given, Need, Rulings
from server.store.engine import Engine

__all__ = [
    "Annotations",
    "Arming",
    "Changes",
    "FieldTally",
    "Fleet",
    "FormTally",
    "Forms",
    "Given",
    "Lane",
    "Look",
    "Need",
    "News",
    "OperatorSession",
    "Operators",
    "Outbox",
    "Page",
    "Reads",
    "Rulings",
    "Store",
    "SwitchedOff",
    "Trail",
    "Transaction",
]


class Changes(NamedTuple):
    """What one transaction writes, each list free of repeats."""

    identities: Mapping[str, int] = {}
    """Idents and whose they now are; what is new to everybody is claimed instead (`claim`)."""
    people: Collection[Person] = ()
    """Everybody to whom something happened, as they now are."""
    events: Collection[Moment] = ()
    totals: Mapping[TotalKey, Total] = {}
    """Keyed totals as they now are."""
    milestones: Collection[Milestone] = ()
    offers: Collection[Offer] = ()
    holds: Collection[Hold] = ()
    settled: Collection[tuple[int, str]] = ()
    """(person_id, rule) of what is no longer due."""
    due: Collection[Due] = ()
    """An entry that is there already only moves to an earlier time; written after `settled`."""
    event_names: Collection[tuple[str, str, int]] = ()
    """(site, name, first seen)."""
    merges: Collection[Merge] = ()
    deliveries: Collection[Delivery] = ()
    """Messages that leave the server, new ones."""
    released: Collection[str] = ()
    """Idents that are nobody's any more."""
    tagged: Collection[Tagged] = ()
    untagged: Collection[tuple[int, str]] = ()
    """(person_id, tag id)."""
    notes: Collection[Note] = ()


class Transaction(Joining, Protocol):
    """One ingest transaction. It commits when its context is left without an error."""

    async def resolve(self, idents: Iterable[str]) -> dict[str, int]:
        """The person behind each ident that is known."""

    async def claim(self, idents: Mapping[str, int]) -> dict[str, int]:
        """The person behind each ident: who is given for it, unless it is somebody's already. Of two servers
        that claim one ident at once, the second is answered whom the first gave.
        """

    async def people(self, person_ids: Iterable[int]) -> dict[int, Person]:
        """These people, held until the commit. Whoever is not stored yet is left out."""

    async def known_events(self, keys: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those of the (person_id, event id) pairs that are stored already."""

    async def totals(self, asked: Mapping[int, Collection[OwnKey]]) -> dict[int, dict[OwnKey, Total]]:
        """By person, the totals that exist of those asked for. The dicts are the caller's to change."""

    async def page_totals(self, person_ids: Iterable[int]) -> dict[int, dict[OwnKey, Total]]:
        """By person, all page totals of these people: for rules with globs."""

    async def offers(self, person_ids: Iterable[int]) -> list[Offer]:
        """All page messages that these people ever won."""

    async def recent(self, asked: Iterable[tuple[int, str, int]]) -> list[Moment]:
        """The newest stored events, at most 1,000 for each (person_id, name, since), oldest first."""

    async def due(self, keys: Iterable[tuple[int, str]]) -> list[Due]:
        """What is due of these (person_id, rule), if they are people held by this transaction."""

    async def event_names(self, site: str) -> set[str]:
        """The custom event names that the site has used."""

    async def save(self, changes: Changes) -> None:
        """Write all of it. What is read afterwards in the same transaction is as written."""


class Page(NamedTuple):
    """A slice of a list of people."""

    people: list[Person]
    total: int
    more: bool


class Trail(NamedTuple):
    """A slice of one person's trail, newest first.

    `newer` are the moments just after the slice, oldest first: what ended its newest page view.
    """

    moments: list[Moment]
    newer: list[Moment]
    more: bool


class Reads(Protocol):
    """What the dashboard and the API look at; never inside the ingest transaction."""

    async def person(self, person_id: int) -> Person | None:
        """The person, or None; a merged one is answered as it stands, with `merged_into`."""

    async def person_ids(self, after: int, limit: int) -> list[int]:
        """The ids of all people, merged ones too, above `after` in their order."""

    async def person_of(self, ident: str) -> int | None:
        """The person_id behind an ident."""

    async def find_people(
        self,
        *,
        site: str | None = None,
        email: str | None = None,
        email_prefix: str | None = None,
        roles: Collection[int] = (),
        where: Filter | None = None,
        archived: bool = True,
        limit: int,
        before: int | None = None,
    ) -> Page:
        """People, newest first, of a site, by e-mail or its beginning (lower case), by a filter, or all.

        `before` is a person_id. Merged ones are left out, and those who are archived unless these are wanted.
        """

    async def trail(self, person_id: int, *, limit: int, before: tuple[int, str] | None = None) -> Trail:
        """The person's moments older than `before` = (at, event id)."""

    async def moments_since(self, person_id: int, since: tuple[int, str], limit: int) -> list[Moment]:
        """The person's moments newer than `since` = (at, event id), oldest first."""

    async def latest(self, since: int, now: int, limit: int) -> list[Moment]:
        """What anybody did since then, newest first, found by the time with which the snippet's ids begin.

        Events with another kind of id, or of a clock that is wrong by more than ten minutes, are not found.
        """

    async def milestones(self, person_id: int) -> list[Milestone]:
        """Newest first."""

    async def merges(self, person_id: int) -> list[Merge]:
        """Those who were merged into this very person, the latest first."""

    async def everything(self, person_id: int) -> dict[str, list[dict[str, Any]]]:
        """All that is stored of the person and of those who were merged into them: by table the rows, each
        column by its name.
        """

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        """Every total of one person."""

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        """The totals that exist of those asked for."""

    async def all_offers(self, person_id: int) -> list[Offer]:
        """Every page message that one person won, newest first."""


class Look(Protocol):
    """A storage engine that is only read."""

    reads: Reads
    outbox: Outbox
    forms: Forms
    rulings: Rulings


class Store(Protocol):
    """A storage engine."""

    engine: Engine
    """The open database itself."""
    is_shared: bool
    """Whether other servers may be at work on it."""

    reads: Reads
    outbox: Outbox
    forms: Forms
    annotations: Annotations
    operators: Operators
    rulings: Rulings
    fleet: Fleet

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def make_room(self, now: int) -> None:
        """What the engine wants done ahead: on PostgreSQL, partitions for the weeks to come."""

    async def forget_events(self, before: int) -> None:
        """Remove the events that were received before then, a little at a time; totals stay."""

    async def forget_merges(self, before: int) -> None:
        """Forget what people were before merges from before then (ms), unless they were taken back."""

    async def tell_backups(self, tombs: Mapping[str, int]) -> None:
        """Leave the tombs beside the backups that the engine knows of, for whoever restores one."""

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in the engine's own files.

        Raises StoreUnavailable when somebody reads an older state for long.
        """

    async def check(self) -> str | None:
        """Why the store cannot take events now, or None."""

    def describe(self) -> Sequence[str]:
        """Lines for the start-up: where the data lies, which engine and version, and warnings."""

    async def close(self) -> None: ...
