"""`leadtrail import` of people and events, in the forms in which Intercom and others export them."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from server.identity import user_ident
from server.model import Kind, Person, Role, Total
from server.store.base import Reads
from server.store.engines import open_store

T = TypeVar("T")

PEOPLE = """Name,User ID,Email,User type,Signed up (Lisbon),First Seen,Plan,Seats,Unsubscribed from Emails
Ada,4711,ada@x.example,user,2026-01-31 10:00,2026-01-01 08:00,Pro,3,false
Bob,,bob@x.example,lead,,2026-02-01 08:00,,,true
Nobody,,,,,,,,
Eve,4712,no address,user,,,,,
"""

EVENTS = """{"event_name": "report.created", "created_at": 1768000000, "user_id": "4711"}
{"event_name": "report.created", "created_at": 1768000001, "email": "ada@x.example"}
{"event_name": "invited", "created_at": 1768000001, "email": "bob@x.example"}
{"event_name": "invited", "created_at": 1768000001, "email": "nobody@x.example"}
{"event_name": "invited", "email": "bob@x.example"}
{"event_name": "nested", "created_at": 1768000001, "user_id": "4711", "metadata": {"a": {"b": 1}}}
{broken
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leadtrail.yaml").write_text("sites:\n  - key: main\n")
    monkeypatch.setenv("LEADTRAIL_CONFIG", str(tmp_path / "leadtrail.yaml"))
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))


def run(path: Path, content: str) -> Result:
    path.write_text(content)
    return CliRunner().invoke(commands, ["import", str(path)])


def ask(tmp_path: Path, question: Callable[[Reads], Coroutine[Any, Any, T]]) -> T:
    async def read() -> T:
        store = await open_store(f"sqlite:///{tmp_path / 'data' / 'leadtrail.db'}")
        try:
            return await question(store.reads)
        finally:
            await store.close()

    return asyncio.run(read())


def everybody(tmp_path: Path) -> list[Person]:
    async def read(reads: Reads) -> list[Person]:
        return (await reads.find_people(limit=100)).people

    return ask(tmp_path, read)


def test_people_come_with_what_the_table_says_of_them(tmp_path: Path) -> None:
    result = run(tmp_path / "people.csv", PEOPLE)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "     4  rows read",
        "     2  people who are new",
        "     1  skipped: it names nobody (no user_id, email or id) (line 4)",
        "     1  skipped: email: `email` is no e-mail address. (line 5)",
    ]
    bob, ada = everybody(tmp_path)
    assert (ada.name, ada.user_id, ada.role, ada.traits) == (
        "Ada",
        "4711",
        Role.user,
        {"Plan": "Pro", "Seats": 3},
    )
    assert ada.became_user == 1_769_853_600_000
    assert ada.created == 1_767_254_400_000
    assert (bob.email, bob.role, bob.profile) == (
        "bob@x.example",
        Role.lead,
        {"unsubscribed_from_emails": True},
    )


def test_importing_people_again_adds_nobody(tmp_path: Path) -> None:
    run(tmp_path / "people.csv", PEOPLE)
    before = everybody(tmp_path)
    again = run(tmp_path / "people.csv", PEOPLE.replace("Pro", "Free"))
    assert "     2  people who were there already\n" in again.stdout
    after = everybody(tmp_path)
    assert [person.person_id for person in after] == [person.person_id for person in before]
    assert after[1].traits["Plan"] == "Free"


def test_events_count_once_and_what_is_wrong_is_named(tmp_path: Path) -> None:
    run(tmp_path / "people.csv", PEOPLE)
    first = run(tmp_path / "events.ndjson", EVENTS)
    assert first.stdout.splitlines() == [
        "     7  rows read",
        "     3  events stored",
        "     1  skipped: nobody is known by that; import people first (line 4)",
        "     1  skipped: created_at: an event needs its time (line 5)",
        "     1  skipped: metadata.a: `a` is an object; only {url, value} and {amount, currency} are taken."
        " (line 6)",
        "     1  skipped: not readable as CSV or JSON (line 7)",
    ]
    second = run(tmp_path / "events.ndjson", EVENTS)
    assert "     3  events that were stored before\n" in second.stdout
    assert "events stored\n" not in second.stdout

    async def totals(reads: Reads) -> Total:
        person_id = await reads.person_of(user_ident("main", "4711"))
        assert person_id is not None
        return (await reads.all_totals(person_id))[person_id, Kind.event, "report.created"]

    assert ask(tmp_path, totals) == Total(2, 1_768_000_000_000, 1_768_000_001_000)


def test_events_in_the_same_file_find_the_people_before_them(tmp_path: Path) -> None:
    table = "id,email,event_name,created_at,metadata.plan\n77,x@x.example,,,\n77,,opened,2026-01-01,Pro\n"
    told = run(tmp_path / "both.csv", table).stdout
    assert "     1  people who are new\n     1  events stored\n" in told


def test_a_table_of_nothing_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path / "empty.csv", "email,name\n")
    assert result.exit_code == 1
    assert "holds no people or events" in result.stderr
