"""Old events leave PostgreSQL by the week: its partition is dropped, and what is younger in it is kept.

What lies beside the weeks, and all of it where this role may drop nothing, is deleted a few thousand at a
time.
"""

import asyncpg
import structlog

from server.store.postgres.engine import PostgresEngine, connect
from server.store.postgres.errors import translated_errors
from server.store.postgres.migration import TABLE_LOCK_SECONDS, wait_at_most
from server.store.postgres.partitions import BESIDE, week_of

log = structlog.get_logger()

STEP = 5_000
"""Events that are deleted in one transaction (reliability.md F26)."""

_WEEKS = """
/* weeks of events */ SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass"""

_DELETE = f"""
/* forget events */ DELETE FROM {{table}} WHERE (id, person_id) IN (
  SELECT id, person_id FROM {{table}} WHERE received < $1 LIMIT {STEP})"""


async def forget_events(engine: PostgresEngine, admin_url: str, before: int) -> None:
    """Remove the events that were received before then (Unix ms)."""
    weeks = [name for (name,) in await engine.fetch(_WEEKS) if (ends := week_of(name)) and ends <= before]
    kept = await _drop(engine, admin_url, sorted(weeks), before) if weeks else []
    for table in (*kept, *BESIDE):
        while await _delete(engine, table, before):
            pass


async def _drop(engine: PostgresEngine, admin_url: str, weeks: list[str], before: int) -> list[str]:
    """The weeks that this role may not drop."""
    kept = []
    with translated_errors(engine.place):
        connection = await connect(admin_url)
        try:
            for week in weeks:
                try:
                    await _drop_week(connection, week, before)
                except asyncpg.InsufficientPrivilegeError:
                    kept.append(week)
                except asyncpg.UndefinedTableError:
                    # Another server was faster.
                    continue
        finally:
            await connection.close()
    if kept:
        log.info("weeks_not_dropped", weeks=len(kept), remedy="set LEADTRAIL_ADMIN_DATABASE_URL")
    return kept


async def _drop_week(connection: asyncpg.Connection, week: str, before: int) -> None:
    async with connection.transaction():
        await wait_at_most(connection, TABLE_LOCK_SECONDS)
        await connection.execute(f"ALTER TABLE events DETACH PARTITION {week}")
        # A browser whose clock was behind has put them there; now they lie beside the weeks.
        await connection.execute(f"INSERT INTO events SELECT * FROM {week} WHERE received >= $1", before)
        await connection.execute(f"DROP TABLE {week}")
    log.info("week_dropped", week=week)


async def _delete(engine: PostgresEngine, table: str, before: int) -> bool:
    """Whether there was something to delete."""
    async with engine.transaction() as writing:
        return await writing.execute(_DELETE.format(table=table), before) > 0
