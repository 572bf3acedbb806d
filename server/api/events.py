"""Data events: recorded through the inbox like a browser's, listed by person, summarised by totals."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct, field, structs

from server.api.contacts import page_size
from server.api.endpoint import Asked
from server.api.said import metadata, milliseconds
from server.api.shapes import iso
from server.api.who import Who
from server.clock import MINUTE, SECOND, Clock
from server.collect.clean import clean
from server.collect.decode import Hit, check
from server.collect.inbox import Inbox
from server.errors import BadRequest, EventRejected
from server.ids import public_id
from server.metrics import Metrics
from server.model import Batch, Event, Kind, Moment, Person, Site, Total
from server.people.history import Cursor, parse_cursor
from server.rules.reload import Live
from server.store.base import Reads
from server.trail.roster import Roster

DEFAULT_PER_PAGE = 15
"""As in Intercom's API, for events."""
AHEAD = 5 * MINUTE
"""So far may a caller's clock be ahead."""
MAX_COUNT = 1 << 53


class NewEvent(Struct, kw_only=True):
    """Something that a person did. One of `user_id`, `email` and `id` says who."""

    event_name: str
    created_at: int
    """Unix seconds."""
    user_id: str | int | None = None
    email: str | None = None
    id: str | None = None
    """A contact's or visitor's id; beside `user_id` or `email` the event's own, as `event_id`."""
    event_id: str | None = None
    """The event's own id: sent again, it counts once. Without it person, name and second are the key."""
    metadata: dict[str, Any] | None = None
    url: str | None = None
    title: str | None = None
    referrer: str | None = None


class WhoseEvents(Struct, kw_only=True):
    type: Literal["user"]
    user_id: str | None = None
    email: str | None = None
    intercom_user_id: str | None = None
    """A contact's id; leads have only this."""
    summary: bool = False
    per_page: int = DEFAULT_PER_PAGE
    before: str | None = None
    since: str | None = None


class Summary(Struct):
    """How often something was done before it was counted here."""

    event_name: str
    count: int
    first: int
    last: int


class NewSummaries(Struct, kw_only=True):
    event_summaries: Summary | list[Summary] | None = None
    user_id: str | int | None = None
    email: str | None = None
    id: str | None = None


class DataEvent(Struct, kw_only=True):
    type: Literal["event"] = "event"
    id: str
    event_name: str
    created_at: int
    user_id: str | None
    intercom_user_id: str
    email: str | None
    metadata: dict[str, Any]


class EventPages(Struct, omit_defaults=True):
    next: str | None
    since: str | None = None


class EventList(Struct, kw_only=True, tag_field="type", tag="event.list"):
    events: list[DataEvent]
    pages: EventPages


class EventSummary(Struct, kw_only=True):
    name: str
    first: str
    last: str
    count: int
    description: str | None = None


class EventSummaries(Struct, kw_only=True, tag_field="type", tag="event.summary"):
    email: str | None
    intercom_user_id: str
    user_id: str | None
    events: list[EventSummary]
    pages: EventPages = field(default_factory=lambda: EventPages(None))


