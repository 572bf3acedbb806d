"""`leadtrail copy`: from one database into another, as from SQLite to PostgreSQL."""

import asyncio
import sys

import click

from server.cli import environment
from server.settings import database_url
from server.store import engines


class Url(click.ParamType[str]):
    """A database's URL."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return database_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("source", type=Url())
def copy(source: str) -> None:
    """Copy everything from the database SOURCE into that of DATABASE_URL, which must be empty.

    SOURCE is a URL, as sqlite:///data/leadtrail.db. Stop the servers of both first. A copy that was stopped
    goes on when it is repeated; in the end the rows of every table are counted on both sides.
    """
    settings = environment.settings()
    if engines.place_of(source) == engines.place_of(settings.database):
        raise click.UsageError("SOURCE is the database of DATABASE_URL itself.")
    with environment.readable_errors():
        counts = asyncio.run(engines.copy(source, settings.database, _told))
    click.echo("\n".join(f"{rows:>12,}  {table}" for table, rows in counts.items()))
    click.echo(f"{engines.place_of(settings.database)} has all of {engines.place_of(source)}.")
    click.echo(
        "Visitors stay who they are under the same signing keys: give its servers LEADTRAIL_SECRET_KEYS."
    )


def _told(table: str, rows: int, total: int) -> None:
    """A bar for each table, drawn anew with each step."""
    with click.progressbar(length=max(total, 1), label=f"{table:20}", file=sys.stderr) as bar:
        bar.update(rows if total else 1)
