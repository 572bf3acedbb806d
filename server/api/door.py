"""What every request to the API passes: the bearer token, the rate limit, and errors in the API's shape."""

import hashlib
import hmac
import time
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from server.api.endpoint import Scope
from server.api.errors import answer_to
from server.errors import TooManyRequests, Unauthorized
from server.keys import READ_ONLY
from server.limits import Allowance, Limits

MAX_BEARER = 1_024
"""Longer ones are not even compared."""


class Door:
    """ASGI middleware around all routes of the API. What is in `open_paths` needs no token."""

    def __init__(
        self, app: ASGIApp, tokens: Iterable[str], limits: Limits, open_paths: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._tokens = [(_digest(token.removeprefix(READ_ONLY)), scopes_of(token)) for token in tokens]
        self._limits = limits
        self._open = open_paths

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        started = False
        allowance: Allowance | None = None

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
                if allowance is not None:
                    headers["X-RateLimit-Limit"] = str(allowance.limit)
                    headers["X-RateLimit-Remaining"] = str(allowance.remaining)
                    headers["X-RateLimit-Reset"] = str(int(time.time() + allowance.wait) + 1)
            await send(message)

        try:
            scope["scopes"] = frozenset()
            if scope["path"] not in self._open:
                given, scope["scopes"] = self._admit(Headers(scope=scope))
                allowance = self._limits.allowance("api", given.hex())
                if allowance is not None and allowance.wait:
                    raise TooManyRequests(
                        "rate_limit_exceeded",
                        f"Exceeded rate limit of {allowance.limit} requests.",
                        retry_after=int(allowance.wait) + 1,
                    )
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            if started:
                raise
            await answer_to(error)(scope, receive, send_guarded)

    def _admit(self, headers: Headers) -> tuple[bytes, frozenset[Scope]]:
        """The token's digest and what it may do. Raises Unauthorized. Tokens in the query are never looked
        at.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = _digest(token.strip()) if scheme.lower() == "bearer" and len(token) <= MAX_BEARER else b""
        # Every token is compared, so that the time tells nothing.
        found = [scopes for digest, scopes in self._tokens if hmac.compare_digest(given, digest)]
        if not found:
            raise Unauthorized("unauthorized", "Access Token Invalid")
        return given, frozenset().union(*found)


def scopes_of(token: str) -> frozenset[Scope]:
    """What a token of the settings may do."""
    return frozenset({Scope.read}) if token.startswith(READ_ONLY) else frozenset(Scope)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