class Events:
    """The routes about events."""

    def __init__(
        self,
        *,
        reads: Reads,
        live: Live,
        who: Who,
        roster: Roster,
        inbox: Inbox,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._reads = reads
        self._live = live
        self._who = who
        self._roster = roster
        self._inbox = inbox
        self._metrics = metrics
        self._clock = clock

    async def create(self, asked: Asked) -> None:
        """POST /events: 202 once it is on disk, also where it was before. 404 where nobody is meant."""
        new: NewEvent = asked.body
        named = new.user_id not in (None, "") or bool(new.email)
        person = await self._who.meant(
            id=None if named else new.id, user_id=str(new.user_id or "") or None, email=new.email
        )
        site = self._live.current.sites[person.site]
        event = event_of(new, site, new.event_id or (new.id if named else None), self._clock())
        self._metrics.received.inc()
        batch = Batch(site=person.site, visitor=person.visitor, events=[event], shows_messages=False)
        await self._inbox.store([batch])

    async def list(self, asked: Asked) -> EventList | EventSummaries:
        """GET /events?type=user&…, newest first; with `summary=true` the totals."""
        query: WhoseEvents = asked.query
        person = await self._who.meant(id=query.intercom_user_id, user_id=query.user_id, email=query.email)
        if query.summary:
            return await self._summaries(person)
        limit = page_size(query.per_page)
        if query.since:
            moments = await self._since(person, _cursor("since", query.since), limit)
            return self._listed(asked, person, moments, older=False, since=query.since)
        before = _cursor("before", query.before) if query.before else None
        place = before.before_event if before else None
        trail = await self._reads.trail(person.person_id, limit=limit, before=place)
        return self._listed(asked, person, trail.moments, older=trail.more)

    async def summaries(self, asked: Asked) -> None:
        """POST /events/summaries: the base to which counted events are added."""
        new: NewSummaries = asked.body
        person = await self._who.meant(id=new.id, user_id=str(new.user_id or "") or None, email=new.email)
        given = new.event_summaries
        if not given:
            raise BadRequest("parameter_not_found", "`event_summaries` is missing.", "event_summaries")
        listed = given if isinstance(given, list) else [given]
        await self._roster.summarise(
            person.person_id, {summary.event_name: _total(summary) for summary in listed}, self._clock()
        )

    async def _since(self, person: Person, since: Cursor, limit: int) -> Sequence[Moment]:
        found = await self._reads.moments_since(person.person_id, (since.at, since.event_id), limit)
        return found[::-1]

    def _listed(
        self,
        asked: Asked,
        person: Person,
        moments: Sequence[Moment],
        *,
        older: bool,
        since: str | None = None,
    ) -> EventList:
        """The page, with the full URLs of the older one and of what comes after it."""

        def page(**cursor: str) -> str:
            query: WhoseEvents = asked.query
            url = asked.request.url.remove_query_params(["before", "since"])
            return str(url.include_query_params(per_page=query.per_page, **cursor))

        newest = f"{moments[0].at}-{moments[0].id}" if moments else since or "0"
        oldest = f"{moments[-1].at}-{moments[-1].id}" if moments else ""
        return EventList(
            events=[data_event(person, moment) for moment in moments],
            pages=EventPages(page(before=oldest) if older else None, page(since=newest)),
        )

    async def _summaries(self, person: Person) -> EventSummaries:
        totals = await self._reads.all_totals(person.person_id)
        listed = [
            EventSummary(name=key, first=iso(total.first), last=iso(total.last), count=total.count)
            for (_, kind, key), total in totals.items()
            if kind == Kind.event
        ]
        return EventSummaries(
            email=person.email,
            intercom_user_id=public_id(person.person_id),
            user_id=person.user_id,
            events=sorted(listed, key=lambda summary: (-summary.count, summary.name)),
        )


_FIELDS = {
    "invalid_name": "event_name",
    "invalid_id": "event_id",
    "invalid_url": "url",
}


def event_of(new: NewEvent, site: Site, event_id: str | None, now: int) -> Event:
    """The clean event. Raises BadRequest with the name of what is wrong."""
    at = milliseconds("created_at", new.created_at)
    if at > now + AHEAD:
        raise BadRequest("parameter_invalid", "`created_at` lies in the future.", "created_at")
    if new.event_name in ("identify", "reset"):
        raise BadRequest(
            "parameter_invalid",
            "That name is the browser's; contacts are changed by PUT /contacts/{id}.",
            "event_name",
        )
    hit = Hit(
        name=new.event_name,
        id=event_id or repeatable_id(new.event_name, at),
        url=new.url or None,
        title=new.title,
        referrer=new.referrer,
        metadata=metadata(new.metadata or {}, new.event_name),
    )
    try:
        check(hit)
        event = clean(hit, site, now, None)
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, _FIELDS.get(error.code)) from None
    # Servers tell of what happened long ago, too.
    return structs.replace(event, at=at)


def data_event(person: Person, moment: Moment) -> DataEvent:
    """An event in Intercom's shape."""
    return DataEvent(
        id=moment.id,
        event_name=moment.name,
        created_at=moment.at // SECOND,
        user_id=person.user_id,
        intercom_user_id=public_id(person.person_id),
        email=person.email,
        metadata=moment.metadata,
    )


def repeatable_id(name: str, at: int) -> str:
    """The id of an event without one: the same for a name and time, as Intercom tells repeats of a person's
    events apart. It begins with the time, as the snippet's ids do.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=10).hexdigest()
    return f"{at:012x}-{digest}"


def _cursor(name: str, text: str) -> Cursor:
    cursor = parse_cursor(text)
    if cursor is None:
        raise BadRequest(
            "parameter_invalid", f"{name} must be one that pages gave, or Unix milliseconds.", name
        )
    return cursor


def _total(summary: Summary) -> Total:
    if not 1 <= summary.count <= MAX_COUNT:
        raise BadRequest("parameter_invalid", "`count` is a whole number from 1.", "event_summaries.count")
    try:
        check(Hit(name=summary.event_name))
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, "event_summaries.event_name") from None
    first = milliseconds("event_summaries.first", summary.first)
    last = milliseconds("event_summaries.last", summary.last)
    if last < first:
        raise BadRequest("parameter_invalid", "`last` lies before `first`.", "event_summaries.last")
    return Total(summary.count, first, last)
