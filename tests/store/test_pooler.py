"""PgBouncer in transaction mode between the servers and PostgreSQL: no session is theirs for long."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from server.model import Kind, Total
from server.people.state import begin
from server.store.base import Changes, Store
from server.store.engines import open_store
from tests.postgres import START_SECONDS, Postgres, unprivileged

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000

SESSIONS = 3
"""Of PostgreSQL, for all of PgBouncer's clients."""


@pytest.fixture(scope="module")
def pooler(postgres: Postgres) -> Iterator[int]:
    """The port of a PgBouncer in front of the tests' PostgreSQL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no PgBouncer: run scripts/install-tools pgbouncer"
    with tempfile.TemporaryDirectory(prefix="leadtrail-pgbouncer-") as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        file = folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={postgres.port} user=leadtrail\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {SESSIONS}\n"
        )
        user = unprivileged()
        as_user = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        if user:
            os.chown(folder, *user)
        process = subprocess.Popen([program, "-q", file], stderr=subprocess.DEVNULL, **as_user)
        try:
            wait_for(process, port)
            yield port
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not listen")


@pytest.fixture
async def stores(postgres: Postgres, pooler: int) -> AsyncIterator[list[Store]]:
    """Of three servers, whose connections are more than the pooler has."""
    name = await asyncio.to_thread(postgres.create, "leadtrail_template")
    url = f"postgresql://leadtrail@127.0.0.1:{pooler}/{name}"
    opened = [await open_store(url) for _ in range(3)]
    yield opened
    for store in opened:
        await store.close()
    await asyncio.to_thread(postgres.drop, name)


async def test_the_pooler_is_noticed(stores: list[Store]) -> None:
    assert "through a pooler" in stores[0].describe()[0]
    assert await stores[0].check() is None


async def test_many_servers_write_and_read_through_few_sessions(stores: list[Store]) -> None:
    key = (1, Kind.page, "/a")
    ada = begin(1, "main", "ada", NOW)
    async with stores[0].transaction() as transaction:
        await transaction.save(Changes(people=[ada], identities={"main/visitor/ada": 1}))

    async def view(number: int) -> None:
        store = stores[number % len(stores)]
        assert await store.reads.person_of("main/visitor/ada") == 1
        async with store.transaction() as transaction:
            assert await transaction.claim({"main/visitor/ada": number + 2}) == {"main/visitor/ada": 1}
            [held] = (await transaction.people([1])).values()
            found = (await transaction.totals({1: [key[1:]]})).get(1, {})
            count = found[key[1:]].count if found else 0
            await transaction.save(Changes(people=[held], totals={key: Total(count + 1, NOW, NOW)}))

    await asyncio.gather(*(view(number) for number in range(60)))
    assert await stores[1].reads.totals([key]) == {key: Total(60, NOW, NOW)}
    assert await stores[2].reads.person(1) == ada
