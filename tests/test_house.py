"""The house keeps its own rules: small files, honest names, complete docs, no trace of a building machine."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from server import __version__, assets
from server.app import open_app
from server.cli import commands
from server.metrics import Metrics
from server.settings import TABLE, Setting, Settings

TOP = Path(__file__).parents[1]
SOURCES = sorted((TOP / "server").rglob("*.py"))
DOCS = [
    TOP / "README.md",
    TOP / "CONTRIBUTING.md",
    TOP / "CHANGELOG.md",
    *sorted((TOP / "docs").rglob("*.md")),
]

MAX_LINES = 400

VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "misc", "manager", "service"}

# Written so that these lines do not find themselves.
REGISTRIES = re.compile(r"py[p]i\.org|python[h]osted\.org|npm[j]s\.(?:com|org)|yarnpkg\.com|deb\.debian\.org")
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(?:home|Users|root|work|workspace|tmp|private)/\w")


def named(path: Path) -> str:
    return str(path.relative_to(TOP))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this tree is no git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := TOP / name).is_file()]


def text_of(path: Path) -> str:
    """The text of a file; nothing of what is no text."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def floors() -> list[str]:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers"]
    return [name.strip(" ()") for layer in layers for name in layer.split("|")]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_has_one_subject(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_says_what_lives_in_it(path: Path) -> None:
    assert path.read_text().startswith('"""')


def test_no_name_is_vague() -> None:
    assert [
        named(path) for path in tracked() if VAGUE & set(path.relative_to(TOP).with_suffix("").parts)
    ] == []


def test_every_module_stands_on_a_floor() -> None:
    """import-linter passes over modules that no layer names."""
    stands = floors()
    modules = {
        ".".join(path.relative_to(TOP).with_suffix("").parts)
        for path in SOURCES
        if path.name != "__init__.py"
    }
    assert {
        module for module in modules if not any(f"{module}.".startswith(f"{floor}.") for floor in stands)
    } == set()


def test_every_floor_is_there() -> None:
    gone = [
        floor
        for floor in floors()
        if not (path := TOP.joinpath(*floor.split("."))).is_dir() and not path.with_suffix(".py").is_file()
    ]
    assert gone == []


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registries", "paths of a machine"])
def test_nothing_names_where_it_was_built(pattern: re.Pattern[str]) -> None:
    found = [
        f"{named(path)}:{number}: {match[0]}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if (match := pattern.search(line))
    ]
    assert found == []


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == __version__


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: Setting) -> None:
    assert f"`{setting.name}`" in (TOP / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_every_subcommand_is_documented(command: str) -> None:
    assert any(f"leadtrail {command}" in path.read_text() for path in DOCS)


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_every_subcommand_says_what_it_does(command: str) -> None:
    assert commands.commands[command].get_short_help_str()


def metrics() -> set[str]:
    """The names as /metrics shows them."""
    return set(re.findall(r"^# TYPE (\w+) ", Metrics().text().decode(), re.MULTILINE))


@pytest.mark.parametrize("metric", sorted(metrics()))
def test_every_metric_is_documented(metric: str) -> None:
    if not metric.endswith("_created"):
        assert f"`{metric}`" in (TOP / "docs" / "http-api.md").read_text()


def paths_of(app: Starlette) -> Iterator[str]:
    """Every path of the router; one stands for all of the dashboard's and one for all of the demo's."""
    for route in app.routes:
        if isinstance(route, Mount) and route.path == "/api":
            yield from (f"/api{inner.path}" for inner in route.routes if isinstance(inner, Route))
        elif isinstance(route, Mount | Route):
            for_people = re.match(r"/(dashboard|demo)\b", route.path)
            yield f"{for_people[0]}/" if for_people else route.path


@pytest.mark.anyio
async def test_every_route_is_documented(tmp_path: Path) -> None:
    settings = Settings(
        config=assets.path("examples", "leadtrail.yaml"), data_dir=tmp_path, secret_keys=("k" * 32,)
    )
    async with open_app(settings, demo=True) as app:
        assert isinstance(app._web, Starlette)
        routes = {*app._collect_paths, *paths_of(app._web)}
    assert {"/e", "/t.js", "/p.gif", "/healthz", "/dashboard/"} <= routes
    api = (TOP / "docs" / "http-api.md").read_text()
    documented = {re.sub(r"^/t\.[0-9a-f]{12}\.js$", "/t.<hash>.js", route) for route in routes}
    assert {route for route in documented if "{path:path}" not in route and f"{route}`" not in api} == set()


@pytest.mark.parametrize("page", DOCS, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", prose)
    dead = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def anchors(page: Path) -> set[str]:
    """What can stand behind the `#`: the headings, as code hosts name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
