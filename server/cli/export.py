"""`leadtrail export`: everything that is stored of a person."""

import asyncio
import sys
from pathlib import Path

import click

from server.cli import environment
from server.cli.rules import look_at
from server.cli.who import person_called
from server.clock import system_clock
from server.people.export import as_csv, as_json
from server.settings import Settings


@click.command()
@click.argument("who", metavar="PERSON")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write to this file, not to the terminal.",
)
def export(who: str, form: str, output: Path | None) -> None:
    """Export everything that is stored of PERSON.

    PERSON is a contact's id, a visitor's id, an e-mail address or a user id. Only reads, also while a server
    runs.
    """
    settings = environment.settings()
    with environment.readable_errors():
        content = asyncio.run(_export(settings, who, form))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
        click.echo(f"{output}: {len(content):,} bytes", err=True)


async def _export(settings: Settings, who: str, form: str) -> bytes:
    async with look_at(settings) as (config, store):
        person = await person_called(store, config, who)
        everything = await store.reads.everything(person.person_id)
    return as_csv(everything).encode() if form == "csv" else as_json(person, everything, system_clock())
