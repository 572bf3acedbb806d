"""Brings a file to this program's schema, step by step, each in one transaction; refuses one that is
newer.
"""

from server.errors import StoreTooNew
from server.store.schema import STEPS, statements
from server.store.sqlite.dialect import SCHEMA_WORDS
from server.store.sqlite.engine import SqliteEngine


async def migrate(engine: SqliteEngine) -> int:
    """Apply what is missing and answer how many steps that were. Safe to run again after a crash."""
    [(version,)] = await engine.fetch("PRAGMA user_version")
    if version > len(STEPS):
        raise StoreTooNew(
            f"{engine.path} was written by a newer Leadtrail"
            f" (schema {version}, this program knows {len(STEPS)})."
            " Install that version, or put back a backup made before the upgrade."
        )
    for number, step in enumerate(STEPS[version:], start=version + 1):
        async with engine.transaction() as writing:
            for statement in statements(step.read_text(), SCHEMA_WORDS):
                await writing.execute(statement)
            # PRAGMA takes no parameters; the number is our own.
            await writing.execute(f"PRAGMA user_version = {number}")
    return len(STEPS) - int(version)
