"""The code in docs/people.md proves what it says, in every language that this machine has."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.people.proof import proved, read_jwt, user_hash

TEXT = (Path(__file__).parents[2] / "docs" / "people.md").read_text()
SECRET = "the site's identity secret"
NOW = 1_000


def examples(language: str, about: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return [example for example in found if about in example.lower()]


def said(*command: str, given: str) -> str:
    """What a program prints."""
    environment = {**os.environ, "LEADTRAIL_IDENTITY_SECRET": SECRET}
    done = subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


# The machine's own Node, or the one that the tests install.
NODE = shutil.which("node") or str(Path(sys.executable).with_name("node"))

PROGRAMS = {
    "python": ((sys.executable, "-"), "\nprint(user_hash('42'))"),
    "js": ((NODE, "-"), "\nconsole.log(userHash('42'))"),
    "php": (("php",), "\necho user_hash('42');"),
    "ruby": (("ruby", "-"), "\nputs user_hash('42')"),
}
HERE = [language for language, (command, _) in PROGRAMS.items() if shutil.which(command[0])]


@pytest.mark.parametrize("language", HERE)
def test_the_hash_of_every_language_is_a_proof(language: str) -> None:
    command, call = PROGRAMS[language]
    [code] = examples(language, "hmac")
    made = said(*command, given=code + call)
    assert made == user_hash(SECRET, "42")
    assert proved({"user_id": "42", "user_hash": made}, SECRET, NOW)[1] == {"user_id"}


def test_python_and_node_are_here() -> None:
    assert {"python", "js"} <= set(HERE)


def test_the_jwt_of_the_docs_is_a_proof() -> None:
    [code] = examples("python", "jwt")
    call = "\nprint(user_jwt('42', 'ada@example.com'))"
    token = said(sys.executable, "-W", "ignore", "-", given=code + call)
    assert read_jwt(token, SECRET, NOW) == {"user_id": "42", "email": "ada@example.com"}
