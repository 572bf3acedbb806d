"""The engine for many servers: PostgreSQL, or Citus. Every server is equal and keeps nothing of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from server.errors import StoreError
from server.store.ingest import SqlTransaction
from server.store.postgres.distribution import distribute
from server.store.postgres.engine import PostgresEngine, open_engine, place_of
from server.store.postgres.forgetting import forget_events
from server.store.postgres.migration import check_version, is_empty, make_partitions, migrate
from server.store.rooms import Rooms

__all__ = ["PostgresStore", "distribute", "migrate", "open_postgres", "place_of"]

CHECK_SECONDS = 3


class PostgresStore(Rooms):
    """Implements `store.base.Store`. `admin_url` is the same database as a role that may make tables."""

    is_shared = True

    def __init__(self, engine: PostgresEngine, admin_url: str) -> None:
        super().__init__(engine)
        self._engine = engine
        self._admin_url = admin_url

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        async with self._engine.transaction() as writing:
            transaction = SqlTransaction(writing)
            yield transaction
        self.tell(transaction)

    async def make_room(self, now: int) -> None:
        await make_partitions(self._admin_url, now)

    async def forget_events(self, before: int) -> None:
        await forget_events(self._engine, self._admin_url, before)

    async def tell_backups(self, tombs: Mapping[str, int]) -> None:
        """None are known: `pg_dump` and the archive are the operator's."""

    async def scrub(self) -> None:
        """Nothing is to be done: what was deleted goes when PostgreSQL vacuums, and its log is the
        operator's.
        """

    async def check(self) -> str | None:
        try:
            await asyncio.wait_for(self._engine.fetch("SELECT 1"), CHECK_SECONDS)
        except TimeoutError:
            return f"{self._engine.place} does not answer"
        except StoreError as error:
            return str(error)
        return None

    def describe(self) -> Sequence[str]:
        server = self._engine.server
        kind = "Citus on PostgreSQL" if server.distributed else "PostgreSQL"
        pooled = ", through a pooler" if server.pooled else ""
        lines = [f"{kind} {server.version.split()[0]}, {self._engine.place.partition(' at ')[2]}{pooled}"]
        if server.fsync != "on":
            lines.append("warning: fsync is off there; a power cut can lose what was confirmed.")
        return lines

    async def close(self) -> None:
        await self._engine.close()


async def open_postgres(database_url: str, admin_url: str) -> PostgresStore:
    """Open a database that `migrate` has prepared; an empty one is prepared here.

    Raises StoreUnavailable when it does not answer, StoreTooNew when a newer program has migrated it, and
    StoreError when it is to be migrated first or would lose confirmed events.
    """
    engine = await open_engine(database_url)
    try:
        if engine.server.synchronous_commit == "off":
            raise StoreError(
                f"{engine.place} has synchronous_commit off: a crash would lose events that were confirmed."
                " Turn it on for this role: ALTER ROLE … SET synchronous_commit = on."
            )
        if await is_empty(engine):
            await migrate(admin_url)
        await check_version(engine)
    except BaseException:
        await engine.close()
        raise
    return PostgresStore(engine, admin_url)
