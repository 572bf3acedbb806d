"""Which engine a database's URL means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.clock import MINUTE, system_clock
from server.errors import StoreError, StoreInUse
from server.store import postgres
from server.store.base import Look, Store
from server.store.copying import Told, copy_all
from server.store.sqlite import look, migrate_sqlite, open_sqlite, path_of


async def open_store(database_url: str, admin_url: str = "") -> Store:
    """The open store of a `sqlite:///…` or `postgresql://…` URL; one that is empty is begun.

    `admin_url` is the same PostgreSQL database as a role that may make tables. Raises StoreError, or
    ValueError for a URL of no engine.
    """
    if is_postgres(database_url):
        return await postgres.open_postgres(database_url, admin_url or database_url)
    return await open_sqlite(path_of(database_url))


@asynccontextmanager
async def look_into(database_url: str) -> AsyncIterator[Look]:
    """The store, only to read it: also where one server has the database to itself. Raises StoreError."""
    if is_postgres(database_url):
        store = await postgres.open_postgres(database_url, database_url)
        try:
            yield store
        finally:
            await store.close()
    else:
        with look.look_into(path_of(database_url)) as looked_into:
            yield looked_into


async def copy(source_url: str, target_url: str, told: Told) -> dict[str, int]:
    """Copy everything from one database into another, an empty one; the rows of each table.

    Repeated, it goes on where it stopped. Raises StoreError, also when a server runs on one of them.
    """
    source = await open_store(source_url)
    try:
        target = await open_store(target_url)
        try:
            for store, url in ((source, source_url), (target, target_url)):
                if hosts := {peer.host for peer in await store.fleet.running(system_clock() - MINUTE)}:
                    raise StoreInUse(
                        f"{place_of(url)} is in use by servers on {', '.join(sorted(hosts))}."
                        " Stop them first; one that was killed is forgotten after a minute."
                    )
            return await copy_all(source.engine, target.engine, told)
        finally:
            await target.close()
    finally:
        await source.close()


async def migrate(database_url: str) -> int:
    """Bring the database to this program's schema; answers how many steps were missing. Raises StoreError."""
    if is_postgres(database_url):
        return await postgres.migrate(database_url)
    return await migrate_sqlite(path_of(database_url))


async def distribute(database_url: str, shards: int) -> list[str]:
    """Lay the tables out over the nodes of Citus; those that were not yet. Raises StoreError."""
    if not is_postgres(database_url):
        raise StoreError(f"{place_of(database_url)} is one file; only Citus has nodes.")
    return await postgres.distribute(database_url, shards)


def place_of(database_url: str) -> str:
    """The database for people to read: without a password."""
    return postgres.place_of(database_url) if is_postgres(database_url) else str(path_of(database_url))


def is_postgres(database_url: str) -> bool:
    """Whether many servers may share the database."""
    return database_url.startswith(("postgresql://", "postgres://"))
