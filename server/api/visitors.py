"""Visitors, as Intercom's clients ask for them: by the id that the browser knows, changed, and converted."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from server.api.endpoint import Asked
from server.api.said import Text, attributes, identifier, identifier_of, with_traits
from server.api.shapes import Contact, Visitor, contact, visitor
from server.api.who import Who
from server.clock import Clock
from server.errors import BadRequest, NotFound
from server.ids import public_id
from server.model import Metadata, Person, Role
from server.trail.roster import Edit, Roster

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


class Identifiers(Struct):
    id: str | None = None
    user_id: Text = None
    email: str | None = None


class Conversion(Struct):
    """Which visitor becomes whom. `user` may be left out for a lead."""

    type: Literal["user", "lead"]
    visitor: Identifiers
    user: Identifiers | None = None


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

    async def convert(self, asked: Asked) -> Contact:
        """POST /visitors/convert. An existing user takes the visitor's history over."""
        conversion: Conversion = asked.body
        named = conversion.visitor
        person = await self._convertible(named)
        user = conversion.user or Identifiers()
        user_id = identifier_of("user.user_id", user.user_id)
        email = identifier("email", user.email)
        now = self._clock()
        if conversion.type == "lead":
            return contact(await self._roster.change(person.person_id, _lead(email, now), now))
        if not (user.id or user_id or email):
            raise BadRequest("parameter_not_found", "`user` needs a `user_id` or an `email`.", "user")
        target = await self._user(user.id, user_id, email)
        if target is None:
            edit = _user(user_id, email, now)
            return contact(await self._roster.change(person.person_id, edit, now))
        if target.person_id == person.person_id:
            return contact(person)
        return contact(await self._roster.merge(person.person_id, target.person_id, now))

    async def _user(self, ident: str | None, user_id: str | None, email: str | None) -> Person | None:
        """The user of whom the conversion speaks, if there is one. Raises NotFound for an unknown `id`."""
        if ident and not user_id:
            return await self._who.contact(ident)
        try:
            found = await (self._who.known_by(user_id) if user_id else self._who.addressed(str(email)))
        except NotFound:
            return None
        return found if found.role is Role.user else None

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

    async def _convertible(self, named: Identifiers) -> Person:
        """A visitor, or a lead who was one. Raises NotFound."""
        if not (named.id or named.user_id or named.email):
            raise BadRequest(
                "parameter_not_found", "`visitor` needs a `user_id`, `id` or `email`.", "visitor"
            )
        try:
            if named.id or named.user_id:
                return await self._who.anyone(str(named.id or named.user_id))
            return await self._who.addressed(str(named.email))
        except NotFound:
            raise NotFound("not_found", UNKNOWN) from None


def _names(person: Person) -> tuple[str, str]:
    return public_id(person.person_id), person.visitor


def _user(user_id: str | None, email: str | None, now: int) -> Edit:
    def edit(person: Person) -> Person:
        person = with_traits(person, {"email": email} if email else {}, now)
        return structs.replace(
            person,
            user_id=user_id or person.user_id,
            role=Role.user,
            verified=True,
            became_user=person.became_user or now,
        )

    return edit


def _lead(email: str | None, now: int) -> Edit:
    def edit(person: Person) -> Person:
        person = with_traits(person, {"email": email} if email else {}, now)
        if person.role >= Role.lead:
            return person
        return structs.replace(person, role=Role.lead, became_lead=now)

    return edit
