"""A wheel built of this tree, installed in an empty environment elsewhere, has all that it needs with it."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.server_process import server_process

pytestmark = pytest.mark.live

TOP = Path(__file__).parents[1]

PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")

INSTALL_SECONDS = 300


def run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds what the server and its build depend on, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, *PIP, "install", "--require-hashes", "--requirement", TOP / "requirements.txt")
    return python


@pytest.fixture(scope="module")
def wheel(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(environment, *PIP, "wheel", TOP, "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(environment: Path, wheel: Path) -> Path:
    """The `leadtrail` of that environment, once the wheel is in it."""
    run(environment, *PIP, "install", "--no-deps", wheel)
    run(environment, *PIP, "check")
    return environment.with_name("leadtrail")


@contextmanager
def elsewhere(installed: Path, folder: Path, *arguments: str) -> Iterator[httpx2.Client]:
    """A client of the installed server, run from an empty folder."""
    empty = folder / "empty"
    empty.mkdir()
    with (
        server_process(folder, *arguments, program=(str(installed),), cwd=empty) as server,
        httpx2.Client(base_url=server.base, follow_redirects=True) as client,
    ):
        yield client
    assert list(empty.iterdir()) == []


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    outside = {name for name in names if not name.startswith("server/") and ".dist-info/" not in name}
    assert outside == set()
    assert {
        "server/static/t.min.js",
        "server/static/t.min.js.br",
        "server/static/dashboard.css",
        "server/examples/leadtrail.yaml",
        "server/dashboard/templates/base.html",
        "server/store/migrations/0001_begin.sql",
    } <= set(names)


def test_the_installed_server_serves_the_snippet_and_the_dashboard(installed: Path, tmp_path: Path) -> None:
    with elsewhere(installed, tmp_path, "serve") as client:
        snippet = client.get("/t.js")
        assert snippet.status_code == 200
        assert snippet.content == (TOP / "static" / "t.min.js").read_bytes()
        page = client.get("/dashboard/")
        assert page.status_code == 200
        assert page.url.path == "/dashboard/sign-in"
        [styles] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
        assert client.get(styles).status_code == 200
        assert client.get("/demo/").status_code == 404


def test_the_first_start_needs_no_settings_and_no_files(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    unset = {"LEADTRAIL_CONFIG": "", "LEADTRAIL_DATA_DIR": "", "LEADTRAIL_API_TOKENS": ""}
    with server_process(tmp_path, program=(str(installed),), cwd=tmp_path / "new", **unset) as server:
        assert httpx2.get(f"{server.base}/t.js").status_code == 200
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"data", "leadtrail.yaml"}


def test_the_installed_demo_finds_its_shop(installed: Path, tmp_path: Path) -> None:
    with elsewhere(installed, tmp_path, "demo") as client:
        shop = client.get("/demo/")
        assert shop.status_code == 200
        assert "/t.js" in shop.text
        assert client.get("/demo/shop.css").status_code == 200
