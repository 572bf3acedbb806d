"""Old events leave the file, a few thousand at a time, between the groups of new ones.

They are looked for in the order in which they were written. An index would find them faster, and cost every
event that comes.
"""

from server.store.sqlite.engine import SqliteEngine

STEP = 5_000
"""Events that are looked at in one transaction (reliability.md F26)."""

_ENDS = "/* ends of events */ SELECT min(rowid), max(rowid) FROM events"

_FIND = "/* find old events */ SELECT 1 FROM events WHERE rowid BETWEEN ? AND ? AND received < ? LIMIT 1"

_FORGET = "/* forget events */ DELETE FROM events WHERE rowid BETWEEN ? AND ? AND received < ?"


async def forget_events(engine: SqliteEngine, before: int) -> None:
    """Remove the events that were received before then (Unix ms)."""
    [(first, last)] = await engine.fetch(_ENDS)
    if first is None:
        return
    for start in range(first, last + 1, STEP):
        place = (start, start + STEP - 1, before)
        if await engine.fetch(_FIND, place):
            async with engine.transaction() as writing:
                await writing.execute(_FORGET, place)
