"""What PostgreSQL writes differently: batches travel as one array a column, answers as plain columns.

Arrays cost the database two thirds of what the same rows cost as JSON; see
docs/decisions/postgresql-driver.md.
"""

import re
from collections.abc import Sequence

from server.store.statement import Column

SCHEMA_WORDS = {
    # Compared by bytes as in SQLite, whatever the locale of the database.
    "TEXT": 'TEXT COLLATE "C"',
    "INTEGER PRIMARY KEY": "BIGINT PRIMARY KEY",
    "WITHOUT ROWID": "",
}


class PostgresDialect:
    """Implements `store.statement.Dialect`. Placeholders are numbered by `numbered`, once all stand."""

    def in_list(self, of_type: str) -> str:
        return f"= ANY (?::{of_type}[])"

    def rows(self, columns: Sequence[Column], alias: str) -> str:
        arrays = ", ".join(f"?::{column.type}[]" for column in columns)
        return f"unnest({arrays}) AS {alias} ({', '.join(column.name for column in columns)})"

    def members(self, column: str, alias: str) -> str:
        value = "value #>> '{}'"
        return (
            "(SELECT key AS name,"
            f" CASE WHEN json_typeof(value) IN ('string', 'boolean') THEN {value} END COLLATE \"C\" AS text,"
            f" CASE json_typeof(value) WHEN 'number' THEN CAST({value} AS DOUBLE PRECISION) END AS number"
            f" FROM json_each({column})) AS {alias}"
        )

    def answer(self, columns: str) -> str:
        return re.sub(r"JSON\(([\w.]+)\)", r"\1", columns)

    def skip_locked(self) -> str:
        return "FOR UPDATE SKIP LOCKED"


def numbered(sql: str) -> str:
    """`$1`, `$2`, … for each `?`."""
    parts = sql.split("?")
    return parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], start=1))
