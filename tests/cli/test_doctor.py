"""`leadtrail doctor` finds what is wrong, and says what to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import commands
from tests.server_process import server_process

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leadtrail.yaml").write_text("sites: [{key: main}]\n")
    monkeypatch.setenv("LEADTRAIL_CONFIG", str(tmp_path / "leadtrail.yaml"))
    monkeypatch.setenv("LEADTRAIL_DATA_DIR", str(tmp_path / "data"))


def run() -> Result:
    return CliRunner().invoke(commands, ["doctor"])


def test_an_installation_that_was_never_started_lacks_nothing_bad(tmp_path: Path) -> None:
    told = run()
    assert told.exit_code == 0
    assert "is not there" in told.stdout
    assert not (tmp_path / "data").exists()


def test_a_server_that_runs_is_well(tmp_path: Path) -> None:
    with server_process(tmp_path):
        told = run()
    assert (told.exit_code, "bad" in told.stdout) == (0, False), told.stdout
    assert "whole, of this version, 0 people" in told.stdout


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        server.stop()
    database = tmp_path / "data" / "leadtrail.db"
    content = bytearray(database.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    database.write_bytes(content)
    (tmp_path / "data" / "secret_keys").chmod(0o644)
    config = tmp_path / "leadtrail.yaml"
    config.write_text("sites: [{key: main, identity_secret_env: NOT_SET_ANYWHERE}]\n")
    told = run()
    assert told.exit_code == 1
    for wrong in ("chmod 600", "NOT_SET_ANYWHERE", "leadtrail restore"):
        assert wrong in told.stdout
    config.write_text("sites: [{key: main, colour: red}]\n")
    assert "leadtrail.yaml:1:" in run().stdout
