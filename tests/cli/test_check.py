"""`leadtrail check` as somebody at a terminal meets it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from server import assets
from server.cli.check import check

BROKEN = "sites:\n  - kye: main\nmessages:\n  - {id: a}\n"


def test_a_good_file_is_summed_up() -> None:
    result = CliRunner().invoke(check, [str(assets.path("examples", "leadtrail.yaml"))])
    assert result.exit_code == 0
    assert result.output.endswith("leadtrail.yaml is good: 1 site, 2 rules\n")


def test_every_mistake_is_a_line_of_its_own_and_the_status_is_1(tmp_path: Path) -> None:
    path = tmp_path / "leadtrail.yaml"
    path.write_text(BROKEN)
    result = CliRunner().invoke(check, [str(path)])
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{path}:2:5: site 1: `key` is missing.",
        f"{path}:2:5: site 1: `kye` is no key here; did you mean `key`?",
        f"{path}:4:5: message a: `deliver` is missing.",
        f"{path} has 3 mistakes.",
    ]


def test_without_a_name_it_checks_what_the_server_would_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEADTRAIL_CONFIG", raising=False)
    missing = CliRunner().invoke(check, [])
    assert (missing.exit_code, missing.output.split(":")[0]) == (1, "leadtrail.yaml")
    (tmp_path / "other.yaml").write_text(
        "sites: [{key: main}, {key: b}]\nsegments: {new: {if: [{sessions: 1}]}}\n"
    )
    monkeypatch.setenv("LEADTRAIL_CONFIG", "other.yaml")
    found = CliRunner().invoke(check, [])
    assert (found.exit_code, found.output) == (0, "other.yaml is good: 2 sites, 0 rules, 1 segment\n")
