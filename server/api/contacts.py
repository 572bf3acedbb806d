"""Contacts: one by its id, and the search by e-mail, as Intercom's clients ask for them."""

import re
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from server.api.errors import json
from server.api.parameters import DEFAULT_PER_PAGE, page_size, read_json
from server.api.shapes import contact
from server.errors import BadRequest, NotFound
from server.model import Role, person_id_of, public_id
from server.store.base import Reads


class Query(Struct, frozen=True):
    """What is searched for."""

    field: str = ""
    operator: str = ""
    value: Any = None


class Pagination(Struct, frozen=True):
    """Which part of the answer."""

    per_page: int = DEFAULT_PER_PAGE
    starting_after: str | None = None


class Search(Struct, frozen=True):
    """The body of a search."""

    query: Query
    pagination: Pagination = Pagination()


class Contacts:
    """The routes about contacts."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def find(self, request: Request) -> Response:
        """GET /api/contacts/{id}. A merged person's old id is not found, as in Intercom 2.14."""
        person_id = person_id_of(request.path_params["id"])
        person = None if person_id is None else await self._reads.person(person_id)
        if person is None or person.merged_into is not None:
            raise NotFound("not_found", "User Not Found")
        return json(contact(person))

    async def search(self, request: Request) -> Response:
        """POST /api/contacts/search: leads and users by their exact e-mail, newest first."""
        search = await read_json(request, Search)
        email = _email(search.query)
        limit = page_size(search.pagination.per_page)
        number, before = _cursor(search.pagination.starting_after)
        page = await self._reads.find_people(
            email=email, roles=(Role.lead, Role.user), limit=limit, before=before
        )
        following = None
        if page.more:
            last = public_id(page.people[-1].person_id)
            following = {"page": number + 1, "starting_after": f"{number + 1}-{last}"}
        return json(
            {
                "type": "list",
                "data": [contact(person) for person in page.people],
                "total_count": page.total,
                "pages": {
                    "type": "pages",
                    "page": number,
                    "next": following,
                    "per_page": limit,
                    "total_pages": -(-page.total // limit),
                },
            }
        )


def _email(query: Query) -> str:
    if query.field != "email":
        raise BadRequest("parameter_invalid", "Only the field `email` can be searched for now.", "field")
    if query.operator != "=":
        raise BadRequest("parameter_invalid", "Only the operator `=` is supported for now.", "operator")
    if not isinstance(query.value, str) or not query.value.strip():
        raise BadRequest("parameter_invalid", "The value must be an e-mail address as text.", "value")
    return query.value.strip().lower()


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
