"""Statements in portable form, as an engine reads them."""

from collections.abc import Sequence

from server.store.statement import Column, render


class Marked:
    """A dialect that shows what it was asked for."""

    def in_list(self, of_type: str) -> str:
        return f"<in {of_type}>"

    def rows(self, columns: Sequence[Column], alias: str) -> str:
        return f"<rows {', '.join(f'{column.name}:{column.type}' for column in columns)} as {alias}>"

    def answer(self, columns: str) -> str:
        return f"<{columns}>"

    def skip_locked(self) -> str:
        return "<skip>"


def test_a_statement_is_rendered_part_by_part_with_its_parameters_in_order() -> None:
    sql = (
        "SELECT {a.id, JSON(a.j)} FROM ROWS (id BIGINT, x DOUBLE PRECISION) AS asked"
        " JOIN a ON a.id = asked.id WHERE a.kind IN LIST (TEXT) AND a.at > ? FOR UPDATE SKIP LOCKED"
    )
    assert render(sql, Marked()) == (
        "SELECT <a.id, JSON(a.j)> FROM <rows id:BIGINT, x:DOUBLE PRECISION as asked>"
        " JOIN a ON a.id = asked.id WHERE a.kind <in TEXT> AND a.at > ? <skip>",
        [("BIGINT", "DOUBLE PRECISION"), ("TEXT",), ()],
    )
