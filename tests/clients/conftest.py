"""The real server for Intercom's own clients, once on each engine for all tests of a file."""

import contextlib
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import httpx2
import pytest
from intercom import Intercom

from tests.conftest import ENGINES
from tests.server_process import TOKEN, ServerProcess, server_process

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


READER = "a token that may only read"


@pytest.fixture(scope="module", params=ENGINES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """The real server, on each engine, for the tests of one file."""
    with contextlib.ExitStack() as stack:
        environment = {"LEADTRAIL_API_TOKENS": f"{TOKEN},read:{READER}"}
        if request.param == "postgresql":
            environment["DATABASE_URL"] = stack.enter_context(request.getfixturevalue("postgres").database())
        folder = tmp_path_factory.mktemp("served")
        yield stack.enter_context(server_process(folder, **environment))


def client(served: ServerProcess, token: str) -> Iterator[Intercom]:
    """The client as its users make it; its connections are closed, which it leaves to its caller."""
    with httpx.Client(timeout=30) as connections:
        yield Intercom(token=token, base_url=f"{served.base}/api", httpx_client=connections)


@pytest.fixture(scope="module")
def intercom(served: ServerProcess) -> Iterator[Intercom]:
    """Intercom's client with a good token."""
    yield from client(served, TOKEN)


@pytest.fixture(scope="module")
def stranger(served: ServerProcess) -> Iterator[Intercom]:
    """The same with a wrong one."""
    yield from client(served, "wrong")


@pytest.fixture(scope="module")
def reader(served: ServerProcess) -> Iterator[Intercom]:
    """The same with one that may only read."""
    yield from client(served, READER)


@pytest.fixture
def browse(served: ServerProcess) -> Callable[..., str]:
    """A new visitor who views these pages; answers the visitor's id."""

    def view(*paths: str) -> str:
        events = [
            {"name": "page_view", "url": f"https://www.example.com{path}", "id": f"{uuid4().hex}-{number}"}
            for number, path in enumerate(paths)
        ]
        answer = httpx2.post(
            f"{served.base}/e", json={"site": "main", "events": events}, headers={"User-Agent": BROWSER}
        )
        token: str = answer.json()["visitor"]
        return token.partition(".")[0]

    return view
