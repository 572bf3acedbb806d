"""Every table has its place on Citus, and no statement does what Citus refuses (docs/scaling.md)."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import server.store
from server.errors import StoreError
from server.store.postgres.distribution import PLACES, distribute, lines, objections
from server.store.schema import STEPS, statements
from server.store.statement import Statement
from server.store.tables import tables
from tests.postgres import TEMPLATE, Postgres


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(server.store.__path__, "server.store."):
        yield importlib.import_module(found.name)


STATEMENTS = {
    statement.sql: statement
    for module in modules()
    for statement in vars(module).values()
    if isinstance(statement, Statement)
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=lambda statement: statement.name)
def test_citus_takes_every_statement(statement: Statement[object]) -> None:
    assert objections(statement.sql) == []


def test_the_statements_are_found() -> None:
    assert {"save events", "claim", "read person", "claim deliveries"} <= {
        s.name for s in STATEMENTS.values()
    }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.stem)
def test_citus_takes_every_step_of_the_schema(step: object) -> None:
    for statement in statements(step.read_text(), {}):  # type: ignore[attr-defined]
        assert objections(statement) == []


def test_whatever_is_unique_holds_the_column_that_says_where_it_lies() -> None:
    keys = [(table.name, tuple(table.key)) for table in tables().values()]
    for step in STEPS:
        for name, columns in re.findall(r"CREATE UNIQUE INDEX \w+ ON (\w+) \((.+)\)", step.read_text()):
            keys.append((name, tuple(columns.split(", "))))
    for name, key in keys:
        if name in PLACES:
            assert PLACES[name].column in key, name


def test_every_table_of_a_person_lies_with_the_person() -> None:
    apart = {"identities", "outbox"}
    for table in tables().values():
        if "person_id" in table.columns and table.name not in apart:
            assert PLACES[table.name].column == "person_id", table.name


def test_each_table_is_distributed_once_after_the_one_beside_which_it_lies() -> None:
    order = [line.table for line in lines()]
    assert sorted(order) == sorted([*tables(), "schema_steps"])
    for name, place in PLACES.items():
        assert order.index(place.beside) <= order.index(name)
    sql = {line.table: line.sql for line in lines(64)}
    assert sql["people"] == (
        "SELECT create_distributed_table('people', 'person_id', shard_count => 64, colocate_with => 'none')"
    )
    assert (
        sql["events"] == "SELECT create_distributed_table('events', 'person_id', colocate_with => 'people')"
    )
    assert sql["tags"] == "SELECT create_reference_table('tags')"


@pytest.mark.parametrize(
    ("sql", "objection"),
    [
        ("UPDATE people SET seen = now() WHERE person_id = ?", "times are parameters"),
        ("SELECT {e.id} FROM events AS e JOIN identities AS i ON i.person_id = e.person_id", "lie apart"),
        ("UPDATE events SET site = ?, person_id = ? WHERE person_id = ?", "cannot be updated"),
        ("SELECT {person_id} FROM people WHERE person_id IN LIST (BIGINT) FOR UPDATE", "Writing.hold"),
        ("CREATE TABLE x (id BIGINT REFERENCES people)", "refuses"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT {1} FROM a", "refuses"),
    ],
)
def test_what_citus_refuses_is_noticed(sql: str, objection: str) -> None:
    assert any(objection in found for found in objections(sql))


@pytest.mark.anyio
async def test_plain_postgresql_is_not_distributed_but_said_to_be_plain(postgres: Postgres) -> None:
    with pytest.raises(StoreError, match="has no Citus"):
        await distribute(postgres.url(TEMPLATE))
