"""What was acknowledged is there: after kill -9 under load, and in the order of the system calls."""

import asyncio
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from tests.server_process import ServerProcess, server_process

pytestmark = [pytest.mark.live, pytest.mark.anyio]

ROUNDS = 10
SENDERS = 8


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


async def send_until_it_dies(base: str, acknowledged: list[str], unanswered: list[str], enough: asyncio.Event) -> None:
    """One browser: a page view after the other; what was not answered is sent again in the next round."""
    async with httpx2.AsyncClient(base_url=base, timeout=5) as client:
        while True:
            ids = [unanswered.pop()] if unanswered else [uuid7() for _ in range(3)]
            events = [{"id": i, "name": "page_view", "url": "https://www.example.com/a"} for i in ids]
            try:
                answer = await client.post("/e", json={"site": "main", "events": events})
            except httpx2.TransportError:
                unanswered.extend(ids)
                return
            assert answer.status_code == 200, answer.text
            assert "rejected" not in answer.json()
            acknowledged.extend(ids)
            if len(acknowledged) >= 60:
                enough.set()


async def kill_under_load(server: ServerProcess, acknowledged: list[str], unanswered: list[str]) -> None:
    round_acknowledged: list[str] = []
    enough = asyncio.Event()
    senders = [
        asyncio.create_task(send_until_it_dies(server.base, round_acknowledged, unanswered, enough))
        for _ in range(SENDERS)
    ]
    await asyncio.wait_for(enough.wait(), 20)
    server.process.kill()
    await asyncio.gather(*senders)
    server.process.wait(10)
    acknowledged.extend(round_acknowledged)


async def test_kill_9_under_load_ten_times_loses_nothing_that_was_acknowledged_and_stores_nothing_twice(
    tmp_path: Path,
) -> None:
    acknowledged: list[str] = []
    unanswered: list[str] = []
    for _ in range(ROUNDS):
        with server_process(tmp_path) as server:
            await kill_under_load(server, acknowledged, unanswered)
    stored = stored_ids(tmp_path)
    assert len(acknowledged) >= ROUNDS * 60
    assert set(acknowledged) <= set(stored)
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


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_every_answer_comes_after_the_sync_of_its_commit(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with server_process(tmp_path) as server:
        tracer = subprocess.Popen(
            ["strace", "-f", "-e", "trace=fdatasync,fsync,write,sendto,writev", "-o", str(trace), "-p", str(server.process.pid)],
            stderr=subprocess.PIPE,
        )
        assert tracer.stderr is not None
        if b"attached" not in tracer.stderr.readline():
            tracer.wait()
            pytest.skip("processes may not be traced here")
        for _ in range(50):
            events = [{"id": uuid7(), "name": "page_view", "url": "https://www.example.com/a"}]
            assert httpx2.post(f"{server.base}/e", json={"site": "main", "events": events}).status_code == 200
        server.stop()
        tracer.wait(10)
        tracer.stderr.close()
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
    with server_process(tmp_path) as server:
        acknowledged: list[str] = []
        unanswered: list[str] = []
        enough = asyncio.Event()
        senders = [
            asyncio.create_task(send_until_it_dies(server.base, acknowledged, unanswered, enough)) for _ in range(SENDERS)
        ]
        await asyncio.wait_for(enough.wait(), 20)
        os.kill(server.process.pid, 15)
        await asyncio.gather(*senders)
        assert server.process.wait(10) == 0
        assert "confirmed is on disk" in server.read_until("Stopped")
    assert set(acknowledged) <= set(stored_ids(tmp_path))
