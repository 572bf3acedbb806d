"""The Leadtrail server as these tests see it: started, stopped, started again on its port, and asked."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tests.server_process import TOKEN, ServerProcess, server_process

PATIENCE_SECONDS = 15
IDENTITY_SECRET = "an identity secret for tests only"
Known = TypeVar("Known")


def eventually(ask: Callable[[], Known]) -> Known:
    """The first true answer of `ask`: the server is a process of its own, it can only be asked."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = ask()
        if answer or time.monotonic() > end:
            assert answer, "it never came true"
            return answer
        time.sleep(0.05)


class Leadtrail:
    """A real server with a data folder and a port that outlive its process."""

    def __init__(self, folder: Path, *arguments: str, config: str = "", **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._arguments = arguments
        self._config = config
        self.variables = environment
        """Settings of the server, beyond the port and the folder."""
        self._running = ExitStack()
        self._process: ServerProcess | None = None

    def start(self) -> None:
        self._process = self._running.enter_context(
            server_process(
                self._folder,
                *self._arguments,
                config=self._config,
                PORT=str(self.port),
                LEADTRAIL_IDENTITY_SECRET=IDENTITY_SECRET,
                **self.variables,
            )
        )

    def stop(self) -> None:
        if self._process and self._process.process.poll() is None:
            assert self._process.stop() == 0
        self._running.close()

    def history(self, visitor: str) -> list[dict[str, Any]]:
        """What the visitor did, oldest first, through the API."""
        request = Request(
            f"{self.base}/api/contacts/{quote(visitor)}/history?per_page=150",
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        try:
            with urlopen(request, timeout=10) as response:
                return list(reversed(json.load(response)["data"]))
        except HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            # A visitor id that has no events yet.
            return []

    def contact(self, visitor: str) -> dict[str, Any]:
        """Who the visitor is by now, through the API."""
        contact = self._ask(f"contacts/{quote(visitor)}/history")["contact"]["id"]
        return self._ask(f"contacts/{contact}")

    def _ask(self, path: str) -> dict[str, Any]:
        request = Request(f"{self.base}/api/{path}", headers={"authorization": f"Bearer {TOKEN}"})
        with urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def events(self, visitor: str, name: str = "") -> list[dict[str, Any]]:
        """The events of this name, in the order in which the browser made them, which their ids keep.

        The server may swap what lies milliseconds apart, since every request corrects the clock anew.
        """
        items = [item for item in self.history(visitor) if item["type"] == "event"]
        found = [item for item in items if name in ("", item["event_name"])]
        return sorted(found, key=lambda item: str(item["id"]))

    def paths(self, visitor: str) -> list[str]:
        """The paths of the page views, oldest first."""
        return [event["path"] for event in self.events(visitor, "page_view")]


@contextmanager
def leadtrail(folder: Path, *arguments: str, config: str = "", **environment: str) -> Iterator[Leadtrail]:
    """A running server, stopped in the end."""
    server = Leadtrail(folder, *arguments, config=config, **environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()
