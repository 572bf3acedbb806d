"""What is PostgreSQL's own: many servers at once, migrations, and a database that goes away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from server.errors import StoreError, StoreInterrupted, StoreTooNew, StoreUnavailable
from server.model import Kind, Total
from server.people.state import begin
from server.store.base import Changes
from server.store.postgres import PostgresStore, migrate, open_postgres
from server.store.postgres.engine import connect
from server.store.schema import STEPS
from tests.postgres import TEMPLATE, Postgres, postgres_server

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as new:
        yield new


@pytest.fixture
async def servers(url: str) -> AsyncIterator[list[PostgresStore]]:
    """The stores of two servers on one database."""
    stores = [await open_postgres(url, url) for _ in range(2)]
    yield stores
    for store in stores:
        await store.close()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that a test may stop."""
    with postgres_server() as server:
        yield server


async def version_of(url: str) -> int:
    connection = await connect(url)
    number: int = await connection.fetchval("SELECT max(number) FROM schema_steps")
    await connection.close()
    return number


async def test_two_servers_that_see_a_visitor_first_at_once_get_one_person(
    servers: list[PostgresStore],
) -> None:
    both = asyncio.Barrier(2)

    async def come(store: PostgresStore, person_id: int) -> int:
        async with store.transaction() as transaction:
            assert await transaction.resolve(["main/visitor/ada"]) == {}
            await both.wait()
            claimed = await transaction.claim({"main/visitor/ada": person_id, "main/visitor/bob": 7})
            return claimed["main/visitor/ada"]

    first, second = await asyncio.gather(*(come(store, n) for n, store in enumerate(servers, start=1)))
    assert first == second


async def test_two_servers_count_together_without_losing_any(servers: list[PostgresStore]) -> None:
    page = (Kind.page, "/a")
    keys = [(person_id, *page) for person_id in (1, 2, 3)]
    async with servers[0].transaction() as transaction:
        people = [begin(person_id, "main", str(person_id), NOW) for person_id, *_ in keys]
        await transaction.save(Changes(people=people))

    async def view(number: int) -> None:
        async with servers[number % 2].transaction() as transaction:
            held = await transaction.people([3, 1, 2] if number % 3 else [1, 2, 3])
            totals = await transaction.totals({person_id: [page] for person_id in (1, 2, 3)})
            more = {
                (person_id, *page): Total(own[page].count + 1 if page in own else 1, NOW, NOW)
                for person_id, own in totals.items()
            }
            await transaction.save(Changes(people=held.values(), totals=more))

    await asyncio.gather(*(view(number) for number in range(40)))
    assert await servers[1].reads.totals(keys) == {key: Total(40, NOW, NOW) for key in keys}


async def test_what_is_asked_with_a_nul_is_found_by_nobody(servers: list[PostgresStore]) -> None:
    assert await servers[0].reads.person_of("main/visitor/\0") is None
    assert (await servers[0].reads.find_people(email_prefix="a\0", limit=1)).people == []


async def test_a_transaction_whose_connection_is_cut_is_interrupted_and_leaves_nothing(
    servers: list[PostgresStore],
) -> None:
    with pytest.raises(StoreInterrupted, match="the connection was lost"):
        async with servers[0].transaction() as transaction:
            await transaction.claim({"main/visitor/ada": 1})
            await servers[1]._engine.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )
            await transaction.claim({"main/visitor/bob": 2})
    assert await servers[0].reads.person_of("main/visitor/ada") is None


async def test_a_transaction_after_a_failed_statement_is_not_taken_for_committed(
    servers: list[PostgresStore],
) -> None:
    with pytest.raises(StoreError, match="had failed"):
        async with servers[0]._engine.transaction() as writing:
            with pytest.raises(StoreError):
                await writing.fetch("SELECT 1 / 0")
    assert await servers[0].check() is None


async def test_two_who_wait_for_each_other_are_told_apart(servers: list[PostgresStore]) -> None:
    async with servers[0].transaction() as transaction:
        await transaction.save(Changes(people=[begin(n, "main", str(n), NOW) for n in (1, 2)]))
    both = asyncio.Barrier(2)

    async def hold(store: PostgresStore, first: int, second: int) -> str:
        try:
            async with store.transaction() as transaction:
                await transaction.people([first])
                await both.wait()
                await transaction.people([second])
        except StoreInterrupted as error:
            return "interrupted" if "deadlock" in str(error) else str(error)
        return "done"

    ends = await asyncio.gather(hold(servers[0], 1, 2), hold(servers[1], 2, 1))
    assert sorted(ends) == ["done", "interrupted"]


