"""What SQLite writes differently: lists, rows and answers travel as JSON.

A batch is then one parameter, and each row that comes back is made in C and decoded straight into its type.
"""

from collections.abc import Sequence

from server.store.statement import Column

SCHEMA_WORDS = {"JSON": "TEXT", r"PARTITION BY RANGE \(\w+\)": ""}


class SqliteDialect:
    """Implements `store.statement.Dialect`."""

    def in_list(self, of_type: str) -> str:
        return "IN (SELECT value FROM json_each(?))"

    def rows(self, columns: Sequence[Column], alias: str) -> str:
        if len(columns) == 1:
            values = f"value AS {columns[0].name}"
        else:
            values = ", ".join(f"value ->> {place} AS {column.name}" for place, column in enumerate(columns))
        return f"(SELECT {values} FROM json_each(?)) AS {alias}"

    def members(self, column: str, alias: str) -> str:
        return (
            "(SELECT key AS name,"
            " CASE type WHEN 'text' THEN value WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' END AS text,"
            " CASE WHEN type IN ('integer', 'real') THEN CAST(value AS REAL) END AS number"
            f" FROM json_each({column})) AS {alias}"
        )

    def answer(self, columns: str) -> str:
        return f"json_array({columns})"

    def skip_locked(self) -> str:
        return ""
