"""The HTTP connection's own limits, which uvicorn has not: deadlines for header and body, and their sizes.

Everything is refused before a route sees it, with a readable JSON error, and the connection is closed.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from server.model import encode_json

ARRIVAL_SECONDS = 10
"""Header and body must have arrived within this time (reliability.md F9, F10)."""

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
"""Names and values together."""

MAX_TARGET = 8 * 1024
MAX_BODY = 1024 * 1024
"""Of any route; the collector's own limit is 64 KiB."""

_MAX_HEAD = MAX_HEADER_BYTES + MAX_TARGET + 4 * MAX_HEADERS + 256
"""Bytes of an unfinished head: what the parser may hold in memory."""


class _RefusedError(Exception):
    """Stops the parser; the answer is kept on the protocol."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with deadlines and limits.

    Used as `uvicorn.Config(http=GuardedProtocol)`.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._refusal: tuple[int, str, str] | None = None
        self._head_complete = False
        self._head_bytes = 0
        self._body_bytes = 0
        self.announced: int | None = None
        """The body's length, if the head tells it."""
        self._timer: asyncio.TimerHandle | None = None
        self._expected_since: float | None = None
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        super().data_received(data)
        if not self._head_complete and self._refusal is None:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD:
                self._refuse(431, "headers_too_large", f"The header has more than {MAX_HEADER_BYTES} bytes.")
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_complete = False
        self._head_bytes = 0
        self._body_bytes = 0
        self.announced = None
        self._expect()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET:
            self._refuse(
                414, "path_too_long", f"The path and query have more than {MAX_TARGET} bytes.", stop=True
            )

    def on_headers_complete(self) -> None:
        self._head_complete = True
        self._check_head()
        self.begin_exchange()

    def begin_exchange(self) -> None:
        """The head is complete and in order: hand the request on."""
        super().on_headers_complete()

    def _check_head(self) -> None:
        """Refuses a head that is too large, that could be read in two ways, or announces too large a body."""
        size = hosts = lengths = encodings = 0
        for name, value in self.headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                lengths += 1
                self.announced = int(value) if value.isdigit() and len(value) <= 12 else None
                if len(value) > 12 or (self.announced or 0) > MAX_BODY:
                    self._refuse(
                        413, "body_too_large", f"The body has more than {MAX_BODY} bytes.", stop=True
                    )
            elif name == b"transfer-encoding":
                encodings += 1
        if size > MAX_HEADER_BYTES:
            self._refuse(
                431, "headers_too_large", f"The header has more than {MAX_HEADER_BYTES} bytes.", stop=True
            )
        if len(self.headers) > MAX_HEADERS:
            self._refuse(
                431, "too_many_headers", f"The request has more than {MAX_HEADERS} header lines.", stop=True
            )
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refuse(400, "invalid_host", "A request has exactly one Host header.", stop=True)
        if lengths and encodings:
            self._refuse(
                400, "ambiguous_length", "Content-Length and Transfer-Encoding exclude each other.", stop=True
            )

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY:
            self._refuse(413, "body_too_large", f"The body has more than {MAX_BODY} bytes.", stop=True)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expected_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what the parser or a limit refused."""
        status, code, message = self._refusal or (400, "invalid_http", "This is no valid HTTP request.")
        self._refusal = (status, code, message)
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:  # type: ignore[redundant-expr]
            body = encode_json({"error": {"code": code, "message": message}})
            lines = [
                STATUS_LINE[status],
                b"content-type: application/json\r\n",
                b"content-length: %d\r\n" % len(body),
                b"cache-control: no-store\r\n",
                b"connection: close\r\n\r\n",
                body,
            ]
            self.transport.write(b"".join(lines))
        self.transport.close()

    def _refuse(self, status: int, code: str, message: str, *, stop: bool = False) -> None:
        self._refusal = (status, code, message)
        if stop:
            raise _RefusedError(code)

    def _expect(self) -> None:
        """A request is expected from now on. One timer a connection serves all its requests."""
        self._expected_since = self.loop.time()
        if self._timer is None:
            self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        since = self._expected_since
        if since is None or self.transport.is_closing():
            return
        left = since + ARRIVAL_SECONDS - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self._refuse(
                408, "request_timeout", f"The request did not arrive within {ARRIVAL_SECONDS} seconds."
            )
            self.send_400_response("")
