"""The SQLite file: its connections, its lock, its version; no statement about people or events.

One connection writes and checkpoints, all others only read: SQLite 3.7.0 to 3.51.2 can lose pages when two
connections write or checkpoint (sqlite.org/wal.html#walresetbug). Statements take and give whole batches as
JSON (`dialect`), so that each is one step in C, outside of the interpreter's lock, and one hop to the
connection's thread.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiosqlite
import msgspec

from server.errors import StoreDamaged, StoreError, StoreFull, StoreInUse, StoreUnavailable
from server.model import encode_json
from server.store.sqlite.dialect import SqliteDialect
from server.store.statement import Call, Statement, render

READERS = 2
BUSY_SECONDS = 5
CHECKPOINT_PAGES = 4_000
"""Checkpoint the log at about 16 MB: fewer, larger ones cost less than SQLite's 1,000 pages."""

WRITER_CACHE_KIB = 64 * 1024
"""The pages of active people stay in memory; SQLite's own 2 MB read them again for every event."""

T = TypeVar("T")

Row = tuple[Any, ...]

Step = tuple[str, Sequence[Any]]
"""A statement in SQLite's own words, with its parameters."""


class _Prepared(Generic[T]):
    """A statement as SQLite reads it."""

    def __init__(self, statement: Statement[T]) -> None:
        self.sql, self._parameters = render(statement.sql, SqliteDialect())
        # Not strict: SQLite keeps a boolean as a number.
        rows: Any = list[statement.gives or Any]  # type: ignore[misc]
        self._decode: Callable[[str], list[T]] = msgspec.json.Decoder(rows, strict=False).decode

    def encode(self, parameters: Sequence[Any]) -> list[Any]:
        return [
            encode_json(value).decode() if columns else value
            for value, columns in zip(parameters, self._parameters, strict=True)
        ]

    def decode(self, rows: Iterable[Any]) -> list[T]:
        return self._decode(f"[{','.join(row[0] for row in rows)}]")


@lru_cache(maxsize=1_024)
def prepare(statement: Statement[T]) -> _Prepared[T]:
    """The statement as SQLite reads it, rendered once."""
    return _Prepared(statement)


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection, which can also take several steps at once: one hop to its thread, not one each.

    A hop there and back costs about 25 us, as much as SQLite needs for one event.
    """

    async def take(self, steps: Sequence[Step]) -> list[Row]:
        """Execute the steps in their order; the rows of the last one."""
        # aiosqlite gives this method no types.
        rows: list[Row] = await self._execute(self._take, steps)  # type: ignore[no-untyped-call]
        return rows

    def _take(self, steps: Sequence[Step]) -> list[Row]:
        execute = self._conn.execute
        for sql, parameters in steps[:-1]:
            execute(sql, parameters).fetchall()
        return execute(*steps[-1]).fetchall()


class SqliteWriting:
    """Implements `store.engine.Writing` on the writing connection, inside BEGIN IMMEDIATE.

    What gives nothing waits for the next statement that gives something, or for the commit, and goes with it.
    """

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._steps: list[Step] = [("BEGIN IMMEDIATE", ())]
        self._begun = False

    async def ask(self, call: Call[T]) -> list[T]:
        prepared = prepare(call.statement)
        return prepared.decode(await self._take(prepared.sql, prepared.encode(call.parameters)))

    async def run(self, *calls: Call[Any]) -> None:
        for statement, parameters in calls:
            prepared = prepare(statement)
            self._steps.append((prepared.sql, prepared.encode(parameters)))

    async def hold(self, person_ids: Collection[int]) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the whole file."""

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """A statement of SQLite's own."""
        return await self._take(sql, parameters)

    async def commit(self) -> None:
        """Write what waits, and return when it is on the disk."""
        if self._begun or len(self._steps) > 1:
            await self._take("COMMIT")

    async def _take(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        steps, self._steps, self._begun = [*self._steps, (sql, parameters)], [], True
        return await self._connection.take(steps)


class SqliteEngine:
    """Implements `store.engine.Engine` by the open connections on one file. Use `open_engine`."""

    def __init__(self, path: Path, writer: _Connection, readers: list[_Connection], lock: int) -> None:
        self.path = path
        self._writer = writer
        self._write_turn = asyncio.Lock()
        self._readers = readers
        self._free: asyncio.Queue[_Connection] = asyncio.Queue()
        for reader in readers:
            self._free.put_nowait(reader)
        self._lock = lock

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteWriting]:
        """The writing connection inside `BEGIN IMMEDIATE`; commits, or rolls back on any error."""
        async with self._write_turn:
            writing = SqliteWriting(self._writer)
            with translated_errors(self.path):
                try:
                    yield writing
                    await writing.commit()
                except BaseException:
                    # A full disk or an I/O error may have rolled back already.
                    with contextlib.suppress(sqlite3.OperationalError):
                        await asyncio.shield(self._writer.rollback())
                    raise

    async def read(self, call: Call[T]) -> list[T]:
        prepared = prepare(call.statement)
        return prepared.decode(await self.fetch(prepared.sql, prepared.encode(call.parameters)))

    async def write(self, call: Call[T]) -> list[T]:
        async with self.transaction() as writing:
            return await writing.ask(call)

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query of SQLite's own, on a connection that cannot write."""
        reader = await self._free.get()
        try:
            with translated_errors(self.path):
                return [tuple(row) for row in await reader.execute_fetchall(sql, parameters)]
        finally:
            self._free.put_nowait(reader)

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """A statement of SQLite's own, in a transaction of its own."""
        async with self.transaction() as writing:
            await writing.execute(sql, parameters)

    async def pragma(self, pragma: str) -> list[Row]:
        """What a pragma answers on the writing connection, outside of any transaction."""
        async with self._write_turn:
            with translated_errors(self.path):
                return [tuple(row) for row in await self._writer.execute_fetchall(f"PRAGMA {pragma}")]

    async def close(self) -> None:
        """Close all connections, the writer last, so that it folds the log back into the file."""
        for connection in (*self._readers, self._writer):
            await connection.close()
        os.close(self._lock)


async def open_engine(path: Path) -> SqliteEngine:
    """Open or begin the database.

    Raises StoreInUse when another process serves it and StoreDamaged when it is no intact database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    connections: list[_Connection] = []
    try:
        with translated_errors(path):
            _refuse_half_a_database(path)
            writer = await _connect(path)
            connections.append(writer)
            path.chmod(0o600)  # noqa: ASYNC240 - once, at the start
            await _configure(
                writer,
                f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
                f"PRAGMA cache_size = -{WRITER_CACHE_KIB}",
            )
            readers = []
            for _ in range(READERS):
                reader = await _connect(path)
                connections.append(reader)
                await _configure(reader, "PRAGMA wal_autocheckpoint = 0", "PRAGMA query_only = ON")
                readers.append(reader)
    except BaseException:
        for connection in connections:
            await connection.close()
        os.close(lock)
        raise
    return SqliteEngine(path, writer, readers, lock)


async def _connect(path: Path) -> _Connection:
    opening = partial(sqlite3.connect, path, isolation_level=None, cached_statements=256)
    connection = _Connection(opening, iter_chunk_size=64)
    await connection
    return connection


async def _configure(connection: _Connection, *more: str) -> None:
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
