"""How the tables lie on Citus: what is a person's by person_id, what must be unique by its own value, and
the rest whole on every node.

The same statements run on PostgreSQL and on Citus; what Citus refuses in them is refused by
tests/store/test_distribution.py. These lines are all that only Citus needs.
"""

import re
from typing import NamedTuple

import asyncpg

from server.errors import StoreError
from server.store.postgres.engine import connect, place_of
from server.store.postgres.errors import translated_errors
from server.store.tables import tables

SHARDS = 32
"""The number is kept for ever; 128 and more where many machines are foreseen."""


class Place(NamedTuple):
    """The column by which a table is distributed, and the table beside whose rows its rows lie."""

    column: str
    beside: str


BY_PERSON = Place("person_id", "people")
BY_IDENT = Place("ident", "identities")

PLACES = {
    "people": BY_PERSON,
    "events": BY_PERSON,
    "totals": BY_PERSON,
    "milestones": BY_PERSON,
    "offers": BY_PERSON,
    "holds": BY_PERSON,
    "due": BY_PERSON,
    "tagged": BY_PERSON,
    "notes": BY_PERSON,
    "merges": BY_PERSON,
    "identities": BY_IDENT,
    "unsubscribed": BY_IDENT,
    "erased": BY_IDENT,
    "outbox": Place("lane", "outbox"),
}
"""The tables that are distributed. All others are small and read by all: reference tables, with a copy on
each node.
"""

_IS_CITUS = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')"

_THERE = "SELECT logicalrelid::regclass::text FROM pg_dist_partition"


async def distribute(database_url: str, shards: int = SHARDS) -> list[str]:
    """Distribute what is not distributed yet, by the coordinator's URL; the tables that were.

    Raises StoreError where the database is no Citus.
    """
    place = place_of(database_url)
    with translated_errors(place):
        connection = await connect(database_url)
        try:
            if not await connection.fetchval(_IS_CITUS):
                raise StoreError(
                    f"{place} has no Citus. On its coordinator and workers: CREATE EXTENSION citus."
                )
            return await distribute_tables(connection, shards)
        finally:
            await connection.close()


async def is_distributed(connection: asyncpg.Connection) -> bool:
    """Whether `distribute` was here before."""
    return bool(
        await connection.fetchval(_IS_CITUS)
        and await connection.fetchval(f"SELECT EXISTS ({_THERE} WHERE logicalrelid = 'people'::regclass)")
    )


async def distribute_tables(connection: asyncpg.Connection, shards: int = SHARDS) -> list[str]:
    """Those that are not distributed yet."""
    there = {name for (name,) in await connection.fetch(_THERE)}
    done = []
    for line in lines(shards):
        if (name := line.table) not in there:
            await connection.execute(line.sql)
            done.append(name)
    return done


class Line(NamedTuple):
    table: str
    sql: str


def lines(shards: int = SHARDS) -> list[Line]:
    """One line a table: reference tables first, then those beside which others lie."""
    reference = ["schema_steps", *(name for name in tables() if name not in PLACES)]
    found = [Line(name, f"SELECT create_reference_table('{name}')") for name in reference]
    for name, (column, beside) in PLACES.items():
        near = (
            f"colocate_with => '{beside}'"
            if name != beside
            else (f"shard_count => {shards}, colocate_with => 'none'")
        )
        found.append(Line(name, f"SELECT create_distributed_table('{name}', '{column}', {near})"))
    return found


REFUSED = {
    r"\b(?:now|clock_timestamp|statement_timestamp)\s*\(": "times are parameters",
    r"\bRECURSIVE\b|\bLATERAL\b|\bMERGE INTO\b|\b(?:GROUPING SETS|CUBE|ROLLUP)\b": "Citus refuses it",
    r"\bLISTEN\b|\bNOTIFY\b|\bpg_advisory": "it means nothing beyond one node",
    r"\bnextval\b|\bSERIAL\b|\bIDENTITY\b": "ids are made by the program",
    r"\bTRIGGER\b|\bREFERENCES\b": "Citus refuses it on distributed tables",
    r"\bFOR UPDATE\b(?! SKIP LOCKED)": "people are held by `Writing.hold`",
}
"""What no statement may have, and why."""


def objections(sql: str) -> list[str]:
    """Why Citus would refuse a statement in portable form, or run it on more than one node at a time in a way
    that it cannot.
    """
    found = [
        f"{match[0].strip()}: {why}" for pattern, why in REFUSED.items() if (match := re.search(pattern, sql))
    ]
    names = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)", sql)) & PLACES.keys()
    groups = {PLACES[name].beside for name in names}
    if len(groups) > 1:
        found.append(f"{', '.join(sorted(names))} lie apart; ask in two statements")
    if updated := re.search(r"\bUPDATE (\w+) SET (.*?)(?:\sWHERE\s|$)", sql, re.DOTALL):
        place = PLACES.get(updated[1])
        if place and re.search(rf"\b{place.column} =", updated[2]):
            found.append(f"{updated[1]}.{place.column} says where a row lies, and cannot be updated")
    return found
