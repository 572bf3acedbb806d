"""One database into another, whichever engines they are on: table by table, in the order of the keys.

How far it came stands in the other database and is written with the rows, so a copy that was stopped goes on
where it stopped.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from server.errors import StoreError
from server.model import Metadata
from server.store.engine import Engine
from server.store.statement import Statement
from server.store.tables import Table, tables

STEP = 2_000
"""Rows that are read and written at once."""

_OF_THE_DATABASE = frozenset({"copied", "servers"})
"""Tables that say something of a database and not of what is in it."""

_PROGRESS = Statement(
    "copied so far", "SELECT {rows, JSON(after)} FROM copied WHERE name = ?", tuple[int, Metadata]
)

_SAVE_PROGRESS = Statement[None](
    "save copied so far",
    """
INSERT INTO copied (name, rows, after) SELECT name, rows, after
FROM ROWS (name TEXT, rows BIGINT, after JSON) AS new WHERE true
ON CONFLICT (name) DO UPDATE SET rows = excluded.rows, after = excluded.after""",
)

_STARTED = Statement("copies", "SELECT {count(*)} FROM copied", tuple[int])

Told = Callable[[str, int, int], None]
"""Told of each step: the table, its rows so far, its rows in all."""


async def copy_all(source: Engine, target: Engine, told: Told) -> dict[str, int]:
    """Copy every table; the rows of each. Raises StoreError when the target holds other data already, or has
    other numbers of rows in the end.
    """
    copied = [table for table in tables().values() if table.name not in _OF_THE_DATABASE]
    [(started,)] = await target.read(_STARTED())
    if not started and (full := [table.name for table in copied if await _count(target, table)]):
        raise StoreError(f"The database to copy into is not empty: it has rows in {', '.join(full)}.")
    counts = {}
    for table in copied:
        counts[table.name] = await _copy(source, target, table, told)
    for table in copied:
        there = await _count(target, table)
        if there != await _count(source, table):
            raise StoreError(
                f"The copy of {table.name} has {there:,} rows and not {counts[table.name]:,}:"
                " something else writes to one of the databases. Stop it and copy into an empty one."
            )
    return counts


async def _copy(source: Engine, target: Engine, table: Table, told: Told) -> int:
    total, done, after = await _count(source, table), 0, list[Any]()
    for rows, progress in await target.read(_PROGRESS(table.name)):
        done, after = rows, progress["key"]
    told(table.name, done, total)
    places = [list(table.columns).index(name) for name in table.key]
    while rows_read := await source.read(_read(table.name, first=not after)(*after, STEP)):
        after = [rows_read[-1][place] for place in places]
        done += len(rows_read)
        async with target.transaction() as writing:
            await writing.run(
                _write(table.name)(_as_given(table, rows_read)),
                _SAVE_PROGRESS([(table.name, done, {"key": after})]),
            )
        told(table.name, done, total)
    return done


def _as_given(table: Table, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Rows of one column are given as plain values."""
    return [value for (value,) in rows] if len(table.columns) == 1 else rows


async def _count(engine: Engine, table: Table) -> int:
    [(count,)] = await engine.read(_counting(table.name)())
    return count


@cache
def _counting(name: str) -> Statement[tuple[int, ...]]:
    return Statement(f"count {name}", f"SELECT {{count(*)}} FROM {name}", tuple[int])


@cache
def _read(name: str, *, first: bool) -> Statement[Any]:
    table = tables()[name]
    columns = ", ".join(f"JSON({column})" if of == "JSON" else column for column, of in table.columns.items())
    key = ", ".join(table.key)
    after = "" if first else f"WHERE ({key}) > ({', '.join('?' for _ in table.key)})"
    return Statement(f"copy from {name}", f"SELECT {{{columns}}} FROM {name} {after} ORDER BY {key} LIMIT ?")


@cache
def _write(name: str) -> Statement[None]:
    table = tables()[name]
    columns = ", ".join(table.columns)
    given = ", ".join(f"{column} {of}" for column, of in table.columns.items())
    return Statement(
        f"copy into {name}",
        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM ROWS ({given}) AS new WHERE true",
    )
