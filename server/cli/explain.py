"""`leadtrail explain`: why a person gets a message or does not."""

import asyncio

import click

from server.cli import environment
from server.cli.rules import look_at, rule_named
from server.cli.who import person_called
from server.clock import system_clock
from server.insight.explanation import explain_person, lines
from server.settings import Settings


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
        person = await person_called(store, config, who)
        explanation = await explain_person(store, rule, config.caps, person, system_clock())
        click.echo("\n".join(lines(explanation)))
