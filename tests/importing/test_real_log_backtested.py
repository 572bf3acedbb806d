"""Three rules tried out on the log of a real server; each answer is worked out again from the raw lines."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from server.importing.identity import Digests
from server.insight.backtest import backtest
from server.rules.load import load
from server.store.engines import open_store
from tests.importing.real_log import LOG, SECRET, Count, Who, read_count, run

pytestmark = pytest.mark.anyio

DAY = 86_400

RULES = """
sites: [{key: main, origins: [https://www.example.com]}]
messages:
  - id: four-views
    when: {page: /projects/xdotool}
    if: [{viewed: /projects/xdotool, times: more than 3}]
    deliver: {page: {title: Still reading?}}
  - id: busy-day
    if: [{viewed: "/blog/*", in: 1 day, times: at least 3}]
    deliver: {page: {title: A lot of blog}}
  - id: back-again
    if: [{last_seen: more than 1 day ago}]
    deliver: {page: {title: Welcome back}}
"""

Views = list[tuple[int, str]]


def four_views(views: Views) -> int | None:
    """When the page was viewed for the fourth time."""
    times = [at for at, page in views if page == "/projects/xdotool"]
    return times[3] if len(times) > 3 else None


def busy_day(views: Views) -> int | None:
    """At the first view, of any page, with three of the blog in the 24 hours before it, itself included."""
    blog = [at for at, page in views if page.startswith("/blog/")]
    for at, _ in views:
        if sum(at - DAY <= each <= at for each in blog if each <= at) >= 3:
            return at
    return None


def back_again(views: Views) -> int | None:
    """At the first view of a visit that begins more than a day after the one before ended, or later in it."""
    before = None
    for (earlier, _), (later, _) in pairwise(views):
        if later - earlier > 30 * 60:
            before = earlier
        if before is not None and before < later - DAY:
            return later
    return None


BY_HAND: dict[str, Callable[[Views], int | None]] = {
    "four-views": four_views,
    "busy-day": busy_day,
    "back-again": back_again,
}


@pytest.fixture(scope="module")
def count() -> Count:
    if not LOG.exists():
        pytest.skip(f"{LOG} is not there")
    return read_count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, count: Count) -> Path:
    folder = tmp_path_factory.mktemp("backtested")
    (folder / "leadtrail.yaml").write_text(RULES)
    assert run(folder).exit_code == 0
    return folder


@pytest.mark.parametrize("rule_id", BY_HAND)
async def test_whom_a_rule_would_have_reached_and_when(folder: Path, count: Count, rule_id: str) -> None:
    digests = Digests(SECRET, "main")
    wanted = {
        digests.visitor(*who): at
        for who, views in count.views.items()
        if (at := BY_HAND[rule_id](views)) is not None
    }
    last = max(at for views in count.views.values() for at, _ in views)
    rule = load(RULES, "leadtrail.yaml").rules.get(rule_id)
    assert rule is not None
    store = await open_store(f"sqlite:///{folder / 'data' / 'leadtrail.db'}")
    found = {}
    try:
        async for step in backtest(store.rulings, rule, days=30, now=last * 1_000):
            found |= {
                tested.person.visitor: tested.matches[0].at // 1_000 for tested in step if tested.matches
            }
    finally:
        await store.close()
    assert found == wanted
    assert len(found) >= 3


async def test_only_the_days_that_are_asked_for_count(folder: Path, count: Count) -> None:
    """Of the last day, somebody's first match may be a later view than of all days."""
    digests = Digests(SECRET, "main")
    last = max(at for views in count.views.values() for at, _ in views)
    wanted: dict[str, int] = {}
    who: Who
    for who, views in count.views.items():
        seen = [at for at, page in views if page == "/projects/xdotool"]
        late = [at for at in seen[3:] if at >= last - DAY]
        if late:
            wanted[digests.visitor(*who)] = late[0]
    rule = load(RULES, "leadtrail.yaml").rules.get("four-views")
    assert rule is not None
    store = await open_store(f"sqlite:///{folder / 'data' / 'leadtrail.db'}")
    found = {}
    try:
        async for step in backtest(store.rulings, rule, days=1, now=last * 1_000):
            found |= {
                tested.person.visitor: tested.matches[0].at // 1_000 for tested in step if tested.matches
            }
    finally:
        await store.close()
    assert found == wanted
