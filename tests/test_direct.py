"""Events straight from the parser, on a real socket: the same answers as the common way, in order."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from server import direct
from server.app import Leadtrail, open_app
from server.cli.serve import server_config
from server.collect.decode import MAX_BODY
from server.ids import visitor_ident
from server.settings import Settings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[tuple[Leadtrail, int]]:
    (tmp_path / "leadtrail.yaml").write_text("sites: [{key: main}]")
    settings = Settings(
        config=tmp_path / "leadtrail.yaml", data_dir=tmp_path, secret_keys=("k" * 16,), port=0
    )
    async with open_app(settings) as app:
        server = uvicorn.Server(server_config(app, settings))
        listener = server.config.bind_socket()
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0)
        try:
            yield app, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running
            listener.close()


def view(number: int, head: bytes = b"", version: bytes = b"1.1", padding: int = 0) -> bytes:
    """The bytes of a request with one page view, its number in the path."""
    event = {"id": f"e{number}", "name": "page_view", "url": f"https://www.example.com/{number}"}
    body = json.dumps({"site": "main", "events": [event]}).encode() + b" " * padding
    head += b"Host: t.example.com\r\nContent-Length: %d\r\n\r\n" % len(body)
    return b"POST /e HTTP/" + version + b"\r\n" + head + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    return int(status.split()[1]), headers, body


async def test_a_connection_carries_one_request_after_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(3):
            writer.write(view(number))
            status, headers, body = await answer(reader)
            assert (status, headers["cache-control"]) == (200, "no-store")
            assert "date" in headers
            assert headers["set-cookie"].startswith("lt=" + body["visitor"])
        writer.close()


async def test_requests_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path) as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(view(1) + b"GET /e HTTP/1.1\r\nHost: t\r\n\r\n" + view(2))
        first, between, second = [await answer(reader) for _ in range(3)]
        assert (first[0], between[0], second[0]) == (200, 405, 200)
        for body in (first[2], second[2]):
            ident = visitor_ident("main", body["visitor"].split(".")[0])
            assert await app.store.reads.person_of(ident) is not None
        writer.close()


@pytest.mark.parametrize(
    "special",
    [
        pytest.param(view(1, b"Expect: 100-continue\r\n"), id="an Expect"),
        pytest.param(
            b"POST /e HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'd\r\n{"site":"main\r\n1d\r\n","events":[{"id":"a","name":\r\n6\r\n"x"}]}\r\n0\r\n\r\n',
            id="a body in chunks",
        ),
        pytest.param(view(1, version=b"1.0"), id="HTTP/1.0"),
        pytest.param(view(1, b"Connection: close\r\n"), id="a last request"),
    ],
)
async def test_what_is_special_is_answered_as_well(tmp_path: Path, special: bytes) -> None:
    async with serving(tmp_path) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(special)
        if b"100-continue" in special:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        status, headers, _ = await answer(reader)
        assert status == 200
        if b"1.0" in special or b"close" in special:
            assert headers["connection"] == "close"
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413)])
async def test_the_limit_of_the_body_holds_on_this_way_too(tmp_path: Path, over: int, status: int) -> None:
    padding = MAX_BODY + over - len(view(1).partition(b"\r\n\r\n")[2])
    async with serving(tmp_path) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(view(1, padding=padding))
        assert (await answer(reader))[0] == status
        writer.close()


async def test_a_compressed_body_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(view(1, b"Content-Encoding: gzip\r\n"))
        status, _, body = await answer(reader)
        assert (status, body["error"]["code"]) == (415, "unsupported_encoding")
        writer.close()


async def test_who_hangs_up_is_stored_all_the_same(tmp_path: Path) -> None:
    async with serving(tmp_path) as (app, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(view(1))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        while not (await app.store.reads.find_people(limit=1)).people:
            await asyncio.sleep(0)


async def test_an_answered_request_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    def exchanges() -> int:
        return sum(type(one) is direct._Exchange for one in gc.get_objects())

    async with serving(tmp_path) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        gc.disable()
        try:
            for number in range(3):
                writer.write(view(number))
                await answer(reader)
            # The connection holds its last one.
            assert exchanges() == 1
        finally:
            gc.enable()
            writer.close()
