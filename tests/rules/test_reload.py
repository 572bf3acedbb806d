"""The running configuration: replaced as a whole when its file changes, and never by a broken one."""

import asyncio
import itertools
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.errors import ConfigError
from server.rules import reload
from server.rules.reload import QUIET_SECONDS, Live

pytestmark = pytest.mark.anyio

GOOD = "sites: [{key: main}]\n"
BETTER = "sites: [{key: main}, {key: other}]\n"
BROKEN = "sites: [{key: main}, {kye: other}]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leadtrail.yaml"
    path.write_text(GOOD)
    return path


VERSIONS = itertools.count(1)


def write(path: Path, text: str) -> None:
    """Change the file, at a time of its own however coarse the file system's clock is."""
    path.write_text(text)
    os.utime(path, (0, next(VERSIONS)))


def sites(live: Live) -> list[str]:
    return list(live.current.sites)


def put_in_place(path: Path, text: str) -> None:
    """Another file of the same age under this name."""
    age = path.stat().st_mtime
    other = path.with_suffix(".new")
    other.write_text(text)
    os.utime(other, (0, age))
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


def link_to_secret(path: Path) -> None:
    secret = path.with_suffix(".secret")
    secret.write_text("root:$6$hash:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n")
    path.unlink()
    path.symlink_to(secret)


async def settle(live: Live, now: float) -> bool:
    """Look at the file, and again once it has been left alone."""
    await live.poll(now)
    return await live.poll(now + QUIET_SECONDS + 0.1)


async def test_a_broken_file_is_no_beginning(tmp_path: Path) -> None:
    write(tmp_path / "broken.yaml", BROKEN)
    with pytest.raises(ConfigError):
        Live(tmp_path / "broken.yaml")
    with pytest.raises(ConfigError):
        Live(tmp_path / "missing.yaml")


async def test_a_changed_file_is_taken_once_it_has_been_left_alone(file: Path) -> None:
    live = Live(file)
    write(file, BETTER)
    assert not await live.poll(100)
    assert not await live.poll(100 + QUIET_SECONDS - 0.1)
    assert sites(live) == ["main"]
    assert await live.poll(100 + QUIET_SECONDS + 0.1)
    assert sites(live) == ["main", "other"]
    assert not await live.poll(200)


async def test_a_change_is_live_within_3_seconds() -> None:
    assert reload.QUIET_SECONDS + 2 * reload.POLL_SECONDS < 3


async def test_a_file_that_is_still_being_written_is_left_alone(file: Path) -> None:
    live = Live(file)
    write(file, "sites: [{key: half}]\n")
    await live.poll(100)
    write(file, BETTER)
    assert not await live.poll(102)
    assert not await live.poll(102.5)
    assert await live.poll(102 + QUIET_SECONDS + 0.1)
    assert sites(live) == ["main", "other"]


async def test_a_broken_file_leaves_what_runs_and_is_told_once(file: Path) -> None:
    live = Live(file)
    before = live.current
    write(file, BROKEN)
    with capture_logs() as logs:
        await settle(live, 100)
        await settle(live, 200)
    assert live.current is before
    assert live.mistakes == [
        f"{file}:1:22: site 2: `key` is missing.",
        f"{file}:1:23: site 2: `kye` is no key here; did you mean `key`?",
    ]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("config_refused", "error")]


async def test_a_file_that_is_gone_leaves_what_runs(file: Path) -> None:
    live = Live(file)
    remove(file)
    await settle(live, 100)
    assert sites(live) == ["main"]
    assert "there is no such file" in live.mistakes[0]


async def test_a_mended_file_is_taken_and_the_mistakes_are_forgotten(file: Path) -> None:
    live = Live(file)
    write(file, BROKEN)
    await settle(live, 100)
    write(file, BETTER)
    await settle(live, 200)
    assert (sites(live), live.mistakes) == (["main", "other"], [])


async def test_another_file_in_its_place_is_noticed(file: Path) -> None:
    live = Live(file)
    put_in_place(file, "sites: [{key: mine}]\n")
    await settle(live, 100)
    assert sites(live) == ["mine"]


async def test_a_link_to_something_else_is_refused_without_telling_what_it_holds(file: Path) -> None:
    live = Live(file)
    link_to_secret(file)
    await settle(live, 100)
    assert sites(live) == ["main"]
    assert live.mistakes
    assert not any("$6$" in mistake or "daemon" in mistake for mistake in live.mistakes)


async def test_reload_reads_the_file_at_once(file: Path) -> None:
    live = Live(file)
    write(file, BETTER)
    live.reload()
    assert sites(live) == ["main", "other"]
    assert not await settle(live, 100)
    write(file, BROKEN)
    live.reload()
    assert (sites(live), len(live.mistakes)) == (["main", "other"], 2)


async def test_watching_reloads_by_itself(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "POLL_SECONDS", 0)
    monkeypatch.setattr(reload, "QUIET_SECONDS", 0)
    live = Live(file)
    taken = asyncio.Event()
    take = live._take
    monkeypatch.setattr(live, "_take", lambda config: (take(config), taken.set()))
    watcher = asyncio.create_task(live.watch())
    write(file, BETTER)
    await asyncio.wait_for(taken.wait(), 10)
    watcher.cancel()
    assert sites(live) == ["main", "other"]
