"""`leadtrail export` and `leadtrail erase` as somebody at a terminal meets them."""

import csv
import hashlib
import hmac
import io
import json
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from tests.server_process import server_process

SECRET = "the secret of the site"
EMAIL = "ada.lovelace@example.com"


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leadtrail.yaml").write_text("sites: [{key: main}]\n")
    monkeypatch.setenv("LEADTRAIL_CONFIG", str(tmp_path / "leadtrail.yaml"))
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def ada_comes(base: str) -> None:
    """A user on two devices, with an event that looks like a formula."""
    proof = hmac.new(SECRET.encode(), b"u-1", hashlib.sha256).hexdigest()
    for device in ("a", "b"):
        events = [
            {"name": "page_view", "url": f"https://www.example.com/{device}"},
            {"name": "=cmd()", "metadata": {"price": {"amount": 4900, "currency": "eur"}}},
            {"name": "identify", "traits": {"user_id": "u-1", "user_hash": proof, "email": EMAIL}},
        ]
        answer = httpx2.post(f"{base}/e", json={"site": "main", "events": events})
        assert "rejected" not in answer.json(), answer.text


@pytest.mark.live
def test_export_reads_and_erase_refuses_while_a_server_has_the_file(tmp_path: Path) -> None:
    with server_process(tmp_path, LEADTRAIL_IDENTITY_SECRET=SECRET) as server:
        ada_comes(server.base)
        exported = json.loads(run("export", EMAIL).stdout)
        table = list(csv.DictReader(io.StringIO(run("export", "u-1", "--format", "csv").stdout)))
        refused = run("erase", EMAIL, "--yes")
    assert (refused.exit_code, "dashboard" in refused.stderr) == (1, True)
    assert exported["rows"] == {table: len(rows) for table, rows in exported["data"].items()}
    assert (exported["rows"]["events"], exported["rows"]["people"]) == (6, 2)
    assert len(table) == sum(exported["rows"].values())
    assert all(not cell.startswith(("=", "+", "-", "@")) for line in table for cell in line.values())
    assert {json.loads(line["details"])["name"] for line in table if line["record"] == "events"} == {
        "page_view",
        "=cmd()",
        "identify",
    }


@pytest.mark.live
def test_after_an_erasure_no_file_holds_the_address(tmp_path: Path) -> None:
    with server_process(tmp_path, LEADTRAIL_IDENTITY_SECRET=SECRET) as server:
        ada_comes(server.base)
    output = tmp_path / "ada.json"
    assert run("export", EMAIL, "--output", str(output)).exit_code == 0
    contact = json.loads(output.read_text())["contact"]["id"]
    declined = CliRunner().invoke(commands, ["erase", EMAIL], input="n\n")
    assert (declined.exit_code, EMAIL in declined.stdout) == (1, True)
    erased = run("erase", EMAIL, "--yes")
    assert (erased.exit_code, contact in erased.stdout) == (0, True)
    for path in (tmp_path / "data").iterdir():
        assert EMAIL.encode() not in path.read_bytes(), path.name
    for command in ("export", "erase"):
        nobody = run(command, EMAIL)
        assert (nobody.exit_code, "nobody called" in nobody.stderr) == (1, True)
    again = run("erase", contact, "--yes")
    assert again.exit_code == 1
