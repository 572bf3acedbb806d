"""`leadtrail import` as somebody at a terminal meets it."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from tests.importing.log_lines import log_line
from tests.server_process import server_process

CONFIG = """
sites:
  - {key: main, origins: [https://www.example.com]}
  - {key: shop, origins: [https://shop.example.com, https://blog.example.com]}
"""


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leadtrail.yaml").write_text(CONFIG)
    monkeypatch.setenv("LEADTRAIL_CONFIG", str(tmp_path / "leadtrail.yaml"))
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(
        b"\n".join([log_line(), log_line("/a.css"), log_line("/b", seconds=2_000), b"?"]) + b"\n"
    )
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["import", *map(str, arguments)])


def test_the_tally_names_every_line(log: Path) -> None:
    result = run(log)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "     4  lines read",
        "     2  page views stored",
        "     0  page views that were stored before",
        "     1  skipped: not readable as combined format (line 4)",
        "     1  skipped: assets, downloads and feeds",
        "1 person is new; the site main has 1.",
    ]


def test_another_site_is_other_people(log: Path) -> None:
    run(log)
    assert "1 person is new; the site shop has 1." in run(log, "--site", "shop").stdout
    assert "0 people are new; the site main has 1." in run(log).stdout


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ([], "https://www.example.com/pricing"),
        (["--site", "shop"], "https://shop.example.com/pricing"),
        (["--site", "shop", "--origin", "https://old.example.com/"], "https://old.example.com/pricing"),
    ],
)
def test_urls_begin_with_the_first_origin_or_the_one_given(
    tmp_path: Path, log: Path, arguments: list[str], url: str
) -> None:
    run(log, *arguments)
    with closing(sqlite3.connect(tmp_path / "data" / "leadtrail.db")) as database:
        [(landing,)] = database.execute("SELECT landing FROM people")
    assert landing == url


def test_a_file_that_overlaps_adds_only_what_is_new(log: Path) -> None:
    run(log)
    log.write_bytes(log.read_bytes().split(b"\n", 2)[2] + log_line("/c", seconds=9_000))
    told = run(log).stdout
    assert "1  page views stored\n" in told
    assert "1  page views that were stored before" in told


def test_an_unknown_site_is_told_which_there_are(log: Path) -> None:
    result = run(log, "--site", "blog")
    assert result.exit_code == 2
    assert "has no site 'blog'; it has main, shop." in result.stderr


@pytest.mark.parametrize(
    "origin", ["www.example.com", "ftp://www.example.com", "https://www.example.com/shop", "https://"]
)
def test_what_is_no_origin_is_refused(log: Path, origin: str) -> None:
    result = run(log, "--origin", origin)
    assert result.exit_code == 2
    assert "is no origin; write it as https://www.example.com." in result.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = run(tmp_path / "other.log")
    assert result.exit_code == 2
    assert "other.log' does not exist." in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; nothing was imported."),
        (
            b"dear diary\n" * 3,
            "none of its 3 lines can be read; nothing was imported. A line looks like this:",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "is no access log in the combined format"),
    ],
)
def test_what_is_no_log_is_refused(log: Path, content: bytes, message: str) -> None:
    log.write_bytes(content)
    result = run(log)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_a_torn_archive_keeps_what_came_before_and_says_so(log: Path) -> None:
    whole = gzip.compress(b"\n".join(log_line(f"/{n}", seconds=n * n % 9_999) for n in range(5_000)))
    log.write_bytes(whole[: len(whole) // 2])
    torn = run(log)
    assert torn.exit_code == 1
    assert "import the whole file when you have it, nothing is counted twice." in torn.stderr
    stored = int(torn.stdout.splitlines()[1].split()[0].replace(",", ""))
    assert 1_000 < stored < 5_000
    log.write_bytes(whole)
    assert f"{5_000 - stored:,}  page views stored\n" in run(log).stdout


@pytest.mark.live
def test_a_running_server_keeps_its_file(tmp_path: Path, log: Path) -> None:
    with server_process(tmp_path):
        result = run(log)
    assert result.exit_code == 1
    assert "leadtrail.db" in result.stderr
    assert "Traceback" not in result.output
