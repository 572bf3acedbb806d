"""10,000 lines of a real server, imported, beside a count of our own over the raw lines.

The count shares nothing with the import but the verdict on bots, which is the `user_agents` package's.
"""

import gzip
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import user_agents
from click.testing import CliRunner, Result

from server.cli.import_ import import_
from server.importing.identity import Digests
from server.model import Kind, Person, visitor_ident
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.load import load
from server.store.sqlite import open_sqlite

pytestmark = pytest.mark.anyio

LOG = Path(__file__).parents[2].parent / "shared" / "data" / "apache_access.log.gz"
SECRET = "a signing key for tests only"
PAGE = "/projects/xdotool"
MORE_THAN = 3

RULES = f"""
sites: [{{key: main, origins: [https://www.example.com]}}]
messages:
  - id: reader
    if: [{{viewed: {PAGE}, times: more than {MORE_THAN}}}]
    deliver: {{page: {{title: "Still reading?", body: We answer.}}}}
"""

Who = tuple[str, str]
"""(address, user agent)."""

# A plain reading of the format, good enough for this one file, in which every line but one is whole.
PLAIN = re.compile(r'^(\S+) - - \[(.+?)\] "(\S+) (\S+) [^"]*" (\d+) \S+ ".*" "(.*)"$')
NO_PAGE = re.compile(
    r"\.(css|js|png|jpe?g|gif|svg|ico|ttf|woff|swf|jar|exe|gz|deb|gem|pdf|doc|tex|txt|log|conf|xml|xsl)$",
    re.I,
)
# The `user_agents` package by itself overlooks these names where they stand at the end of a browser's.
CRAWLER = re.compile(r"Spinn3r|360Spider|slurp")
FEED = re.compile(r"[?&]flav=(rss|atom)")


class Count(NamedTuple):
    """What somebody with a pencil finds in the file."""

    lines: int
    views: dict[Who, list[tuple[int, str]]]
    """Of each person, (Unix seconds, page), by time."""

    @property
    def total(self) -> int:
        return sum(map(len, self.views.values()))

    def sessions(self) -> int:
        gaps = (
            later - earlier for views in self.views.values() for (earlier, _), (later, _) in pairwise(views)
        )
        return len(self.views) + sum(gap > 30 * 60 for gap in gaps)

    def pages(self) -> Counter[str]:
        return Counter(page for views in self.views.values() for _, page in views)


@pytest.fixture(scope="module")
def count() -> Count:
    if not LOG.exists():
        pytest.skip(f"{LOG} is not there")
    lines = gzip.decompress(LOG.read_bytes()).decode().splitlines()
    views: dict[Who, list[tuple[int, str]]] = defaultdict(list)
    for line in lines:
        found = PLAIN.match(line)
        if not found:
            continue
        address, time, method, target, status, agent = found.groups()
        path = target.split("#")[0].split("?")[0]
        if method != "GET" or status not in ("200", "304") or NO_PAGE.search(path) or FEED.search(target):
            continue
        agent = "" if agent == "-" else agent
        if user_agents.parse(agent).is_bot or CRAWLER.search(agent):
            continue
        seconds = int(datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").timestamp())
        views[address, agent].append((seconds, path.rstrip("/") or "/"))
    for of_person in views.values():
        of_person.sort()
    return Count(len(lines), dict(views))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    (folder / "leadtrail.yaml").write_text(RULES)
    return folder


def run(folder: Path) -> Result:
    environment = {
        "LEADTRAIL_CONFIG": str(folder / "leadtrail.yaml"),
        "LEADTRAIL_DATA_DIR": str(folder / "data"),
        "LEADTRAIL_SECRET_KEYS": SECRET,
    }
    return CliRunner(env=environment).invoke(import_, [str(LOG)], catch_exceptions=False)


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
