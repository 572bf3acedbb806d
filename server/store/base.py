"""What every storage engine can do. Batches in, types out; no SQL here, no rules, no web.

A transaction sees and holds what it touches: between `people` and the commit nobody else changes those
people. So what it read is still true when it writes, and counts are written as they are.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from server.filters import Filter
from server.identity import Merge
from server.model import (
    Attribute,
    Delivery,
    Due,
    Hold,
    Milestone,
    Moment,
    Note,
    Offer,
    Person,
    Tag,
    Tagged,
    Total,
    TotalKey,
)
from server.store.joining import Joining


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

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        """The totals that exist of those asked for."""

    async def page_totals(self, person_ids: Iterable[int]) -> dict[TotalKey, Total]:
        """All page totals of these people: for rules with globs."""

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

    async def milestones(self, person_id: int) -> list[Milestone]:
        """Newest first."""

    async def merges(self, person_id: int) -> list[Merge]:
        """Those who were merged into this very person, the latest first."""

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        """Every total of one person."""

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        """The totals that exist of those asked for."""

    async def all_offers(self, person_id: int) -> list[Offer]:
        """Every page message that one person won, newest first."""


class Given(NamedTuple):
    """To how many people a rule's message was given, and what became of it."""

    rule: str
    control: bool
    people: int
    shown: int
    clicked: int
    dismissed: int
    goal: int


class Arming(NamedTuple):
    """How far the people who were there before a time rule were asked when it falls due for them."""

    rule: str
    asking: str
    """A digest of what the rule asks; another one means that everybody is asked again."""
    reached: int
    """The last person_id; all have been asked when nobody comes after it."""


class Rulings(Protocol):
    """What rules need outside of the ingest transaction: who is due, what was measured, people in bulk."""

    async def due(self, lane: int, now: int, limit: int) -> list[Due]:
        """What is due in a lane, the longest overdue first, by index."""

    async def given(self) -> list[Given]:
        """Of each rule and arm."""

    async def held(self) -> list[tuple[str, str, int]]:
        """(rule, reason, people)."""

    async def matched(self) -> list[tuple[str, int]]:
        """(rule, people to whom it was given or from whom it was held back)."""

    async def crowd(self, *, after: int, limit: int, since_day: int = 0) -> list[Person]:
        """People by their ids, from above `after`, seen on this day (since 1970) or later."""

    async def totals_of(self, person_ids: Collection[int]) -> dict[TotalKey, Total]:
        """Every total of these people."""

    async def moments_of(self, person_ids: Collection[int]) -> list[Moment]:
        """Every stored event of these people, person by person, oldest first."""

    async def recent(self, asked: Iterable[tuple[int, str, int]]) -> list[Moment]:
        """As in a transaction."""

    async def offers_of(self, person_ids: Collection[int]) -> list[Offer]:
        """Every message that these people won."""

    async def armings(self) -> list[Arming]: ...

    async def set_arming(self, arming: Arming) -> None: ...

    async def all_event_names(self) -> set[str]:
        """The custom names that any site has used."""


class OperatorSession(NamedTuple):
    created: int
    used: int
    csrf: str


class Operators(Protocol):
    """Who may open the dashboard."""

    async def password_hash(self) -> str | None: ...

    async def set_password_hash(self, password_hash: str, now: int) -> None:
        """Also ends every session."""

    async def add_session(self, token_hash: str, csrf: str, now: int) -> None: ...

    async def session(self, token_hash: str) -> OperatorSession | None: ...

    async def touch_session(self, token_hash: str, now: int) -> None: ...

    async def end_session(self, token_hash: str) -> None: ...

    async def add_sign_in_link(self, token_hash: str, expires: int) -> None: ...

    async def use_sign_in_link(self, token_hash: str, now: int) -> bool:
        """True once, if the link has not expired."""


class SwitchedOff(NamedTuple):
    """An address to which nothing is sent any more, until the operator switches it on again."""

    address: str
    channel: str
    at: int
    reason: str


Lane = tuple[int, str]
"""Where a delivery waits: (lane, channel). All of a person's are in one lane."""


