"""How a webhook leaves the server: one POST to an address that was checked at the moment it is dialled.

The name is resolved here, every address that it has is judged (`addresses`), and the connection
goes to such an address itself; Host and TLS keep the name. So a name that resolves to a public address when
it is looked at, and to this machine a moment later, leads nowhere. No redirects, no proxies, no cookies.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

import httpcore2

from server.addresses import Address, Allowed, Target, may_dial, refusal

SECONDS = 15
"""For all of it: looking up, connecting, TLS, sending, and the answer's header."""
CONNECT_SECONDS = 5

MAX_REPLY = 64 * 1024
"""Bytes of an answer that are read; what comes after them is not waited for."""

CONNECTIONS = 64
KEEP_ALIVE_SECONDS = 5

Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""The addresses of a host, in the order in which to try them. Raises OSError when it has none."""

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Refused(Exception):
    """The address is not one that may be dialled; `str()` says why, and what to do."""


class Unanswered(Exception):
    """No answer came; `str()` says why, in words for the operator."""


class Reply(NamedTuple):
    """What the receiver answered; its body is read and forgotten."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""


async def system_resolve(host: str, port: int) -> list[Address]:
    """What the machine's resolver says, IPv4 and IPv6."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = (ipaddress.ip_address(str(name[0]).partition("%")[0]) for *_, name in found)
    return list(dict.fromkeys(addresses))


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only, whatever it is asked for."""

    def __init__(self, let: Allowed, resolve: Resolve) -> None:
        self._let = let
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        target = Target("https", host, port, "/")
        for address in addresses:
            # One that is refused refuses all: a name with a public and a private address is an attempt.
            if not may_dial(target, address, self._let):
                raise Refused(refusal(target, address))
        failure: Exception = httpcore2.ConnectError("it has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


class Dialler:
    """Sends POST requests; one for the whole server."""

    def __init__(self, let: Allowed, *, resolve: Resolve = system_resolve, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_CheckedNetwork(let, resolve),
        )

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
        """The receiver's answer. Raises Refused, or Unanswered when none came in time."""
        url = httpcore2.URL(
            scheme=target.scheme.encode(),
            host=target.host.encode(),
            port=target.port,
            target=target.path.encode(),
        )
        timeouts = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds}
        named = {"Host": target.origin.partition("://")[2], **headers}
        answered: Reply | None = None
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._pool.stream(
                    "POST", url, headers=list(named.items()), content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                answered = Reply(
                    response.status,
                    {
                        name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in response.headers
                    },
                )
                await _read_a_little(response)
        except (
            TimeoutError,
            OSError,
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
        ) as error:
            # Once it has answered, how the rest of the answer ends is its own affair.
            if answered is None:
                raise Unanswered(self._why(error)) from error
        return answered

    def _why(self, error: Exception) -> str:
        if isinstance(error, socket.gaierror):
            return f"its name was not found ({error.strerror})"
        if isinstance(error, httpcore2.ConnectTimeout):
            return f"no connection within {CONNECT_SECONDS} s"
        if isinstance(error, TimeoutError | httpcore2.TimeoutException):
            return f"no answer within {self._seconds:g} s"
        if isinstance(error, httpcore2.ProtocolError):
            return f"it did not answer in HTTP ({error})"
        return f"no connection ({error})" if str(error) else "the connection broke"

    async def close(self) -> None:
        """Close what is kept open."""
        await self._pool.aclose()


async def _read_a_little(response: httpcore2.Response) -> None:
    left = MAX_REPLY
    async with contextlib.aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            left -= len(chunk)
            if left <= 0:
                return
