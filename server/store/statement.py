"""SQL in portable form: a statement stands once, and every engine renders it in its own dialect.

    ?                                        a value
    person_id IN LIST (BIGINT)               one of a list of values
    ROWS (person_id BIGINT, id TEXT) AS new  rows to select from, given as one parameter
    MEMBERS (traits) AS m                    a JSON column's members, as rows of m.name, m.text and m.number
    SELECT {person_id, JSON(traits)} FROM …  what comes back, as rows of the type that the statement gives
    RETURNING {ident, person_id}             the same
    … LIMIT ? FOR UPDATE SKIP LOCKED         but for rows that another transaction holds

`JSON(…)` marks a column that holds JSON. Parameters are given in the order in which they stand: a value, a
list of values, or a list of rows (structs or tuples; plain values where the rows have one column). The types
are BIGINT, SMALLINT, TEXT, DOUBLE PRECISION and JSON. Everything else is SQL that SQLite, PostgreSQL and
Citus read alike; `WHERE true` before ON CONFLICT is for SQLite, which reads ON as a join's without it.
"""

import re
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

_PARTS = re.compile(
    r"(?P<value>\?)"
    r"|IN LIST \((?P<list>[A-Z ]+)\)"
    r"|ROWS\s+\((?P<rows>[^)]+)\) AS (?P<alias>\w+)"
    r"|MEMBERS \((?P<members>\w+)\) AS (?P<member_alias>\w+)"
    r"|\{(?P<answer>[^}]+)\}"
    r"|(?P<skip>FOR UPDATE SKIP LOCKED)"
)


class Statement(Generic[T]):
    """One statement. `gives` is the type of a row that comes back, decoded from what stands in braces."""

    def __init__(self, name: str, sql: str, gives: type[T] | None = None) -> None:
        self.name = name
        self.sql = f"/* {name} */ {sql.strip()}"
        """The comment tells in the database's own views and logs which statement it is."""
        self.gives = gives

    def __call__(self, *parameters: Any) -> "Call[T]":
        return Call(self, parameters)


class Call(NamedTuple, Generic[T]):
    """A statement with its parameters."""

    statement: Statement[T]
    parameters: Sequence[Any]


class Column(NamedTuple):
    name: str
    type: str


class Dialect(Protocol):
    """How one engine writes what engines write differently. Each parameter is a `?` in what is answered."""

    def in_list(self, of_type: str) -> str:
        """`IN …`: one of a list of values."""

    def rows(self, columns: Sequence[Column], alias: str) -> str:
        """An item of FROM that holds rows."""

    def members(self, column: str, alias: str) -> str:
        """An item of FROM: the members of a JSON object. `text` is null but for text and booleans, which are
        `true` and `false`; `number` but for numbers.
        """

    def answer(self, columns: str) -> str:
        """What stands behind SELECT or RETURNING."""

    def skip_locked(self) -> str:
        """FOR UPDATE SKIP LOCKED, where more than one transaction writes."""


class Rendered(NamedTuple):
    """A statement as one engine reads it, and what its parameters are: () for a value, else the types of the
    columns of a list.
    """

    sql: str
    parameters: Sequence[tuple[str, ...]]


def render(sql: str, dialect: Dialect) -> Rendered:
    """The statement in this dialect."""
    parameters: list[tuple[str, ...]] = []

    def part(match: re.Match[str]) -> str:
        if match["value"]:
            parameters.append(())
            return "?"
        if match["list"]:
            parameters.append((match["list"],))
            return dialect.in_list(match["list"])
        if match["rows"]:
            columns = [Column(*column.split(maxsplit=1)) for column in match["rows"].split(", ")]
            parameters.append(tuple(column.type for column in columns))
            return dialect.rows(columns, match["alias"])
        if match["members"]:
            return dialect.members(match["members"], match["member_alias"])
        if match["answer"]:
            return dialect.answer(match["answer"])
        return dialect.skip_locked()

    return Rendered(_PARTS.sub(part, sql), parameters)
