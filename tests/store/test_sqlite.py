"""What is SQLite's own: one server a file, damage, versions, durability settings."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from server.errors import StoreDamaged, StoreInUse, StoreTooNew
from server.model import Kind, Total
from server.people.state import begin
from server.store import ingest
from server.store.base import Changes
from server.store.schema import STEPS
from server.store.sqlite import cache, may_lose_pages, open_sqlite, path_of
from server.store.sqlite.dialect import SqliteDialect
from server.store.sqlite.engine import open_engine
from server.store.statement import Statement, render

pytestmark = pytest.mark.anyio


async def test_a_second_server_on_the_file_is_refused(tmp_path: Path) -> None:
    first = await open_sqlite(tmp_path / "leadtrail.db")
    with pytest.raises(StoreInUse, match="in use by another leadtrail"):
        await open_sqlite(tmp_path / "leadtrail.db")
    await first.close()
    await (await open_sqlite(tmp_path / "leadtrail.db")).close()


async def test_commits_are_synced_and_only_one_connection_writes_and_checkpoints(tmp_path: Path) -> None:
    engine = await open_engine(tmp_path / "leadtrail.db")
    async with engine.transaction() as writer:
        [(synchronous,)] = await writer.execute("PRAGMA synchronous")
        [(journal,)] = await writer.execute("PRAGMA journal_mode")
        [(pages,)] = await writer.execute("PRAGMA wal_autocheckpoint")
        assert (synchronous, journal) == (2, "wal")
        assert pages > 0
    assert await engine.fetch("PRAGMA wal_autocheckpoint") == [(0,)]
    assert await engine.fetch("PRAGMA query_only") == [(1,)]
    await engine.close()


@pytest.mark.parametrize(
    "statement",
    [value for value in vars(ingest).values() if isinstance(value, Statement)],
    ids=lambda statement: statement.name,
)
async def test_what_every_event_asks_is_found_by_an_index(tmp_path: Path, statement: Statement[Any]) -> None:
    """The planner of SQLite could also begin a join at the table, and read all of it."""
    rendered = render(statement.sql, SqliteDialect())
    store = await open_sqlite(tmp_path / "leadtrail.db")
    plan = await store._engine.fetch(f"EXPLAIN QUERY PLAN {rendered.sql}", [None] * len(rendered.parameters))
    await store.close()
    # What a statement itself has gathered may be read from end to end.
    gathered = ("json_each", "subquery", "newest")
    scans = [step for *_, step in plan if step.startswith("SCAN")]
    assert [step for step in scans if not any(name in step for name in gathered)] == []


async def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "leadtrail.db")
    assert (tmp_path / "leadtrail.db").stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_a_newer_database_refuses_this_program(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.db"
    await (await open_sqlite(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(StoreTooNew, match="newer Leadtrail"):
        await open_sqlite(path)


async def test_opening_again_migrates_nothing_and_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.db"
    for _ in range(2):
        store = await open_sqlite(path)
        await store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    connection.close()


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough to be one" * 20, b"short"])
async def test_a_damaged_file_stops_the_start_and_names_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leadtrail.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="from a backup"):
        await open_sqlite(path)
    assert path.read_bytes() == content


async def test_nothing_new_is_begun_beside_the_log_of_a_lost_database(tmp_path: Path) -> None:
    (tmp_path / "leadtrail.db-wal").write_bytes(b"x" * 4096)
    with pytest.raises(StoreDamaged, match="is missing although its log"):
        await open_sqlite(tmp_path / "leadtrail.db")
    assert not (tmp_path / "leadtrail.db").exists()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 0), False),
        ((3, 40, 1), True),
        ((3, 44, 6), False),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_known(version: tuple[int, ...], affected: bool) -> None:
    assert may_lose_pages(version) == affected


def test_a_url_names_a_relative_or_an_absolute_file() -> None:
    assert path_of("sqlite:///data/x.db") == Path("data/x.db")
    assert path_of("sqlite:////var/x.db") == Path("/var/x.db")
    with pytest.raises(ValueError, match="sqlite:///"):
        path_of("sqlite://x.db")


async def test_what_is_only_read_is_forgotten_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idents = {f"main/visitor/{number}": number for number in range(1, 31)}
    store = await open_sqlite(tmp_path / "leadtrail.db")
    async with store.transaction() as transaction:
        people = [begin(number, "main", str(number), 1_000) for number in idents.values()]
        await transaction.save(Changes(identities=idents, people=people))
    await store.close()
    monkeypatch.setattr(cache, "MAX_PEOPLE", 10)
    again = await open_sqlite(tmp_path / "leadtrail.db")
    for ident, number in idents.items():
        async with again.transaction() as transaction:
            assert await transaction.resolve([ident]) == {ident: number}
            assert (await transaction.people([number]))[number].visitor == str(number)
    assert 0 < len(again._cache.idents) <= 10
    assert 0 < len(again._cache.people) <= 10
    await again.close()


async def test_totals_over_the_limit_are_forgotten_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_TOTALS", 30)
    store = await open_sqlite(tmp_path / "leadtrail.db")
    pages = {(Kind.page, f"/{number}"): Total(number, 1_000, 1_000) for number in range(1, 5)}
    people = [begin(number, "main", str(number), 1_000) for number in range(1, 21)]
    for expected in ({}, pages):
        for person in people:
            async with store.transaction() as transaction:
                found = await transaction.totals({person.person_id: pages})
                assert found == {person.person_id: expected}
                totals = {(person.person_id, *key): total for key, total in pages.items()}
                await transaction.save(Changes(people=[person], totals=totals))
            assert sum(map(len, store._cache.totals.values())) <= 30
    await store.close()
