"""`leadtrail import` of people and events: CSV or NDJSON, one row each, as Intercom and others export them.

A row with an event's name is an event, every other one a person. Importing a file again adds nothing: people
are known by what the file calls them, events by their id or by person, name and second.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from server.api.events import NewEvent, event_of
from server.api.said import Said, edit_of
from server.clock import SECOND
from server.errors import BadRequest, Conflict
from server.identity import email_ident, user_ident
from server.ids import visitor_ident
from server.importing.identity import Digests
from server.importing.table import Row, rows, scalar, seconds
from server.model import Batch, Event, Person, Site
from server.store.base import Store
from server.store.lookup import merged
from server.trail import Trail
from server.trail.roster import Roster

GROUP = 500
"""Events that are recorded in one transaction."""
SAMPLES = 5

_SAID = ("email", "name", "phone")
_TIMES = ("signed_up_at", "last_seen_at")
_OWN = {
    *_SAID,
    "user_id",
    "id",
    "role",
    "created_at",
    "signed_up_at",
    "last_seen_at",
    "unsubscribed_from_emails",
}


class RowImport:
    """Records one file, counting what becomes of each row."""

    def __init__(self, store: Store, trail: Trail, site: Site, digests: Digests, now: int) -> None:
        self._reads = store.reads
        self._roster = Roster(store)
        self._trail = trail
        self._site = site
        self._digests = digests
        self._now = now
        self._batches: list[Batch] = []
        self._counts: Counter[str] = Counter()
        self._skipped: dict[str, list[int]] = {}

    @property
    def taken(self) -> int:
        """Rows that were readable."""
        return self._counts["read"] - len(self._skipped.get(_UNREADABLE, ()))

    async def record(self, lines: Iterable[bytes]) -> None:
        """Every row, each on the disk before the next group is begun."""
        for row in rows(lines):
            self._counts["read"] += 1
            try:
                await self._take(row)
            except BadRequest as error:
                self._skip(f"{error.field}: {error.message}" if error.field else error.message, row.number)
        await self._flush()

    def told(self) -> Iterator[str]:
        """The counts as they are printed; those below the first add up to it."""
        width = max(len(f"{self._counts['read']:,}"), 6)
        for name in ("read", "new", "known", "stored", "repeated"):
            if self._counts[name] or name == "read":
                yield f"{self._counts[name]:>{width},}  {_TOLD[name]}"
        for reason, numbers in self._skipped.items():
            listed = ", ".join(map(str, numbers[:SAMPLES])) + (", …" if len(numbers) > SAMPLES else "")
            yield f"{len(numbers):>{width},}  skipped: {reason} (line {listed})"

    def _skip(self, reason: str, number: int) -> None:
        self._skipped.setdefault(reason, []).append(number)

    async def _take(self, row: Row) -> None:
        values = row.values
        if values is None:
            self._skip(_UNREADABLE, row.number)
        elif not any(values.get(name) for name in ("user_id", "email", "id")):
            self._skip("it names nobody (no user_id, email or id)", row.number)
        elif values.get("event_name"):
            await self._event(values, row.number)
        else:
            await self._flush()
            await self._person(values)

    async def _person(self, values: dict[str, Any]) -> None:
        said, visitor = _said(values), self._visitor(values)
        known = await self._find(values, visitor)
        created = _at(values, "created_at")
        if known is not None:
            await self._roster.change(known.person_id, edit_of(said, self._now), self._now)
            self._counts["known"] += 1
            return
        edit = edit_of(said, self._now, new=said.external_id is not None or said.role is not None)
        when = None if created is None else created * SECOND
        try:
            await self._roster.add(self._site.key, edit, self._now, created=when, visitor=visitor)
        except Conflict as error:
            raise BadRequest(error.code, error.message) from None
        self._counts["new"] += 1

    async def _event(self, values: dict[str, Any], number: int) -> None:
        person = await self._find(values, self._visitor(values))
        if person is None:
            await self._flush()
            person = await self._find(values, self._visitor(values))
        if person is None:
            self._skip("nobody is known by that; import people first", number)
            return
        event = self._event_of(values)
        self._batches.append(
            Batch(site=person.site, visitor=person.visitor, events=[event], shows_messages=False)
        )
        if len(self._batches) >= GROUP:
            await self._flush()

    def _event_of(self, values: dict[str, Any]) -> Event:
        created = _at(values, "created_at")
        if created is None:
            raise BadRequest("parameter_invalid", "an event needs its time", "created_at")
        metadata = values.get("metadata") or {}
        metadata = scalar(metadata) if isinstance(metadata, str) else metadata
        if not isinstance(metadata, dict):
            raise BadRequest("parameter_invalid", "it must be an object", "metadata")
        new = NewEvent(
            event_name=str(values["event_name"]),
            created_at=created,
            metadata={name: scalar(value) for name, value in metadata.items()},
            url=values.get("url"),
            title=values.get("title"),
            referrer=values.get("referrer"),
        )
        event_id = values.get("event_id")
        return event_of(new, self._site, None if event_id is None else str(event_id), self._now)

    async def _flush(self) -> None:
        if self._batches:
            answers = await self._trail.record(self._batches, self._now, ask_rules=False)
            self._counts["stored"] += sum(answer.stored for answer in answers)
            self._counts["repeated"] += sum(answer.repeated for answer in answers)
            self._batches = []

    def _visitor(self, values: dict[str, Any]) -> str:
        """The visitor id that follows from what the file calls the person."""
        name = next(name for name in ("id", "user_id", "email") if values.get(name))
        return self._digests.visitor(f"import/{name}", str(values[name]))

    async def _find(self, values: dict[str, Any], visitor: str) -> Person | None:
        site = self._site.key
        idents = [visitor_ident(site, visitor)]
        if values.get("user_id"):
            idents.append(user_ident(site, str(values["user_id"]).strip()))
        elif values.get("email"):
            idents.append(email_ident(site, str(values["email"]).strip().lower()))
        for ident in idents:
            if (person_id := await self._reads.person_of(ident)) is not None:
                return await merged(self._reads, person_id)
        if values.get("event_name") and not values.get("user_id") and values.get("email"):
            address = str(values["email"]).strip().lower()
            page = await self._reads.find_people(site=site, email=address, limit=1)
            return next(iter(page.people), None)
        return None


_UNREADABLE = "not readable as CSV or JSON"

_TOLD = {
    "read": "rows read",
    "new": "people who are new",
    "known": "people who were there already",
    "stored": "events stored",
    "repeated": "events that were stored before",
}


def _at(values: dict[str, Any], name: str) -> int | None:
    """A time in Unix seconds. Raises BadRequest for what is none."""
    if values.get(name) in (None, ""):
        return None
    at = seconds(values[name])
    if at is None:
        raise BadRequest("parameter_invalid", "it is no time", name)
    return at


def _said(values: dict[str, Any]) -> Said:
    """What the row says of its person; columns that have no meaning here are custom attributes."""
    given: dict[str, Any] = {name: str(values[name]) for name in _SAID if values.get(name)}
    if values.get("user_id"):
        given["external_id"] = str(values["user_id"]).strip()
    role = str(values.get("role", "")).strip().lower()
    if role in ("lead", "user"):
        given["role"] = role
    for name in _TIMES:
        if (at := _at(values, name)) is not None:
            given[name] = at
    if (out := scalar(values.get("unsubscribed_from_emails"))) in (True, False):
        given["unsubscribed_from_emails"] = out
    own = values.get("custom_attributes")
    attributes = dict(own) if isinstance(own, dict) else {}
    attributes |= {
        name: value for name, value in values.items() if name not in _OWN and name != "custom_attributes"
    }
    flat = {name: scalar(value) for name, value in attributes.items() if not isinstance(value, list)}
    try:
        return msgspec.convert({**given, "custom_attributes": flat}, Said)
    except msgspec.ValidationError as error:
        raise BadRequest("parameter_invalid", str(error)) from None