class News:
    """The lanes in which something to send was committed since they were last taken, by this process."""

    def __init__(self) -> None:
        self._lanes: set[Lane] = set()
        self._told = asyncio.Event()

    def add(self, lanes: Iterable[Lane]) -> None:
        """Tell of them; told of none, whoever waits only wakes."""
        self._lanes.update(lanes)
        self._told.set()

    def take(self) -> set[Lane]:
        """What was told, once."""
        self._told.clear()
        lanes, self._lanes = self._lanes, set()
        return lanes

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._told.wait()


class Outbox(Protocol):
    """Messages on their way out, for those who send them and for the operator."""

    news: News
    """Told after every commit, here or in a transaction, that leaves something to send."""

    async def waiting(self) -> Mapping[Lane, int]:
        """Where anything waits, and since or until when the earliest of it is due."""

    async def claim(
        self, lane: Lane, *, now: int, until: int, limit: int, but_not: Collection[str] = ()
    ) -> list[Delivery]:
        """Deliveries that are due, the longest due first chosen: nobody else gets them before `until`. Each
        has one try more. Those to an address in `but_not` are passed over.
        """

    async def settle(self, settled: Sequence[tuple[Delivery, Delivery]]) -> None:
        """What has become of claimed deliveries that are not done: (as claimed, as they now are). One that
        somebody else has taken over meanwhile is left to them.
        """

    async def done(self, deliveries: Iterable[Delivery]) -> None:
        """They are delivered, or never will be: forget them."""

    async def counts(self) -> dict[tuple[str, str], int]:
        """How many there are by (channel, state)."""

    async def find(self, delivery_id: str) -> Delivery | None: ...

    async def in_state(self, state: str, *, limit: int, before: str | None = None) -> list[Delivery]:
        """Newest first, those made before the delivery `before`."""

    async def retry(self, delivery_id: str | None, now: int) -> int:
        """Send a parked one again, from the first try on, or all of them; how many that are."""

    async def discard(self, delivery_id: str) -> bool:
        """Forget a parked one. False if there is none."""

    async def switch_off(self, channel: str, address: str, reason: str, now: int) -> None: ...

    async def switch_on(self, address: str) -> bool: ...

    async def switched_off(self, address: str | None = None) -> Sequence[SwitchedOff]:
        """All of them, newest first, or the one asked for."""

    async def unsubscribe(self, ident: str, now: int) -> None:
        """No more letters to whom the ident means (`messages.unsubscribe`)."""

    async def resubscribe(self, ident: str) -> None: ...

    async def is_unsubscribed(self, ident: str) -> bool: ...


class Annotations(Protocol):
    """What servers write about people, and the lists that it is chosen from."""

    async def tags(self) -> list[Tag]:
        """All tags, oldest first."""

    async def tag(self, tag_id: str) -> Tag | None: ...

    async def tag_named(self, name: str) -> Tag | None:
        """The tag of this name, whatever its case."""

    async def add_tag(self, tag: Tag) -> Tag:
        """The tag, or the one that has its name already, now written as this one."""

    async def rename_tag(self, tag_id: str, name: str) -> None:
        """The name must be free. People keep the old one until it is saved with them."""

    async def remove_tag(self, tag_id: str) -> None: ...

    async def people_tagged(self, tag_id: str, *, after: int, limit: int) -> list[int]:
        """Person ids greater than `after`, in order."""

    async def tags_of(self, person_id: int) -> list[Tagged]:
        """Oldest first."""

    async def notes(self, person_id: int, *, limit: int, skip: int) -> tuple[list[Note], int]:
        """Newest first, and how many there are in all."""

    async def note(self, note_id: int) -> Note | None: ...

    async def attributes(self) -> list[Attribute]:
        """All of them, oldest first."""

    async def save_attribute(self, attribute: Attribute) -> bool:
        """False when another one of the model has this name."""


class Store(Protocol):
    """A storage engine."""

    reads: Reads
    outbox: Outbox
    annotations: Annotations
    operators: Operators
    rulings: Rulings

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def check(self) -> str | None:
        """Why the store cannot take events now, or None."""

    def describe(self) -> Sequence[str]:
        """Lines for the start-up: where the data lies, which engine and version, and warnings."""

    async def close(self) -> None: ...
