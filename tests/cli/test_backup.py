"""`leadtrail backup` and `leadtrail restore`, while a server writes and for whom was erased since."""

import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from tests.server_process import TOKEN, ServerProcess, server_process

pytestmark = pytest.mark.live

EMAIL = "ada.lovelace@example.com"


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leadtrail.yaml").write_text("sites: [{key: main}]\n")
    monkeypatch.setenv("LEADTRAIL_CONFIG", str(tmp_path / "leadtrail.yaml"))
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, list(map(str, arguments)))


def comes(server: ServerProcess, email: str) -> str:
    """A lead; the token of their browser."""
    events = [
        {"name": "page_view", "url": "https://www.example.com/"},
        {"name": "identify", "traits": {"email": email}},
    ]
    answer = httpx2.post(f"{server.base}/e", json={"site": "main", "events": events})
    return str(answer.json()["visitor"])


def found(server: ServerProcess, email: str) -> int:
    query = {"query": {"field": "email", "operator": "=", "value": email}}
    answer = httpx2.post(
        f"{server.base}/api/contacts/search", json=query, headers={"authorization": f"Bearer {TOKEN}"}
    )
    return int(answer.json()["total_count"])


def move_away(tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "before")


def test_a_backup_with_secrets_brings_everything_back_and_knows_every_browser(tmp_path: Path) -> None:
    archive = tmp_path / "backups" / "today.tar"
    with server_process(tmp_path) as server:
        token = comes(server, EMAIL)
        made = run("backup", archive, "--with-secrets")
        assert made.exit_code == 0, made.output
        comes(server, "later@example.com")
        again = run("backup", archive)
        assert (again.exit_code, "already" in again.stderr) == (1, True)
        in_use = run("restore", archive)
        assert (in_use.exit_code, "not empty" in in_use.stderr) == (1, True)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    move_away(tmp_path)
    restored = run("restore", archive)
    assert (restored.exit_code, restored.stderr) == (0, ""), restored.output
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()} == {0o600}
    with server_process(tmp_path) as server:
        assert (found(server, EMAIL), found(server, "later@example.com")) == (1, 0)
        event = {"name": "page_view", "url": "https://www.example.com/"}
        answer = httpx2.post(f"{server.base}/e", json={"site": "main", "visitor": token, "events": [event]})
        assert answer.json()["visitor"] == token


def test_a_backup_holds_secrets_only_when_asked_to(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        comes(server, EMAIL)
    archive = tmp_path / "plain.tar"
    assert "--with-secrets" in run("backup", archive).stderr
    with tarfile.open(archive) as tar:
        assert tar.getnames() == ["leadtrail.db"]
        tar.extractall(tmp_path / "looked-into", filter="data")
    with closing(sqlite3.connect(tmp_path / "looked-into" / "leadtrail.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)
    key = (tmp_path / "data" / "secret_keys").read_bytes().strip()
    assert key not in archive.read_bytes()
    move_away(tmp_path)
    assert "secret_keys" in run("restore", archive).stderr


def test_whoever_was_erased_since_the_backup_does_not_come_back_with_it(tmp_path: Path) -> None:
    archive = tmp_path / "old.tar"
    with server_process(tmp_path) as server:
        comes(server, EMAIL)
        comes(server, "bob@example.com")
        assert run("backup", archive, "--with-secrets").exit_code == 0
        query = {"query": {"field": "email", "operator": "=", "value": EMAIL}}
        headers = {"authorization": f"Bearer {TOKEN}"}
        [ada] = httpx2.post(f"{server.base}/api/contacts/search", json=query, headers=headers).json()["data"]
        assert httpx2.delete(f"{server.base}/api/contacts/{ada['id']}", headers=headers).status_code == 200
    move_away(tmp_path)
    restored = run("restore", archive)
    assert (restored.exit_code, "1 who were erased" in restored.stdout) == (0, True), restored.output
    with server_process(tmp_path) as server:
        assert (found(server, EMAIL), found(server, "bob@example.com")) == (0, 1)
    for path in (tmp_path / "data").iterdir():
        assert EMAIL.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\0" * 10_240])
def test_what_is_no_backup_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.tar"
    file.write_bytes(content)
    refused = run("restore", file)
    assert (refused.exit_code, str(file) in refused.stderr) == (1, True)
    assert not (tmp_path / "data" / "leadtrail.db").exists()


def test_a_backup_whose_database_is_damaged_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        comes(server, EMAIL)
    archive = tmp_path / "today.tar"
    assert run("backup", archive, "--with-secrets").exit_code == 0
    content = bytearray(archive.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
    archive.write_bytes(content)
    move_away(tmp_path)
    refused = run("restore", archive)
    assert (refused.exit_code, "cannot be read" in refused.stderr) == (1, True), refused.output
    assert list((tmp_path / "data").iterdir()) == []
