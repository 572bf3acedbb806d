"""Brings a database to this program's schema, step by step, each in one transaction; refuses one that is
newer.
"""

from pathlib import Path

from server.errors import StoreTooNew
from server.store.sqlite.engine import Engine

STEPS = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))


async def migrate(engine: Engine) -> int:
    """Apply what is missing and answer how many steps that were. Safe to run again after a crash."""
    [(version,)] = await engine.read("PRAGMA user_version")
    if version > len(STEPS):
        raise StoreTooNew(
            f"{engine.path} was written by a newer Leadtrail"
            f" (schema {version}, this program knows {len(STEPS)})."
            " Install that version, or put back a backup made before the upgrade."
        )
    for number, step in enumerate(STEPS[version:], start=version + 1):
        async with engine.transaction() as writing:
            for statement in statements(step.read_text()):
                await writing.run((statement, ()))
            # PRAGMA takes no parameters; the number is our own.
            await writing.run((f"PRAGMA user_version = {number}", ()))
    return len(STEPS) - int(version)


def statements(script: str) -> list[str]:
    """The statements of a migration; they hold no semicolon of their own."""
    without_comments = "\n".join(line.partition("--")[0] for line in script.splitlines())
    return [statement.strip() for statement in without_comments.split(";") if statement.strip()]
