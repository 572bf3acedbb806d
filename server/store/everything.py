"""Everything that is stored of a person, row by row as the tables have it; on every engine."""

from functools import cache
from typing import Any

from server.store.belongings import BELONGINGS
from server.store.engine import Engine
from server.store.statement import Statement
from server.store.tables import tables

_MERGED_INTO = Statement(
    "read merged people", "SELECT {person_id} FROM people WHERE merged_into IN LIST (BIGINT)", tuple[int]
)


async def everything(engine: Engine, person_id: int) -> dict[str, list[dict[str, Any]]]:
    """By table the rows of the person and of all who were merged into them, each column by its name."""
    everybody, more = [person_id], [person_id]
    while more:
        more = [of for (of,) in await engine.read(_MERGED_INTO(more)) if of not in everybody]
        everybody += more
    found: dict[str, list[dict[str, Any]]] = {}
    for table in BELONGINGS:
        names = tables()[table].columns
        rows = [row for each in everybody for row in await engine.read(_rows(table)(each))]
        found[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return found


@cache
def _rows(table: str) -> Statement[Any]:
    columns = tables()[table].columns
    answered = ", ".join(f"JSON({name})" if of == "JSON" else name for name, of in columns.items())
    return Statement(f"read all of {table}", f"SELECT {{{answered}}} FROM {table} WHERE person_id = ?")
