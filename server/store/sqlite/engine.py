"""The SQLite file: its connections, its lock, its version; no statement about people or events.

One connection writes and checkpoints, all others only read: SQLite 3.7.0 to 3.51.2 can lose pages when two
connections write or checkpoint (sqlite.org/wal.html#walresetbug). Statements take and give whole batches as
JSON, so that each is one step in C, outside of the interpreter's lock, and one hop to the connection's
thread.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from server.errors import StoreDamaged, StoreError, StoreFull, StoreInUse, StoreUnavailable

READERS = 2
BUSY_SECONDS = 5
CHECKPOINT_PAGES = 4_000
"""Checkpoint the log at about 16 MB: fewer, larger ones cost less than SQLite's 1,000 pages."""

WRITER_CACHE_KIB = 64 * 1024
"""The pages of active people stay in memory; SQLite's own 2 MB read them again for every event."""

Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]


class Writing:
    """The writing connection inside of one transaction."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.begun = False

    async def run(self, *statements: Statement) -> list[list[Row]]:
        """The rows of each statement. They are queued together, so that many cost one wait.

        The transaction begins with the first of them. When one fails, it must not be committed.
        """
        queue = [self._connection.execute_fetchall(sql, parameters) for sql, parameters in statements]
        if not self.begun:
            self.begun = True
            queue.insert(0, self._connection.execute_fetchall("BEGIN IMMEDIATE"))
        answers = await asyncio.gather(*queue) if len(queue) > 1 else [await queue[0]]
        return [[tuple(row) for row in rows] for rows in answers[-len(statements) :]]


class Engine:
    """Open connections on one file. Use `open_engine`."""

    def __init__(
        self, path: Path, writer: aiosqlite.Connection, readers: list[aiosqlite.Connection], lock: int
    ) -> None:
        self.path = path
        self._writer = writer
        self._write_turn = asyncio.Lock()
        self._readers = readers
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._free.put_nowait(reader)
        self._lock = lock

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writing]:
        """The writing connection inside `BEGIN IMMEDIATE`; commits, or rolls back on any error."""
        async with self._write_turn:
            writing = Writing(self._writer)
            with translated_errors(self.path):
                try:
                    yield writing
                    if writing.begun:
                        await self._writer.execute_fetchall("COMMIT")
                except BaseException:
                    # A full disk or an I/O error may have rolled back already.
                    with contextlib.suppress(sqlite3.OperationalError):
                        await asyncio.shield(self._writer.rollback())
                    raise

    async def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of one query, on a connection that cannot write."""
        reader = await self._free.get()
        try:
            with translated_errors(self.path):
                return [tuple(row) for row in await reader.execute_fetchall(sql, parameters)]
        finally:
            self._free.put_nowait(reader)

    async def write(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """One statement in a transaction of its own; its RETURNING rows."""
        async with self.transaction() as writing:
            [rows] = await writing.run((sql, parameters))
        return rows

    async def close(self) -> None:
        """Close all connections, the writer last, so that it folds the log back into the file."""
        for connection in (*self._readers, self._writer):
            await connection.close()
        os.close(self._lock)


async def open_engine(path: Path) -> Engine:
    """Open or begin the database.

    Raises StoreInUse when another process serves it and StoreDamaged when it is no intact database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    connections: list[aiosqlite.Connection] = []
    try:
        with translated_errors(path):
            _refuse_half_a_database(path)
            writer = await aiosqlite.connect(path, isolation_level=None, cached_statements=256)
            connections.append(writer)
            path.chmod(0o600)  # noqa: ASYNC240 - once, at the start
            await _configure(
                writer,
                f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
                f"PRAGMA cache_size = -{WRITER_CACHE_KIB}",
            )
            readers = []
            for _ in range(READERS):
                reader = await aiosqlite.connect(path, isolation_level=None, cached_statements=256)
                connections.append(reader)
                await _configure(reader, "PRAGMA wal_autocheckpoint = 0", "PRAGMA query_only = ON")
                readers.append(reader)
    except BaseException:
        for connection in connections:
            await connection.close()
        os.close(lock)
        raise
    return Engine(path, writer, readers, lock)


async def _configure(connection: aiosqlite.Connection, *more: str) -> None:
    for pragma in (
        f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA secure_delete = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA mmap_size = 268435456",
        *more,
    ):
        await connection.execute_fetchall(pragma)


def _lock(path: Path) -> int:
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreInUse(
            f"{path} is in use by another leadtrail (process {holder})."
            " SQLite has one server at a time: stop that one first."
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _refuse_half_a_database(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    if not path.exists() and log.exists() and log.stat().st_size:
        raise StoreDamaged(
            f"{path} is missing although its log {log.name} is there. Nothing new is begun beside it:"
            f" put the database back from a backup, or remove {log.name} to begin anew."
        )
    if path.exists() and 0 < path.stat().st_size < 512:
        raise StoreDamaged(f"{path} is cut off. Put it back from a backup.")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """sqlite3's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def _translated(error: sqlite3.Error, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StoreFull(
            f"The disk that holds {path} is full. Free some space; nothing that was confirmed is lost."
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreDamaged(f"{path} is damaged ({error}). Put it back from a backup.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnavailable(f"{path} is locked by another program. It is tried again.")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
        return StoreUnavailable(
            f"{path} cannot be opened or written ({error}). Check the folder, its owner and the disk."
        )
    return StoreError(f"{path}: {error}")
