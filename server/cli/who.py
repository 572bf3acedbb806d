"""Whom a command means by PERSON."""

import sys

import click

from server.identity import user_ident
from server.ids import visitor_ident
from server.model import Person
from server.rules.schema import Config
from server.store.base import Look
from server.store.lookup import merged, person_named


async def person_called(store: Look, config: Config, who: str) -> Person:
    """By a contact's id, a visitor's id, an e-mail address or a user id, through every merge; where there is
    nobody, the program ends.
    """
    person_id = await _find(store, config, who)
    person = None if person_id is None else await merged(store.reads, person_id)
    if person is None:
        click.echo(f"There is nobody called {who!r}.", err=True)
        sys.exit(1)
    return person


async def _find(store: Look, config: Config, who: str) -> int | None:
    if (person := await person_named(store.reads, who, config.sites)) is not None:
        return person.person_id
    for site in config.sites:
        for ident in (user_ident(site, who), visitor_ident(site, who)):
            if (person_id := await store.reads.person_of(ident)) is not None:
                return person_id
    found = await store.reads.find_people(email=who.strip().lower(), limit=1) if "@" in who else None
    return found.people[0].person_id if found and found.people else None
