"""`leadtrail check`: every mistake in leadtrail.yaml, a line each, and every doubt. Needs no server, database
or network; with the database's file at hand it also tells which events were never collected.
"""

import asyncio
import os
import sys
from pathlib import Path

import click

from server.clock import system_clock
from server.collect.clean import RESERVED
from server.errors import ConfigError, SettingsError, StoreError
from server.rules.document import read_document
from server.rules.lint import find_doubts
from server.rules.load import load_file
from server.settings import read
from server.store.engines import is_postgres, look_into
from server.store.sqlite import path_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Check FILE (or what LEADTRAIL_CONFIG names, or ./leadtrail.yaml).

    Ends with status 1 if there are mistakes. Each is printed as file:line:column and what to write instead.
    Doubts, such as an event that was never collected or two messages for one moment, are printed the same way
    and leave the status 0.
    """
    path = file or Path(os.environ.get("LEADTRAIL_CONFIG") or "leadtrail.yaml")
    allowed, database = _surroundings()
    try:
        config = load_file(path, allowed)
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.echo(f"{path} has {_count(len(error.mistakes), 'mistake')}.", err=True)
        sys.exit(1)
    document = read_document(path.read_text("utf-8-sig"))
    doubts = find_doubts(config, document, system_clock(), _event_names(database))
    for doubt in doubts:
        click.echo(f"{path}:{doubt.line}:{doubt.column}: doubt: {doubt.message}", err=True)
    parts = [_count(len(config.sites), "site"), _count(len(config.rules), "rule")]
    if config.segments:
        parts.append(_count(len(config.segments), "segment"))
    if doubts:
        parts.append(_count(len(doubts), "doubt"))
    click.echo(f"{path} is good: {', '.join(parts)}")


def _surroundings() -> tuple[tuple[str, ...], str | None]:
    """The private addresses that webhooks may name, and the database of the settings, if those are right."""
    try:
        settings = read(os.environ)
    except SettingsError:
        return (), None
    return settings.webhook_allow, settings.database


def _event_names(database: str | None) -> set[str] | None:
    """The events that were ever collected, and those that every site has; None where no file is at hand."""
    if database is None or is_postgres(database) or not path_of(database).exists():
        return None
    try:
        return asyncio.run(_read_event_names(database))
    except (StoreError, OSError) as error:
        click.echo(f"The events of the database are not compared: {error}", err=True)
        return None


async def _read_event_names(database: str) -> set[str] | None:
    async with look_into(database) as store:
        if not (await store.reads.find_people(limit=1)).total:
            return None
        return await store.rulings.all_event_names() | RESERVED


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
