"""Contacts, as Intercom's clients ask for them: made, read, changed, listed, searched, put away."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field, structs

from server.api.endpoint import Asked
from server.api.query import parse_query
from server.api.said import Said, edit_of, merged_members
from server.api.shapes import (
    Contact,
    ContactList,
    ContactState,
    NextPage,
    Pages,
    contact,
    state,
)
from server.api.who import UNKNOWN, Who
from server.clock import Clock
from server.errors import BadRequest, Conflict, NotFound
from server.filters import Filter
from server.ids import person_id_of, public_id
from server.model import Person, Role
from server.rules.reload import Live
from server.store.base import Store
from server.trail.roster import Edit, Roster

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 150
"""As in Intercom's API."""

KNOWN = (Role.lead, Role.user)
"""Visitors are no contacts in Intercom's sense: `GET /api/visitors` has them."""


class OfSite(Struct):
    site: str | None = None
    """The site's key; the first site of leadtrail.yaml if left out."""


class Merge(Struct):
    """Which lead becomes part of which user."""

    lead: str = field(name="from")
    into: str


class Listed(Struct):
    per_page: int = DEFAULT_PER_PAGE
    page: int = 1
    starting_after: str | None = None


class Pagination(Struct):
    """Which part of the answer."""

    per_page: int = DEFAULT_PER_PAGE
    starting_after: str | None = None
    page: int | None = None


class Search(Struct):
    """The body of a search."""

    query: dict[str, Any]
    pagination: Pagination | None = None


class Contacts:
    """The routes about contacts."""

    def __init__(self, store: Store, live: Live, who: Who, roster: Roster, clock: Clock) -> None:
        self._reads = store.reads
        self._annotations = store.annotations
        self._live = live
        self._who = who
        self._roster = roster
        self._clock = clock

    async def create(self, asked: Asked) -> Contact:
        """POST /contacts. 409 names who exists already."""
        said: Said = asked.body
        if not (said.email or said.external_id or said.role):
            raise BadRequest(
                "parameter_not_found", "A contact needs one of `email`, `external_id` and `role`.", "email"
            )
        site = self._who.site(asked.query.site)
        now = self._clock()
        edit = edit_of(said, now, new=True)
        if said.email and not said.external_id and said.role != "lead":
            await self._refuse_second_user(site, said.email)
        return contact(await self._roster.add(site, edit, now))

    async def find(self, asked: Asked) -> Contact:
        """GET /contacts/{id}. A merged person's old id is not found, as in Intercom 2.14."""
        return await self._shown(await self._who.contact(asked.path("id")))

    async def find_by_external_id(self, asked: Asked) -> Contact:
        """GET /contacts/find_by_external_id/{external_id}."""
        return await self._shown(await self._who.known_by(asked.path("external_id")))

    async def update(self, asked: Asked) -> Contact:
        """PUT /contacts/{id}. What is left out stays."""
        now = self._clock()
        return await self._shown(await self._change(asked, edit_of(asked.body, now)))

    async def merge(self, asked: Asked) -> Contact:
        """POST /contacts/merge: everything of a lead becomes a user's."""
        wanted: Merge = asked.body
        source = await self._who.contact(wanted.lead)
        target = await self._who.contact(wanted.into)
        if source.role is Role.user or target.role is not Role.user:
            raise BadRequest("invalid_merge", "A lead is merged into a user.", "from")
        return await self._shown(await self._roster.merge(source.person_id, target.person_id, self._clock()))

    async def archive(self, asked: Asked) -> ContactState:
        """POST /contacts/{id}/archive: out of lists and searches, and counted on."""
        now = self._clock()
        person = await self._change(asked, lambda person: structs.replace(person, archived=now))
        return structs.replace(state(person), archived=True)

    async def unarchive(self, asked: Asked) -> ContactState:
        """POST /contacts/{id}/unarchive: back in lists and searches, and blocked no more."""
        person = await self._change(
            asked,
            lambda person: structs.replace(
                person, archived=None, profile=merged_members(person.profile, {"blocked": None})
            ),
        )
        return structs.replace(state(person), archived=False)

    async def block(self, asked: Asked) -> ContactState:
        """POST /contacts/{id}/block: archived, and no message is for them any more."""
        now = self._clock()
        person = await self._change(
            asked,
            lambda person: structs.replace(person, archived=now, profile={**person.profile, "blocked": True}),
        )
        return structs.replace(state(person), blocked=True)

    async def list(self, asked: Asked) -> ContactList:
        """GET /contacts: leads and users, newest first. A further page is asked by its `starting_after`."""
        if asked.query.page > 1 and not asked.query.starting_after:
            raise BadRequest(
                "parameter_invalid", "A page is asked by the starting_after of the one before.", "page"
            )
        return await self._page(asked.query.per_page, asked.query.starting_after, None)

    async def search(self, asked: Asked) -> ContactList:
        """POST /contacts/search."""
        search: Search = asked.body
        sites = self._live.current.sites
        where = parse_query(search.query, next(iter(sites.values())).timezone)
        pagination = search.pagination or Pagination()
        return await self._page(pagination.per_page, pagination.starting_after, where)

    async def _change(self, asked: Asked, edit: Edit) -> Person:
        person_id = person_id_of(asked.path("id"))
        if person_id is None:
            raise NotFound("not_found", UNKNOWN)
        return await self._roster.change(person_id, edit, self._clock())

    async def _shown(self, person: Person) -> Contact:
        _, notes = await self._annotations.notes(person.person_id, limit=1, skip=0)
        return contact(person, notes)

    async def _refuse_second_user(self, site: str, email: str) -> None:
        """A user's e-mail is enough to know them by, though they have a `user_id` too."""
        page = await self._reads.find_people(
            site=site, email=email.strip().lower(), roles=(Role.user,), limit=1
        )
        for person in page.people:
            which = "An archived contact" if person.archived is not None else "A contact"
            raise Conflict(
                "conflict",
                f"{which} matching those details already exists with id={public_id(person.person_id)}",
            )

    async def _page(self, per_page: int, starting_after: str | None, where: Filter | None) -> ContactList:
        limit = page_size(per_page)
        number, before = _cursor(starting_after)
        page = await self._reads.find_people(
            where=where, roles=KNOWN, archived=False, limit=limit, before=before
        )
        return contact_list(page.people, page.total, more=page.more, number=number, limit=limit)


def contact_list(people: Sequence[Person], total: int, *, more: bool, number: int, limit: int) -> ContactList:
    """A page of people, the `number`th, with the cursor of the next."""
    following = None
    if more:
        following = NextPage(number + 1, f"{number + 1}-{public_id(people[-1].person_id)}")
    return ContactList(
        data=[contact(person) for person in people],
        total_count=total,
        pages=Pages(page=number, next=following, per_page=limit, total_pages=-(-total // limit)),
    )


def page_size(number: int) -> int:
    """The number if it may be a page's size. Raises BadRequest."""
    if not 1 <= number <= MAX_PER_PAGE:
        raise BadRequest(
            "parameter_invalid", f"per_page is a whole number from 1 to {MAX_PER_PAGE}.", "per_page"
        )
    return number


def _cursor(starting_after: str | None) -> tuple[int, int | None]:
    """The page's number and the person below whom it begins."""
    if not starting_after:
        return 1, None
    match = re.fullmatch("([0-9]{1,9})-([0-9a-f]{16})", starting_after)
    before = person_id_of(match[2]) if match else None
    if match is None or before is None:
        raise BadRequest(
            "parameter_invalid", "starting_after must be one that an answer gave.", "starting_after"
        )
    return int(match[1]), before
