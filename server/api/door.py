"""What every request to the API passes: the bearer token, the rate limit, and errors in the API's shape."""

import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.errors import answer_to
from server.errors import TooManyRequests, Unauthorized
from server.limits import Limits

MAX_BEARER = 1_024
"""Longer ones are not even compared."""


class Door:
    """ASGI middleware around all routes of the API."""

    def __init__(self, app: ASGIApp, tokens: Iterable[str], limits: Limits) -> None:
        self._app = app
        self._digests = [_digest(token) for token in tokens]
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            self._admit(Headers(scope=scope))
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            if started:
                raise
            await answer_to(error)(scope, receive, send_guarded)

    def _admit(self, headers: Headers) -> None:
        """Raises Unauthorized or TooManyRequests. Tokens in the query are never looked at."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = _digest(token.strip()) if scheme.lower() == "bearer" and len(token) <= MAX_BEARER else b""
        # Every token is compared, so that the time tells nothing.
        if sum(hmac.compare_digest(given, digest) for digest in self._digests) == 0:
            raise Unauthorized("unauthorized", "Access Token Invalid")
        if wait := self._limits.wait("api", given.hex()):
            raise TooManyRequests("rate_limit_exceeded", "Too many requests.", retry_after=int(wait) + 1)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
