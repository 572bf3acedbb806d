"""`leadtrail migrate`: bring the database to this program's schema."""

import asyncio

import click

from server.cli import environment
from server.store import engines


@click.command()
def migrate() -> None:
    """Bring the database to this program's schema.

    On PostgreSQL also make the partitions of the weeks to come. Safe to repeat, and while servers run. On
    SQLite `serve` does it by itself.
    """
    settings = environment.settings()
    with environment.readable_errors():
        steps = asyncio.run(engines.migrate(settings.admin_database))
    done = f"{steps} step{'s' if steps != 1 else ''} applied" if steps else "nothing was missing"
    click.echo(f"The schema of {engines.place_of(settings.admin_database)} is up to date: {done}.")
