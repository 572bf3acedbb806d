"""`leadtrail erase`: a person leaves no trace."""

import asyncio
import sys

import click

from server.cli import environment
from server.cli.who import person_called
from server.clock import system_clock
from server.errors import StoreInUse
from server.ids import public_id
from server.model import Person
from server.rules.load import load_file
from server.settings import Settings
from server.store.engines import open_store
from server.trail.erasing import erase as erase_person


@click.command()
@click.argument("who", metavar="PERSON")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(who: str, yes: bool) -> None:
    """Erase PERSON: every row, total, id and message, and whoever was merged into them. It cannot be undone.

    PERSON is a contact's id, a visitor's id, an e-mail address or a user id.
    """
    settings = environment.settings()
    with environment.readable_errors():
        try:
            asyncio.run(_erase(settings, who, yes=yes))
        except StoreInUse:
            click.echo(
                f"A server is at work on {settings.database}, and one program at a time writes there. Erase"
                " the person in its dashboard, by DELETE /api/contacts/{id}, or stop the server first.",
                err=True,
            )
            sys.exit(1)


async def _erase(settings: Settings, who: str, *, yes: bool) -> None:
    config = load_file(settings.config)
    store = await open_store(settings.database, settings.admin_database)
    try:
        person = await person_called(store, config, who)
        if not yes:
            click.confirm(f"Erase {_called(person)} for ever?", abort=True)
        erasure = await erase_person(store, person.person_id, system_clock())
    finally:
        await store.close()
    merged = len(erasure.people) - 1
    also = f" and {merged} who had been merged into them" if merged else ""
    click.echo(f"{public_id(person.person_id)}{also} left no trace.")


def _called(person: Person) -> str:
    known = " / ".join(part for part in (person.name, person.email, person.user_id) if part)
    return f"{public_id(person.person_id)} ({known})" if known else public_id(person.person_id)
