"""The far side of webhooks: a real HTTP server on loopback, with a switch for each way to misbehave."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

GIGABYTE = 1 << 30


class Received(NamedTuple):
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers as `fault` says: "" takes it, a number is answered as it is, or one of `hang`, `close`,
    `drip`, `gigabyte`, `garbage`.
    """

    def __init__(self) -> None:
        self.fault: str | int = ""
        self.headers: dict[str, str] = {}
        """Sent with the answer."""
        self.received: list[Received] = []
        self.connections = 0
        self.written = 0
        """Bytes of gigabyte answers that went out."""
        self.port = 0
        self._busy: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._busy.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.received.append(Received(request.split(" ")[1], headers, body))
        fault = self.fault
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "close":
            return False
        if fault == "garbage":
            writer.write(b"220 mail.example.com ESMTP\r\n")
            await writer.drain()
            return False
        status = fault if isinstance(fault, int) else 200
        length = {"gigabyte": GIGABYTE, "drip": 100}.get(str(fault), 2)
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n{more}\r\n".encode())
        if fault == "gigabyte":
            block = b"x" * 65_536
            while self.written < GIGABYTE:
                writer.write(block)
                await writer.drain()
                self.written += len(block)
        elif fault == "drip":
            writer.write(b"x")
            await writer.drain()
            await asyncio.Event().wait()
        else:
            writer.write(b"ok")
        await writer.drain()
        return True

    async def stop(self) -> None:
        for task in list(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)


@asynccontextmanager
async def receiving(host: str = "127.0.0.1", **tls: Any) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, host, 0, **tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.stop()
        await server.wait_closed()