async def test_a_database_that_goes_away_is_said_and_comes_back_by_itself(own_postgres: Postgres) -> None:
    url = own_postgres.url(TEMPLATE)
    store = await open_postgres(url, url)
    assert await store.check() is None
    own_postgres.stop(signal.SIGQUIT)
    reason = await store.check()
    assert reason is not None
    assert "PostgreSQL at 127.0.0.1" in reason
    with pytest.raises(StoreUnavailable):
        await store.reads.person(1)
    await asyncio.to_thread(own_postgres.start)
    assert await store.check() is None
    assert await store.reads.person(1) is None
    await store.close()


async def test_nobody_who_answers_and_no_such_database_are_readable_errors(postgres: Postgres) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await open_postgres("postgresql://leadtrail@127.0.0.1:1/x", "")
    with pytest.raises(StoreError, match="Check DATABASE_URL"):
        await open_postgres(postgres.url("nowhere"), "")


async def test_a_password_is_in_no_message(postgres: Postgres) -> None:
    url = postgres.url("nowhere").replace("leadtrail@", "leadtrail:hunter2hunter2@")
    with pytest.raises(StoreError) as caught:
        await open_postgres(url, url)
    assert "hunter2" not in str(caught.value)


async def test_commits_that_a_crash_would_lose_are_refused(url: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute("ALTER ROLE leadtrail SET synchronous_commit = off")
        with pytest.raises(StoreError, match="synchronous_commit off"):
            await open_postgres(url, url)
    finally:
        await connection.execute("ALTER ROLE leadtrail RESET synchronous_commit")
        await connection.close()


async def test_an_empty_database_is_begun(postgres: Postgres) -> None:
    url = postgres.url(await asyncio.to_thread(postgres.create))
    store = await open_postgres(url, url)
    assert await store.reads.find_people(limit=1) == ([], 0, False)
    await store.close()
    assert await version_of(url) == len(STEPS)


async def test_an_older_schema_is_not_served_but_migrated_first(url: str) -> None:
    connection = await connect(url)
    await connection.execute("DELETE FROM schema_steps WHERE number > 0")
    await connection.close()
    with pytest.raises(StoreError, match="run `leadtrail migrate` first"):
        await open_postgres(url, url)
    connection = await connect(url)
    for number, step in enumerate(STEPS, start=1):
        await connection.execute("INSERT INTO schema_steps VALUES ($1, $2, 0)", number, step.stem)
    await connection.close()


async def test_a_newer_schema_refuses_this_program(url: str) -> None:
    connection = await connect(url)
    await connection.execute(f"INSERT INTO schema_steps VALUES ({len(STEPS) + 1}, 'later', 0)")
    for use in (open_postgres(url, url), migrate(url)):
        with pytest.raises(StoreTooNew, match="newer Leadtrail"):
            await use
    await connection.execute(f"DELETE FROM schema_steps WHERE number > {len(STEPS)}")
    await connection.close()


async def test_servers_that_migrate_at_once_apply_each_step_once(postgres: Postgres) -> None:
    url = postgres.url(await asyncio.to_thread(postgres.create))
    applied = await asyncio.gather(*(migrate(url) for _ in range(4)))
    assert sum(applied) == len(STEPS)
    assert await version_of(url) == len(STEPS)


async def test_a_step_that_breaks_off_leaves_nothing_and_is_applied_when_repeated(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.url(await asyncio.to_thread(postgres.create))
    step = tmp_path / "0001_broken.sql"
    step.write_text("CREATE TABLE half (x BIGINT); SELECT 1 / 0;")
    with monkeypatch.context() as broken:
        broken.setattr("server.store.postgres.migration.STEPS", [step])
        with pytest.raises(StoreError, match="division by zero"):
            await migrate(url)
    connection = await connect(url)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    await connection.close()
    assert await migrate(url) == len(STEPS)
    assert await migrate(url) == 0


async def test_servers_need_no_right_to_change_the_schema(postgres: Postgres, url: str) -> None:
    async with postgres.role(url) as as_web:
        store = await open_postgres(as_web, url)
        async with store.transaction() as transaction:
            await transaction.claim({"main/visitor/ada": 1})
            await transaction.save(Changes(people=[begin(1, "main", "ada", NOW)]))
        assert (await store.reads.find_people(limit=1)).total == 1
        await store.close()
        refused = await connect(as_web)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await refused.execute("CREATE TABLE mine (x BIGINT)")
        await refused.close()
