"""What is read of the schema's steps is what the databases have."""

from pathlib import Path

import pytest

from server.store.postgres.engine import connect
from server.store.sqlite import open_sqlite
from server.store.tables import tables
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio

WIDTHS = {"bigint": "BIGINT", "integer": "BIGINT", "smallint": "BIGINT", "text": "TEXT", "json": "JSON"}


async def test_sqlite_has_these_tables_and_columns(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "leadtrail.db")
    found = await store._engine.fetch(
        "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    )
    await store.close()
    assert {(table.name, column) for table in tables().values() for column in table.columns} == set(found)


async def test_postgresql_has_these_tables_and_columns_of_these_types(postgres: Postgres) -> None:
    connection = await connect(postgres.url("leadtrail_template"))
    found = await connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name NOT LIKE 'events\\_%' AND table_name <> 'schema_steps'"
    )
    await connection.close()
    assert {
        (table.name, column, of) for table in tables().values() for column, of in table.columns.items()
    } == {(name, column, WIDTHS[of]) for name, column, of in found}


def test_every_table_has_a_key_of_its_own_columns() -> None:
    for table in tables().values():
        assert table.key
        assert set(table.key) <= table.columns.keys()
