"""What is done every hour: old events go, totals stay. On every engine."""

from pathlib import Path

import pytest
import structlog

from server.clock import DAY, HOUR
from server.errors import StoreUnavailable
from server.rules.reload import Live
from server.store.base import Store
from server.upkeep import Upkeep
from tests.story import NOON, Story

pytestmark = pytest.mark.anyio


def upkeep(store: Store, folder: Path, now: int, retention: str = "") -> Upkeep:
    file = folder / "leadtrail.yaml"
    file.write_text(f"sites: [{{key: main}}]\n{retention}\n")
    return Upkeep(store, Live(file), lambda: now)


async def told(store: Store) -> Story:
    story = Story().viewed("/a", 0, id="old").viewed("/b", DAY, id="young")
    async with store.transaction() as transaction:
        await transaction.save(story.changes())
    return story


async def ids(store: Store) -> list[str]:
    return [moment.id for moment in (await store.reads.trail(1, limit=9)).moments]


async def test_events_are_kept_for_ninety_days_and_their_totals_for_ever(
    store: Store, tmp_path: Path
) -> None:
    story = await told(store)
    await upkeep(store, tmp_path, NOON + 90 * DAY).once()
    assert await ids(store) == ["young", "old"]
    await upkeep(store, tmp_path, NOON + 90 * DAY + HOUR).once()
    assert await ids(store) == ["young"]
    await upkeep(store, tmp_path, NOON + 92 * DAY).once()
    assert await ids(store) == []
    assert await store.reads.all_totals(1) == story.totals
    assert await store.reads.person(1) == story.person


async def test_the_file_says_how_long(store: Store, tmp_path: Path) -> None:
    await told(store)
    await upkeep(store, tmp_path, NOON + 4_000 * DAY, "retention: forever").once()
    assert await ids(store) == ["young", "old"]
    await upkeep(store, tmp_path, NOON + 8 * DAY, "retention: 7 days").once()
    assert await ids(store) == ["young"]


async def test_what_the_database_refuses_is_told_and_the_rest_is_done(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(store)

    async def refuse(now: int) -> None:
        raise StoreUnavailable("permission denied")

    monkeypatch.setattr(store, "make_room", refuse)
    with structlog.testing.capture_logs() as logs:
        await upkeep(store, tmp_path, NOON + 92 * DAY).once()
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["no_room_made"]
    assert await ids(store) == []
