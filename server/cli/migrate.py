"""`leadtrail migrate`: bring the database to this program's schema."""

import asyncio

import click

from server.cli import environment
from server.store.engines import open_store


@click.command()
def migrate() -> None:
    """Bring the database to this program's schema. Safe to repeat; `serve` does it by itself on SQLite."""
    settings = environment.settings()

    async def work() -> None:
        store = await open_store(settings.database)
        await store.close()

    with environment.readable_errors():
        asyncio.run(work())
    click.echo(f"The schema of {settings.database} is up to date.")
