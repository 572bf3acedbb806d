"""What was acknowledged is there: after kill -9 under load, and in the order of the system calls."""

import asyncio
import os
import re
import secrets
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests.server_process import ServerProcess, server_process

pytestmark = [pytest.mark.live, pytest.mark.anyio]

ROUNDS = 10
BROWSERS = 8


def uuid7() -> str:
    at = f"{time.time_ns() // 1_000_000:012x}"
    rest = secrets.token_hex(8)
    return f"{at[:8]}-{at[8:]}-7{rest[:3]}-9{rest[3:6]}-{secrets.token_hex(6)}"


def stored_ids(folder: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{folder / 'data' / 'leadtrail.db'}?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        return [event_id for (event_id,) in connection.execute("SELECT id FROM events")]
    finally:
        connection.close()


def counted(folder: Path) -> int:
    connection = sqlite3.connect(f"file:{folder / 'data' / 'leadtrail.db'}?mode=ro", uri=True)
    try:
        [(total,)] = connection.execute("SELECT sum(count) FROM totals WHERE kind = 1")
        return int(total or 0)
    finally:
        connection.close()


class Browser:
    """Sends page views, batch after batch; what was not answered is sent again, as the snippet does."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.unanswered: list[str] = []
        self.acknowledged: list[str] = []

    async def send_until_it_dies(self, base: str, one_more: Callable[[], None]) -> None:
        async with httpx2.AsyncClient(base_url=base, timeout=5) as client:
            while True:
                self.unanswered = self.unanswered or [uuid7() for _ in range(3)]
                events = [
                    {"id": event_id, "name": "page_view", "url": "https://www.example.com/a"}
                    for event_id in self.unanswered
                ]
                client.cookies.clear()
                try:
                    answer = await client.post(
                        "/e", json={"site": "main", "visitor": self.token, "events": events}
                    )
                except httpx2.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                assert "rejected" not in answer.json()
                self.token = answer.json()["visitor"]
                self.acknowledged += self.unanswered
                self.unanswered = []
                one_more()


@asynccontextmanager
async def load(browsers: list[Browser], server: ServerProcess) -> AsyncIterator[None]:
    """The context is entered once 20 batches were answered, and left when every browser has lost the
    server.
    """
    answers = 0
    enough = asyncio.Event()

    def one_more() -> None:
        nonlocal answers
        answers += 1
        if answers >= 20:
            enough.set()

    sending = [asyncio.create_task(browser.send_until_it_dies(server.base, one_more)) for browser in browsers]
    await asyncio.wait_for(enough.wait(), 20)
    yield
    await asyncio.gather(*sending)


async def test_kill_9_under_load_ten_times_loses_nothing_that_was_acknowledged_and_stores_nothing_twice(
    tmp_path: Path,
) -> None:
    browsers = [Browser() for _ in range(BROWSERS)]
    for _ in range(ROUNDS):
        with server_process(tmp_path) as server:
            async with load(browsers, server):
                server.process.kill()
    acknowledged = {event_id for browser in browsers for event_id in browser.acknowledged}
    stored = stored_ids(tmp_path)
    assert len(acknowledged) >= ROUNDS * 60
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert counted(tmp_path) == len(stored)


async def test_a_repeat_after_a_restart_counts_once_and_gets_the_same_answer(tmp_path: Path) -> None:
    ids = [uuid7() for _ in range(4)]
    events = [{"id": i, "name": "page_view", "url": "https://www.example.com/pricing"} for i in ids]
    with server_process(tmp_path) as server:
        first = httpx2.post(f"{server.base}/e", json={"site": "main", "events": events}).json()
        server.kill()
    with server_process(tmp_path) as server:
        again = httpx2.post(f"{server.base}/e", json={"site": "main", "events": events}).json()
    assert [message["id"] for message in first["messages"]] == ["pricing-help"]
    assert again == first
    assert sorted(stored_ids(tmp_path)) == sorted(ids)


async def test_every_answer_comes_after_the_sync_of_its_commit(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tracer = ("strace", "-f", "-e", "trace=fdatasync,fsync,write,sendto,writev", "-o", str(trace))
    with server_process(tmp_path, under=tracer) as server:
        for _ in range(50):
            events = [{"id": uuid7(), "name": "page_view", "url": "https://www.example.com/a"}]
            assert httpx2.post(f"{server.base}/e", json={"site": "main", "events": events}).status_code == 200
        # strace keeps signals to itself; the lock names the server's own process.
        os.kill(int((tmp_path / "data" / "leadtrail.db.lock").read_text()), signal.SIGTERM)
        server.process.wait(10)
    calls = re.findall(r"(fdatasync|fsync|HTTP/1\.1 200)", trace.read_text(errors="replace"))
    answers = synced = 0
    for call in calls:
        if call == "HTTP/1.1 200":
            answers += 1
            assert synced, f"answer {answers} came without a sync before it"
            synced = 0
        else:
            synced += 1
    assert answers == 50


async def test_sigterm_answers_what_is_in_flight_and_ends_with_zero(tmp_path: Path) -> None:
    browsers = [Browser() for _ in range(BROWSERS)]
    with server_process(tmp_path) as server:
        async with load(browsers, server):
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert "confirmed is on disk" in server.read_until("Stopped")
    acknowledged = {event_id for browser in browsers for event_id in browser.acknowledged}
    assert acknowledged <= set(stored_ids(tmp_path))
