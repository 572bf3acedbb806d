"""`leadtrail migrate`: bring the database to this program's schema."""

import asyncio

import click

from server.cli import environment
from server.store import engines


@click.command()
@click.option("--distribute", is_flag=True, help="On Citus: lay the tables out over its nodes, once.")
@click.option(
    "--shards", default=32, show_default=True, help="With --distribute: into how many parts, for ever."
)
def migrate(distribute: bool, shards: int) -> None:
    """Bring the database to this program's schema.

    On PostgreSQL also make the partitions of the weeks to come. Safe to repeat, and while servers run. On
    SQLite `serve` does it by itself.
    """
    settings = environment.settings()
    with environment.readable_errors():
        steps = asyncio.run(engines.migrate(settings.admin_database))
    done = f"{steps} step{'s' if steps != 1 else ''} applied" if steps else "nothing was missing"
    if distribute:
        with environment.readable_errors():
            tables = asyncio.run(engines.distribute(settings.admin_database, shards))
        click.echo(f"{len(tables)} tables were distributed.")
    click.echo(f"The schema of {engines.place_of(settings.admin_database)} is up to date: {done}.")
