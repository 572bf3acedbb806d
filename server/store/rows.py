"""How types and rows correspond: a struct's fields are its table's columns, in order; dicts are JSON.

Three fields of a person are no columns: they are read from the totals of their events.
"""

from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from server.model import Metadata, Person
from server.store.statement import Statement

T = TypeVar("T", bound=msgspec.Struct)

_EVENT_TOTALS = (
    "(SELECT CAST(coalesce({aggregate}, {none}) AS BIGINT) FROM totals AS t"
    " WHERE t.person_id = people.person_id AND t.kind = 1)"
)

DERIVED = {
    "first_seen": _EVENT_TOTALS.format(aggregate="min(t.first)", none="session_start"),
    "last_seen": _EVENT_TOTALS.format(aggregate="max(t.last)", none="session_start"),
    "events": _EVENT_TOTALS.format(aggregate="sum(t.count)", none="0"),
}
"""A person's fields that are no columns, and how they are read."""


def columns(row: type[msgspec.Struct]) -> list[str]:
    """The columns of the struct's table."""
    derived = DERIVED if row is Person else {}
    return [field for field in row.__struct_fields__ if field not in derived]


def selected(row: type[msgspec.Struct]) -> str:
    """`{person_id, site, …, JSON(traits)}`: what a SELECT answers for this struct."""
    derived = DERIVED if row is Person else {}
    types = _types(row)
    values = (
        derived.get(field) or (f"JSON({field})" if types[field] == "JSON" else field)
        for field in row.__struct_fields__
    )
    return f"{{{', '.join(values)}}}"


def given(row: type[msgspec.Struct], *more: str) -> str:
    """`ROWS (person_id BIGINT, site TEXT, …) AS new`: structs as rows to select from, and `more` columns."""
    fields = [f"{field} {of_type}" for field, of_type in _types(row).items()]
    return f"ROWS ({', '.join([*fields, *more])}) AS new"


def insert(row: type[msgspec.Struct], table: str, on_conflict: str = "") -> Statement[None]:
    """A statement that adds structs, given as one list, to their table."""
    names = ", ".join(columns(row))
    return Statement(
        f"save {table}",
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {given(row)} WHERE true {on_conflict}",
    )


def replace(row: type[msgspec.Struct], *key: str) -> str:
    """ON CONFLICT on this key, every other column is replaced."""
    rest = (column for column in columns(row) if column not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET " + ", ".join(f"{c} = excluded.{c}" for c in rest)


def _types(row: type[msgspec.Struct]) -> dict[str, str]:
    hints = get_type_hints(row)
    return {field: _type(hints[field]) for field in row.__struct_fields__}


def _type(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        [hint] = (part for part in get_args(hint) if part is not type(None))
    if hint is Metadata or get_origin(hint) is dict:
        return "JSON"
    return "TEXT" if hint is str else "DOUBLE PRECISION" if hint is float else "BIGINT"
