"""A contact's page history: `GET /api/contacts/{id}/history`."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from server.api.contacts import DEFAULT_PER_PAGE, page_size
from server.api.endpoint import Asked
from server.api.shapes import contact_reference, iso
from server.clock import SECOND
from server.errors import BadRequest, NotFound
from server.model import Kind, Role, Total, TotalKey
from server.people.history import Cursor, Item, Visit, parse_cursor, tell
from server.rules.reload import Live
from server.store.base import Reads
from server.store.lookup import person_named


class WhichPart(Struct):
    per_page: int = DEFAULT_PER_PAGE
    before: str | None = None


class HistoryPages(Struct):
    next: str | None


class HistoryOf(Struct):
    type: Literal["contact"]
    id: str
    role: Literal["visitor", "lead", "user"]


class HistoryShape(Struct, tag_field="type", tag="history"):
    """What a person did, newest first."""

    contact: HistoryOf
    data: list[dict[str, Any]]
    """Events, and what is no event: `became` and `merge`."""
    totals: list[dict[str, Any]]
    pages: HistoryPages


class Histories:
    """The route of the page history."""

    def __init__(self, reads: Reads, live: Live) -> None:
        self._reads = reads
        self._live = live

    async def read(self, asked: Asked) -> dict[str, Any]:
        """By a contact's id, a visitor's id or a merged person's old id; newest first."""
        query: WhichPart = asked.query
        limit, before = page_size(query.per_page), _before(query.before)
        person = await person_named(self._reads, asked.path("id"), self._live.current.sites)
        if person is None:
            raise NotFound("not_found", "User Not Found")
        place = before.before_event if before else None
        trail = await self._reads.trail(person.person_id, limit=limit, before=place)
        history = tell(
            trail.moments,
            trail.newer,
            await self._reads.milestones(person.person_id),
            more=trail.more,
            limit=limit,
            before=before,
        )
        following = None
        if history.next is not None:
            following = str(asked.request.url.include_query_params(before=str(history.next), per_page=limit))
        return {
            "type": "history",
            "contact": contact_reference(person),
            "data": [_item(item) for item in history.items],
            "totals": _totals(await self._reads.all_totals(person.person_id)),
            "pages": {"next": following},
        }


def _before(text: str | None) -> Cursor | None:
    if not text:
        return None
    cursor = parse_cursor(text)
    if cursor is None:
        raise BadRequest(
            "parameter_invalid", "before must be one that pages.next gave, or Unix milliseconds.", "before"
        )
    return cursor


def _item(item: Item) -> dict[str, Any]:
    if isinstance(item, Visit):
        moment = item.moment
        return {
            "type": "event",
            "id": moment.id,
            "event_name": moment.name,
            "created_at": moment.at // SECOND,
            "url": moment.url,
            "path": moment.path,
            "title": moment.title,
            "referrer": moment.referrer,
            "metadata": moment.metadata,
            "role": Role(moment.role).name,
            "session": moment.session,
            "seconds": item.seconds,
        }
    return {**item.detail, "type": item.kind, "id": f"{item.kind}-{item.at}", "created_at": item.at // SECOND}


def _totals(totals: Mapping[TotalKey, Total]) -> list[dict[str, Any]]:
    """Page views by page, other events by name, the most frequent first."""
    listed = []
    for (_, kind, key), total in sorted(
        totals.items(), key=lambda item: (item[0][1], -item[1].count, item[0][2])
    ):
        if kind == Kind.page:
            named = {"event_name": "page_view", "path": key}
        elif kind == Kind.event and key != "page_view":
            named = {"event_name": key}
        else:
            continue
        listed.append({**named, "count": total.count, "first": iso(total.first), "last": iso(total.last)})
    return listed
