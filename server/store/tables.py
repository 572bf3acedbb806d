"""The tables as the steps of the schema make them: their columns, types and keys, for every engine."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from server.store.schema import STEPS, statements

_CREATE = re.compile(r"CREATE TABLE (\w+) \(\s*\n(.*?)\n\)[^()]*(?:\(\w+\))?", re.DOTALL)
_ADD = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (.+)")
_UNIQUE = re.compile(r"CREATE UNIQUE INDEX \w+ ON (\w+) \((.+)\)")
_COLUMN = re.compile(r"(\w+)\s+([A-Z]+)\b")
_KEY = re.compile(r"PRIMARY KEY \((.+)\)")

_WIDE = {"INTEGER": "BIGINT", "SMALLINT": "BIGINT"}
"""Types in which values travel: wide enough for what the column holds."""


class Table(NamedTuple):
    """One table. `key` is its primary key, or the first unique index of a table that has none."""

    name: str
    columns: dict[str, str]
    key: Sequence[str]


@cache
def tables() -> dict[str, Table]:
    """Every table, in the order in which they came. Raises ValueError for a step that cannot be read."""
    columns: dict[str, dict[str, str]] = {}
    keys: dict[str, list[str]] = {}
    for step in STEPS:
        for statement in statements(step.read_text(), {}):
            if made := _CREATE.fullmatch(statement):
                columns[made[1]], key = _columns(made[2])
                if key:
                    keys[made[1]] = key
            elif added := _ADD.fullmatch(statement):
                columns[added[1]] |= _columns(added[2])[0]
            elif unique := _UNIQUE.fullmatch(statement):
                keys.setdefault(unique[1], unique[2].split(", "))
            elif not statement.startswith("CREATE INDEX "):
                raise ValueError(f"{step.name}: what does this do to a table? {statement}")
    return {name: Table(name, columns[name], keys[name]) for name in columns}


def _columns(text: str) -> tuple[dict[str, str], list[str]]:
    """The columns of a list of definitions, a line each, and the primary key."""
    columns: dict[str, str] = {}
    key: list[str] = []
    for line in map(str.strip, text.split("\n")):
        if primary := _KEY.match(line):
            key = primary[1].split(", ")
        elif column := _COLUMN.match(line):
            columns[column[1]] = _WIDE.get(column[2], column[2])
            if "PRIMARY KEY" in line:
                key = [column[1]]
    return columns, key
