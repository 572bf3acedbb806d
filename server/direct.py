"""`POST /e` straight from the parser: no ASGI scope is handed on, no task is made, and one write answers.

Most requests of a server are these. What is special (a body of unknown length or over the limit, an `Expect`,
a request before it that is still unanswered, trusted proxies whose headers must be read first) goes the
common way through the application, which does the same.
"""

from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from server.collect.decode import MAX_BODY
from server.collect.request import Reply, Request, read_request
from server.front import GuardedProtocol

PATH = b"/e"


class Collecting(Protocol):
    """An application that takes events without ASGI: `app.Leadtrail`."""

    def collect(self, request: Request, content: bytes, answer: Callable[[Reply], None]) -> None: ...


class DirectProtocol(GuardedProtocol):
    """The guarded protocol, with a way of its own for events.

    Used as `uvicorn.Config(http=DirectProtocol)`.
    """

    def begin_exchange(self) -> None:
        if self.url == PATH and self._may_go_directly():
            self.scope["method"], self.scope["path"], self.scope["query_string"] = "POST", "/e", b""
            self.cycle = _Exchange(self)  # type: ignore[assignment]
        else:
            super().begin_exchange()

    def _may_go_directly(self) -> bool:
        return (
            self.announced is not None
            and self.announced <= MAX_BODY
            and hasattr(self.app, "collect")
            and self.parser.get_method() == b"POST"
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and (self.cycle is None or self.cycle.response_complete)  # type: ignore[redundant-expr]
        )

    def on_body(self, body: bytes) -> None:
        if isinstance(self.cycle, _Exchange):
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if isinstance(self.cycle, _Exchange):
            self.cycle.begin()


class _Exchange:
    """One request and its answer, with what the protocol expects of a request under way."""

    __slots__ = (
        "_protocol",
        "_scope",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
    )

    def __init__(self, protocol: DirectProtocol) -> None:
        self._protocol = protocol
        self._scope = protocol.scope
        self.keep_alive = protocol.parser.get_http_version() != "1.0" and protocol.parser.should_keep_alive()
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    @property
    def message_event(self) -> "_Exchange":
        # Not an attribute: a circle would leave each exchange to the garbage collector.
        return self

    def set(self) -> None:
        """Nobody waits for a part of the body: it is taken when it is complete."""

    def begin(self) -> None:
        """The request is complete."""
        app: Collecting = self._protocol.app
        app.collect(read_request(self._scope), bytes(self.body), self._answer)

    def _answer(self, reply: Reply) -> None:
        protocol, transport = self._protocol, self._protocol.transport
        self.response_started = self.response_complete = True
        if self.disconnected or transport.is_closing():
            return
        lines = [STATUS_LINE[reply.status]]
        headers: list[Any] = [*protocol.server_state.default_headers, *reply.all_headers()]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"\r\n", reply.body)
        transport.write(b"".join(lines))
        if not self.keep_alive:
            transport.close()
        protocol.on_response_complete()
