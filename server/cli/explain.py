"""`leadtrail explain`: why a person gets a message or does not."""

import asyncio
import sys

import click

from server.cli import environment
from server.cli.rules import look_at, rule_named
from server.clock import system_clock
from server.identity import user_ident
from server.insight.explanation import explain_person, lines
from server.model import visitor_ident
from server.rules.schema import Config
from server.settings import Settings
from server.store.base import Look
from server.store.lookup import merged, person_named


@click.command()
@click.argument("rule_id", metavar="ID")
@click.argument("who", metavar="PERSON")
def explain(rule_id: str, who: str) -> None:
    """Tell for message ID and PERSON each condition with its value and verdict, and what holds it back.

    PERSON is a contact's id, a visitor's id, an e-mail address or a user id. Only reads, also while a server
    runs.
    """
    settings = environment.settings()
    with environment.readable_errors():
        asyncio.run(_explain(settings, rule_id, who))


async def _explain(settings: Settings, rule_id: str, who: str) -> None:
    async with look_at(settings) as (config, store):
        rule = rule_named(config, rule_id)
        person_id = await _find(store, config, who)
        person = None if person_id is None else await merged(store.reads, person_id)
        if person is None:
            click.echo(f"There is nobody called {who!r}.", err=True)
            sys.exit(1)
        explanation = await explain_person(store, rule, config.caps, person, system_clock())
        click.echo("\n".join(lines(explanation)))


async def _find(store: Look, config: Config, who: str) -> int | None:
    if (person := await person_named(store.reads, who, config.sites)) is not None:
        return person.person_id
    for site in config.sites:
        for ident in (user_ident(site, who), visitor_ident(site, who)):
            if (person_id := await store.reads.person_of(ident)) is not None:
                return person_id
    found = await store.reads.find_people(email=who.strip().lower(), limit=1) if "@" in who else None
    return found.people[0].person_id if found and found.people else None
