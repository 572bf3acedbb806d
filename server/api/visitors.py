"""Visitors, as Intercom's clients ask for them: by the id that the browser knows, changed, and converted."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from server.api.contacts import with_traits
from server.api.endpoint import Asked
from server.api.said import attributes, identifier
from server.api.shapes import Visitor, visitor
from server.api.who import Who
from server.clock import Clock
from server.errors import BadRequest, NotFound
from server.model import Metadata, Person, Role, public_id
from server.trail.roster import Roster

UNKNOWN = "Visitor Not Found"


class WhichVisitor(Struct):
    user_id: str
    """The visitor's id: what `getVisitorId` gives."""


class SaidOfVisitor(Struct):
    """A visitor's name and attributes."""

    id: str | None = None
    user_id: str | None = None
    name: str | UnsetType | None = UNSET
    custom_attributes: dict[str, Any] | UnsetType | None = UNSET


class Visitors:
    """The routes about visitors."""

    def __init__(self, who: Who, roster: Roster, clock: Clock) -> None:
        self._who = who
        self._roster = roster
        self._clock = clock

    async def find(self, asked: Asked) -> Visitor:
        """GET /visitors?user_id=…"""
        return visitor(await self._visitor(None, asked.query.user_id))

    async def update(self, asked: Asked) -> Visitor:
        """PUT /visitors."""
        said: SaidOfVisitor = asked.body
        traits: Metadata = {}
        if said.name is not UNSET:
            traits["name"] = identifier("name", said.name)
        if said.custom_attributes is not UNSET and said.custom_attributes is not None:
            traits |= attributes(said.custom_attributes)
        found = await self._visitor(said.id, said.user_id)
        now = self._clock()
        changed = await self._roster.change(
            found.person_id, lambda person: with_traits(person, traits, now), now
        )
        return visitor(changed)

    async def _visitor(self, ident: str | None, user_id: str | None) -> Person:
        """Raises NotFound also for who is a visitor no more."""
        named = ident or user_id
        if not named:
            raise BadRequest("parameter_not_found", "`user_id` or `id` says which visitor.", "user_id")
        try:
            person = await self._who.anyone(named)
        except NotFound:
            raise NotFound("not_found", UNKNOWN) from None
        if person.role is not Role.visitor or named not in _names(person):
            raise NotFound("not_found", UNKNOWN)
        return person


def _names(person: Person) -> tuple[str, str]:
    return public_id(person.person_id), person.visitor
