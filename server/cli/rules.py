"""What the commands about rules share: the configuration beside the stored people, only to be read."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from server.rules.load import load_file
from server.rules.rule import Rule
from server.rules.schema import Config
from server.settings import Settings
from server.store.base import Look
from server.store.engines import look_into


@asynccontextmanager
async def look_at(settings: Settings) -> AsyncIterator[tuple[Config, Look]]:
    """Raises ConfigError and StoreError."""
    config = load_file(settings.config, settings.webhook_allow)
    async with look_into(settings.database) as store:
        yield config, store


def rule_named(config: Config, rule_id: str) -> Rule:
    """The message of this id; where there is none, the program ends with those that there are."""
    rule = config.rules.get(rule_id)
    if rule is None:
        known = ", ".join(rule.id for rule in config.rules) or "none"
        click.echo(f"There is no message {rule_id!r}; there are: {known}.", err=True)
        sys.exit(1)
    return rule
