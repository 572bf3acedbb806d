"""Servers that share a store notice where they differ. On every engine."""

import asyncio
import shutil
from pathlib import Path

import pytest
import structlog

from server.fleet import GONE_AFTER, Fleet
from server.metrics import Metrics
from server.rules.reload import Live
from server.store.base import Store

pytestmark = pytest.mark.anyio

KEYS = ("an old signing key", "the new signing key")


class Server:
    """One server's part in it, with a clock that the test sets."""

    def __init__(self, store: Store, file: Path, keys: tuple[str, ...] = KEYS) -> None:
        self.now = 1_790_000_000_000
        self.live = Live(file)
        self.metrics = Metrics()
        self.fleet = Fleet(store, self.live, lambda: self.now, self.metrics, keys)

    def differs(self, what: str) -> float | None:
        return self.metrics.registry.get_sample_value("leadtrail_servers_differ", {"what": what})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leadtrail.yaml"
    path.write_text("sites: [{key: main}]")
    path.with_name("other.yaml").write_text("sites: [{key: main}, {key: shop}]")
    path.with_name("broken.yaml").write_text("sites: [")
    return path


async def test_servers_with_the_same_rules_and_keys_say_nothing(store: Store, file: Path) -> None:
    copy = file.with_name("copy.yaml")
    shutil.copy(file, copy)
    one, two = Server(store, file), Server(store, copy)
    for server in (one, two, one):
        await server.fleet.report()
    assert one.fleet.differences == two.fleet.differences == {}
    assert one.metrics.registry.get_sample_value("leadtrail_servers") == 2


async def test_other_rules_are_told_once_until_the_files_are_the_same(store: Store, file: Path) -> None:
    other = file.with_name("other.yaml")
    one, two = Server(store, file), Server(store, other)
    with structlog.testing.capture_logs() as logs:
        for server in (one, two, one, two, one, two):
            await server.fleet.report()
    assert [(log["event"], log["what"]) for log in logs] == [("servers_differ", "rules")] * 2
    assert (one.differs("rules"), one.differs("keys")) == (1, 0)
    shutil.copy(other, file)
    one.live.reload()
    for server in (one, two):
        await server.fleet.report()
    assert (one.fleet.differences, two.differs("rules")) == ({}, 0)


async def test_a_broken_file_is_not_what_runs(store: Store, file: Path) -> None:
    copy, broken = file.with_name("copy.yaml"), file.with_name("broken.yaml")
    shutil.copy(file, copy)
    one, two = Server(store, file), Server(store, copy)
    shutil.copy(broken, file)
    one.live.reload()
    for server in (two, one):
        await server.fleet.report()
    assert one.live.mistakes
    assert one.fleet.differences == {}


async def test_other_keys_are_told_without_showing_them(store: Store, file: Path) -> None:
    one, two = Server(store, file), Server(store, file, keys=KEYS[:1])
    with structlog.testing.capture_logs() as logs:
        for server in (one, two):
            await server.fleet.report()
    [told] = logs
    assert (told["what"], "LEADTRAIL_SECRET_KEYS" in told["remedy"]) == ("keys", True)
    kept = str(await store.fleet.running(0))
    assert not any(key in kept for key in KEYS)


async def test_a_server_that_is_gone_is_not_compared_with(store: Store, file: Path) -> None:
    one, two = Server(store, file), Server(store, file, keys=KEYS[:1])
    await two.fleet.report()
    one.now += GONE_AFTER + 1
    await one.fleet.report()
    assert one.fleet.differences == {}


async def test_a_server_that_stops_leaves(store: Store, file: Path) -> None:
    one = Server(store, file)
    running = asyncio.create_task(one.fleet.run())
    while not await store.fleet.running(0):
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await store.fleet.running(0) == []
