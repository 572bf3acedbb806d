"""Who is in a segment: `GET /api/segments/{id}/contacts`."""

import re
import secrets
from collections import OrderedDict

from msgspec import Struct

from server.api.contacts import DEFAULT_PER_PAGE, page_size
from server.api.endpoint import Asked
from server.api.shapes import ContactList, NextPage, Pages, contact
from server.clock import Clock
from server.errors import BadRequest, NotFound
from server.insight.segments import members, parse_order
from server.model import Person
from server.rules.reload import Live
from server.store.base import Store

KEPT = 8
"""As many lists that somebody is paging through are kept in memory; a forgotten one is made anew."""

DEFAULT_SORT = "-last_seen"


class WhichMembers(Struct, frozen=True):
    sort: str = DEFAULT_SORT
    per_page: int = DEFAULT_PER_PAGE
    starting_after: str | None = None


class Segments:
    """The routes about segments."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._lists: OrderedDict[tuple[str, str, str], list[Person]] = OrderedDict()

    async def contacts(self, asked: Asked) -> ContactList:
        """GET /api/segments/{id}/contacts?sort=-last_seen&per_page=50&starting_after=…, visitors included.

        Pages that follow show the list as it was when its first page was asked for.
        """
        query: WhichMembers = asked.query
        segment_id, limit = asked.path("id"), page_size(query.per_page)
        segment = self._live.current.segments.get(segment_id)
        if segment is None:
            raise NotFound("not_found", "Segment Not Found")
        sort = query.sort or DEFAULT_SORT
        try:
            order = parse_order(sort)
        except ValueError as error:
            raise BadRequest("parameter_invalid", str(error), "sort") from None
        number, token = _cursor(query.starting_after)
        people = self._lists.get((segment_id, sort, token))
        if people is None:
            people = await members(self._store.rulings, segment, order, self._clock())
            self._lists[segment_id, sort, token] = people
            if len(self._lists) > KEPT:
                self._lists.popitem(last=False)
        start = (number - 1) * limit
        following = None
        if start + limit < len(people):
            following = NextPage(number + 1, f"{number + 1}-{token}")
        return ContactList(
            data=[contact(person) for person in people[start : start + limit]],
            total_count=len(people),
            pages=Pages(page=number, next=following, per_page=limit, total_pages=-(-len(people) // limit)),
        )


def _cursor(starting_after: str | None) -> tuple[int, str]:
    """The page's number and the list that it is of."""
    if not starting_after:
        return 1, secrets.token_hex(8)
    match = re.fullmatch("([0-9]{1,9})-([0-9a-f]{16})", starting_after)
    if match is None or int(match[1]) < 1:
        raise BadRequest(
            "parameter_invalid", "starting_after must be one that an answer gave.", "starting_after"
        )
    return int(match[1]), match[2]
