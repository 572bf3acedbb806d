"""The connection's limits, on a real socket: each proved at its edge, and the answer readable."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from server import front
from server.front import MAX_BODY, MAX_HEADER_BYTES, MAX_HEADERS, MAX_TARGET, GuardedProtocol

pytestmark = pytest.mark.anyio


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message.get("more_body"):
            break
    body = str(size).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    config = uvicorn.Config(
        echo, http=GuardedProtocol, lifespan="off", ws="none", log_level="critical", port=0
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    running = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        listener.close()


async def answer_to(port: int, *parts: bytes) -> tuple[int, str]:
    """Status and error code of what comes back; the connection is read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split()[1])
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    body = await reader.readexactly(length)
    writer.close()
    return status, json.loads(body)["error"]["code"] if status != 200 else body.decode()


def request(target: bytes = b"/", headers: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"POST %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n%s" % (target, headers, length, body)


async def test_an_ordinary_request_passes() -> None:
    async with serving() as port:
        assert await answer_to(port, request(body=b"hello")) == (200, "5")


async def test_header_lines_are_counted() -> None:
    lines = b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS - 1))
    async with serving() as port:
        assert await answer_to(port, request(headers=lines)) == (200, "0")
        assert await answer_to(port, request(headers=lines + b"One: more\r\n")) == (431, "too_many_headers")


async def test_header_bytes_are_names_and_values_together() -> None:
    taken = len("Host") + len("a") + len("X")
    exact = b"X: " + b"v" * (MAX_HEADER_BYTES - taken) + b"\r\n"
    async with serving() as port:
        assert await answer_to(port, request(headers=exact)) == (200, "0")
        assert await answer_to(port, request(headers=exact.replace(b"X", b"XX"))) == (
            431,
            "headers_too_large",
        )


async def test_a_header_that_never_ends_is_cut_off_before_it_fills_the_memory() -> None:
    async with serving() as port:
        assert await answer_to(port, b"POST / HTTP/1.1\r\nX: " + b"v" * 60_000) == (431, "headers_too_large")


async def test_the_path_has_a_largest_length() -> None:
    async with serving() as port:
        assert await answer_to(port, request(target=b"/" + b"p" * (MAX_TARGET - 1))) == (200, "0")
        assert await answer_to(port, request(target=b"/" + b"p" * MAX_TARGET)) == (414, "path_too_long")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", 400, "invalid_host"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "invalid_host"),
        (b"hello\r\n\r\n", 400, "invalid_http"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
            "invalid_http",
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413, "body_too_large"),
    ],
)
async def test_what_is_no_clear_request_is_refused(raw: bytes, status: int, code: str) -> None:
    async with serving() as port:
        assert await answer_to(port, raw) == (status, code)


async def test_two_lengths_are_refused() -> None:
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    async with serving() as port:
        status, code = await answer_to(port, raw)
    assert (status, code in ("ambiguous_length", "invalid_http")) == (400, True)


async def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving() as port:
        assert await answer_to(port, head, chunk * 16, b"0\r\n\r\n") == (200, str(MAX_BODY))
        assert await answer_to(port, head, chunk * 16 + b"1\r\nx\r\n") == (413, "body_too_large")


@pytest.mark.parametrize(
    "unfinished",
    [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: a\r\n", request(body=b"hello")[:-1]],
    ids=["silence", "half a line", "half a header", "half a body"],
)
async def test_what_does_not_arrive_in_time_is_told_so_and_closed(
    unfinished: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "ARRIVAL_SECONDS", 0.05)
    async with serving() as port:
        assert await answer_to(port, unfinished) == (408, "request_timeout")


async def test_a_trickle_does_not_lengthen_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "ARRIVAL_SECONDS", 0.05)
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def trickle() -> None:
            for byte in request(headers=b"X: " + b"v" * 5_000):
                writer.write(bytes([byte]))
                await asyncio.sleep(0.001)

        trickling = asyncio.create_task(trickle())
        assert (await reader.readuntil(b"\r\n")).split()[1] == b"408"
        trickling.cancel()
        writer.close()


async def test_a_connection_serves_one_request_after_the_other_beyond_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "ARRIVAL_SECONDS", 0.05)
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.2
        answered = 0
        while loop.time() < end:
            writer.write(request(body=b"hello"))
            assert b"200" in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(1) == b"5"
            answered += 1
        assert answered > 1
        writer.close()
