"""`leadtrail explain`, `backtest` and `check` as somebody at a terminal meets them, beside stored people."""

import asyncio
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from server.clock import HOUR, MINUTE
from server.ids import public_id
from server.store.engines import open_store
from tests.story import NOON, Story

CONFIG = """sites: [{key: main, timezone: Europe/Lisbon}]
segments: {keen: {if: [{viewed: /pricing}]}}
messages:
  - id: pricing-help
    to: [visitors, leads]
    when: {page: /pricing*}
    if: [{viewed: /pricing, times: more than 3}, {segment: keen}]
    unless: [{did: purchase}]
    goal: {did: signed_up, within: 1 day}
    deliver: {page: {title: Hello}}
"""


@pytest.fixture(autouse=True)
def collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three people: one with three views, one with four and a sign-up, one with five."""
    (tmp_path / "leadtrail.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADTRAIL_CONFIG", "leadtrail.yaml")
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))
    for name in ("server.cli.explain", "server.cli.backtest", "server.cli.check"):
        monkeypatch.setattr(sys.modules[name], "system_clock", lambda: NOON + HOUR)
    asyncio.run(_tell(tmp_path / "data"))


async def _tell(directory: Path) -> None:
    store = await open_store(f"sqlite:///{directory / 'leadtrail.db'}")
    for person_id, views in ((1, 3), (2, 4), (3, 5)):
        story = Story(person_id)
        for number in range(views):
            story.viewed("/pricing", number * MINUTE)
        if person_id == 2:
            story.did("signed_up", 20 * MINUTE)
            story.did("identify", 21 * MINUTE, traits={"email": "ada@example.com", "name": "Ada"})
        async with store.transaction() as transaction:
            await transaction.save(story.changes())
    await store.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def test_an_explanation_is_a_line_for_each_condition() -> None:
    result = run("explain", "pricing-help", public_id(1))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "role: visitor, wants visitors, leads -> yes",
        "viewed /pricing: 3, wants more than 3 -> no",
        "segment keen: in it, wants to be in it -> yes",
        "  viewed /pricing: 3, wants at least 1 -> yes",
        "unless did purchase: 0, wants never -> yes",
        "goal did signed_up: 0, wants never -> yes",
        "-> does not match",
    ]


@pytest.mark.parametrize("who", [public_id(3), f"{3:032x}"])
def test_a_person_is_named_by_any_of_their_ids(who: str) -> None:
    assert run("explain", "pricing-help", who).stdout.splitlines()[-1] == "-> matches"


def test_a_person_is_named_by_their_email() -> None:
    told = run("explain", "pricing-help", "ada@example.com").stdout.splitlines()
    assert "goal did signed_up: 1, wants never -> no" in told


def test_what_does_not_exist_is_told(tmp_path: Path) -> None:
    nobody = run("explain", "pricing-help", "nobody")
    assert (nobody.exit_code, nobody.stderr) == (1, "There is nobody called 'nobody'.\n")
    no_rule = run("backtest", "other")
    assert (no_rule.exit_code, no_rule.stderr) == (
        1,
        "There is no message 'other'; there are: pricing-help.\n",
    )
    (tmp_path / "data" / "leadtrail.db").unlink()
    nothing = run("explain", "pricing-help", public_id(1))
    assert nothing.exit_code == 1
    assert "nothing has been collected" in nothing.stderr


def test_a_back_test_lists_whom_the_message_would_have_reached() -> None:
    result = run("backtest", "pricing-help", "--days", "7")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "pricing-help: 2 people in 7 days, 2 times, 1 of them reached the goal.",
        f"  2026-09-23 13:03  {public_id(2)}  lead Ada, reached the goal",
        f"  2026-09-23 13:03  {public_id(3)}  visitor",
    ]


def test_while_a_server_has_the_database_it_is_read_all_the_same(tmp_path: Path) -> None:
    async def beside_a_server() -> None:
        store = await open_store(f"sqlite:///{tmp_path / 'data' / 'leadtrail.db'}")
        result = await asyncio.to_thread(run, "explain", "pricing-help", public_id(1))
        await store.close()
        assert result.exit_code == 0

    asyncio.run(beside_a_server())


def test_check_doubts_events_that_were_never_collected(tmp_path: Path) -> None:
    result = run("check", "leadtrail.yaml")
    assert result.exit_code == 0
    # The story names its events without telling the list of names.
    assert "leadtrail.yaml:4:5: doubt: message pricing-help: no event 'purchase' was ever collected." in (
        result.stderr.splitlines()
    )
    assert "doubt" in result.stdout


def test_check_lets_a_webhook_reach_what_the_settings_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hook.yaml").write_text(
        "sites: [{key: main}]\nmessages: [{id: a, deliver: {webhook: {url: 'http://127.0.0.1:9000/hook'}}}]\n"
    )
    assert run("check", "hook.yaml").exit_code == 1
    monkeypatch.setenv("LEADTRAIL_WEBHOOK_ALLOW", "127.0.0.1:9000")
    assert run("check", "hook.yaml").exit_code == 0
