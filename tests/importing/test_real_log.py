"""10,000 lines of a real server, imported, beside a count of our own over the raw lines."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from server.ids import visitor_ident
from server.importing.identity import Digests
from server.model import Kind, Person
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.load import load
from server.store.sqlite import open_sqlite
from tests.importing.real_log import LOG, SECRET, Count, read_count, run

pytestmark = pytest.mark.anyio

PAGE = "/projects/xdotool"
MORE_THAN = 3

RULES = f"""
sites: [{{key: main, origins: [https://www.example.com]}}]
messages:
  - id: reader
    if: [{{viewed: {PAGE}, times: more than {MORE_THAN}}}]
    deliver: {{page: {{title: "Still reading?", body: We answer.}}}}
"""


@pytest.fixture(scope="module")
def count() -> Count:
    if not LOG.exists():
        pytest.skip(f"{LOG} is not there")
    return read_count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    (folder / "leadtrail.yaml").write_text(RULES)
    return folder


@pytest.fixture(scope="module")
def first(count: Count, folder: Path) -> Result:
    """The first import, which every test here looks at."""
    return run(folder)


@pytest.fixture
def database(folder: Path, first: Result) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / "data" / "leadtrail.db")
    yield connection
    connection.close()


def tally(result: Result) -> dict[str, int]:
    found = re.findall(r"^ *([\d,]+)  (.+?)(?: \(line.*)?$", result.stdout, re.M)
    return {text: int(number.replace(",", "")) for number, text in found}


def test_the_tally_adds_up_and_agrees(first: Result, count: Count) -> None:
    told = tally(first)
    assert first.exit_code == 0
    assert told.pop("lines read") == count.lines == 10_000
    assert sum(told.values()) == 10_000
    assert told["page views stored"] == count.total > 1_500
    assert told["page views that were stored before"] == 0
    assert told["skipped: not readable as combined format"] == 1
    assert "(line 8899)" in first.stdout


def test_people_and_sessions_agree(database: sqlite3.Connection, count: Count) -> None:
    [(people, sessions)] = database.execute("SELECT count(*), sum(sessions) FROM people")
    assert people == len(count.views) > 500
    assert sessions == count.sessions() > people


def test_the_totals_of_every_page_agree(database: sqlite3.Connection, count: Count) -> None:
    totals = database.execute(
        "SELECT key, sum(count) FROM totals WHERE kind = ? GROUP BY key", (int(Kind.page),)
    )
    assert dict(totals) == count.pages()


def test_every_view_lies_in_its_persons_trail(database: sqlite3.Connection, count: Count) -> None:
    stored: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for person, at, path in database.execute(
        "SELECT person_id, at / 1000, path FROM events ORDER BY at, path"
    ):
        stored[person].append((at, path))
    assert sorted(stored.values()) == sorted(count.views.values())


def test_no_address_is_stored(folder: Path, first: Result, count: Count) -> None:
    files = b"".join(path.read_bytes() for path in (folder / "data").iterdir())
    assert [address for address, _ in count.views if address.encode() in files] == []


async def test_a_rule_finds_exactly_the_people_whom_the_count_names(
    folder: Path, first: Result, count: Count
) -> None:
    named = {who for who, views in count.views.items() if sum(page == PAGE for _, page in views) > MORE_THAN}
    digests = Digests(SECRET, "main")
    [rule] = load(RULES, "leadtrail.yaml").rules
    store = await open_sqlite(folder / "data" / "leadtrail.db")
    matched = set()
    try:
        for who in count.views:
            person_id = await store.reads.person_of(visitor_ident("main", digests.visitor(*who)))
            assert person_id is not None
            person = await store.reads.person(person_id)
            assert isinstance(person, Person)
            keys = {(person_id, int(kind), key) for kind, key in rule.asks}
            totals = {
                (kind, key): total for (_, kind, key), total in (await store.reads.totals(keys)).items()
            }
            if matches(rule, Facts(person=person, totals=totals, event=None, now=person.last_seen)):
                matched.add(who)
    finally:
        await store.close()
    assert matched == named
    assert 0 < len(named) < len(count.views)


def test_the_second_import_adds_nothing(folder: Path, first: Result) -> None:
    before, path = tally(first), folder / "data" / "leadtrail.db"
    connection = sqlite3.connect(path)
    stored = list(connection.iterdump())
    second = run(folder)
    told = tally(second)
    assert told["page views stored"] == 0
    assert told["page views that were stored before"] == before["page views stored"]
    assert "0 people are new" in second.stdout
    assert list(connection.iterdump()) == stored
    connection.close()
