"""Whom a call means: by a contact's id, a visitor's id, a `user_id` or an e-mail, through every merge."""

from collections.abc import Iterable

from server.errors import BadRequest, NotFound
from server.identity import email_ident, user_ident
from server.ids import person_id_of
from server.model import Person, Role
from server.rules.reload import Live
from server.store.base import Reads
from server.store.lookup import merged, person_named

UNKNOWN = "User Not Found"
"""As Intercom says it of contacts; of visitors it says `Visitor Not Found`."""


class Who:
    """Finds people for the API."""

    def __init__(self, reads: Reads, live: Live) -> None:
        self._reads = reads
        self._live = live

    @property
    def sites(self) -> list[str]:
        """The keys of the sites, in the order of the file."""
        return list(self._live.current.sites)

    def site(self, key: str | None) -> str:
        """The site that a call names, else the first. Raises BadRequest."""
        if key is not None and key not in self._live.current.sites:
            raise BadRequest("parameter_invalid", "There is no such site in leadtrail.yaml.", "site")
        return key or self.sites[0]

    async def contact(self, ident: str) -> Person:
        """By a contact's id. Raises NotFound, also for a person who was merged into another."""
        person_id = person_id_of(ident)
        person = None if person_id is None else await self._reads.person(person_id)
        if person is None or person.merged_into is not None:
            raise NotFound("not_found", UNKNOWN)
        return person

    async def anyone(self, ident: str) -> Person:
        """By a contact's or a visitor's id, also a merged person's old one. Raises NotFound."""
        return _found(await person_named(self._reads, ident, self.sites), "id")

    async def known_by(self, user_id: str) -> Person:
        """By the `user_id` that a server gave. Raises NotFound."""
        return _found(await self._by_idents(user_ident(site, user_id) for site in self.sites), "user_id")

    async def addressed(self, email: str) -> Person:
        """By an e-mail address: who proved it, else the newest user, else the newest lead with it. Raises
        NotFound.
        """
        address = email.strip().lower()
        person = await self._by_idents(email_ident(site, address) for site in self.sites)
        for role in (Role.user, Role.lead):
            if person is None:
                page = await self._reads.find_people(email=address, roles=(role,), limit=1)
                person = next(iter(page.people), None)
        return _found(person, "email")

    async def meant(self, *, id: str | None, user_id: str | None, email: str | None) -> Person:
        """By the first that is given; a `user_id` may be a visitor's. Raises BadRequest or NotFound."""
        if user_id:
            try:
                return await self.known_by(user_id)
            except NotFound:
                person = await person_named(self._reads, user_id, self.sites)
                return _found(person, "user_id")
        if email:
            return await self.addressed(email)
        if id:
            return await self.anyone(id)
        raise BadRequest("parameter_not_found", "One of `user_id`, `email` or `id` says who.", "user_id")

    async def _by_idents(self, idents: Iterable[str]) -> Person | None:
        for ident in idents:
            if (person_id := await self._reads.person_of(ident)) is not None:
                return await merged(self._reads, person_id)
        return None


def _found(person: Person | None, field: str) -> Person:
    if person is None:
        raise NotFound("not_found", UNKNOWN, field)
    return person
