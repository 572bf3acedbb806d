"""Brings a PostgreSQL database to this program's schema; refuses one that is newer.

Each step is one transaction under one lock, so that any number of servers may migrate at once and a crash
leaves a step whole or undone. It needs a role that may create tables; servers need none.
"""

import time

import asyncpg

from server.errors import StoreError, StoreTooNew
from server.store.postgres.dialect import SCHEMA_WORDS
from server.store.postgres.distribution import distribute_tables, is_distributed
from server.store.postgres.engine import PostgresEngine, connect, place_of
from server.store.postgres.errors import translated_errors
from server.store.postgres.partitions import WEEK, WEEKS_AHEAD, making, standing, weeks
from server.store.schema import STEPS, statements

LOCK_SECONDS = 30
"""So long waits who migrates for another one who does."""

TABLE_LOCK_SECONDS = 2
"""So long waits a change of partitions for what runs, because what comes meanwhile waits behind it."""

_BEGIN = """
CREATE TABLE IF NOT EXISTS schema_steps (
  number INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  at     BIGINT NOT NULL
)"""

_IS_BEGUN = "SELECT to_regclass('schema_steps') IS NOT NULL"

_VERSION = "SELECT coalesce(max(number), 0) FROM schema_steps"

_PARTITIONS = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass"""


async def migrate(database_url: str) -> int:
    """Apply what is missing, make partitions ahead, and answer how many steps that were."""
    place = place_of(database_url)
    with translated_errors(place):
        connection = await connect(database_url)
        try:
            await _begin(connection)
            steps = 0
            while await _step(connection, place):
                steps += 1
            if await is_distributed(connection):
                await distribute_tables(connection)
            await _make_partitions(connection, int(time.time() * 1000))
        finally:
            await connection.close()
    return steps


async def make_partitions(database_url: str, now: int) -> int:
    """Give every week from that of `now` (Unix ms) to WEEKS_AHEAD later its partition; answer how many were
    made. Raises StoreError, also where the role may make none and one is missing.
    """
    with translated_errors(place_of(database_url)):
        connection = await connect(database_url)
        try:
            return await _make_partitions(connection, now)
        finally:
            await connection.close()


async def _begin(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute(_BEGIN)
    except (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError):
        # Another one began at the very moment; IF NOT EXISTS does not wait for it.
        await connection.execute(_BEGIN)


async def _step(connection: asyncpg.Connection, place: str) -> bool:
    """Apply one step, or answer False when none is missing."""
    async with connection.transaction():
        await _lock(connection, "schema_steps")
        version = await connection.fetchval(_VERSION)
        _refuse_newer(version, place)
        if version == len(STEPS):
            return False
        step = STEPS[version]
        for statement in statements(step.read_text(), SCHEMA_WORDS):
            await connection.execute(statement)
        await connection.execute(
            "INSERT INTO schema_steps (number, name, at) VALUES ($1, $2, $3)",
            version + 1,
            step.stem,
            int(time.time() * 1000),
        )
    return True


async def _make_partitions(connection: asyncpg.Connection, now: int) -> int:
    wanted = {week.name for week in weeks(now, now + WEEKS_AHEAD * WEEK)}
    if wanted <= {name for (name,) in await connection.fetch(_PARTITIONS)}:
        return 0
    made = 0
    async with connection.transaction():
        await _lock(connection, "schema_steps")
        await wait_at_most(connection, TABLE_LOCK_SECONDS)
        there = {name for (name,) in await connection.fetch(_PARTITIONS)}
        if not there:
            for statement in standing():
                await connection.execute(statement)
        for week in weeks(now, now + WEEKS_AHEAD * WEEK):
            if week.name not in there:
                for statement in making(week):
                    await connection.execute(statement)
                made += 1
    return made


async def is_empty(engine: PostgresEngine) -> bool:
    """Whether no step was ever applied."""
    [(is_begun,)] = await engine.fetch(_IS_BEGUN)
    return not is_begun


async def check_version(engine: PostgresEngine) -> None:
    """Raises StoreTooNew, or StoreError when the schema is older than this program's."""
    [(version,)] = await engine.fetch(_VERSION)
    _refuse_newer(version, engine.place)
    if version < len(STEPS):
        raise StoreError(
            f"{engine.place} has schema {version}, this program needs {len(STEPS)}: run"
            " `leadtrail migrate` first."
        )


def _refuse_newer(version: int, place: str) -> None:
    if version > len(STEPS):
        raise StoreTooNew(
            f"{place} was migrated by a newer Leadtrail (schema {version}, this program knows {len(STEPS)})."
            " Install that version, or put back a backup made before the upgrade."
        )


async def _lock(connection: asyncpg.Connection, table: str) -> None:
    """Until the transaction ends; who waits for longer than LOCK_SECONDS gives up."""
    await wait_at_most(connection, LOCK_SECONDS)
    await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")


async def wait_at_most(connection: asyncpg.Connection, seconds: int) -> None:
    """For locks, in this transaction."""
    await connection.execute(f"SET LOCAL lock_timeout = '{seconds}s'")
