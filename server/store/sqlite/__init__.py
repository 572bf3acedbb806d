"""The embedded engine: one file, one server, every commit synced to the disk before it is answered."""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from server.errors import StoreError, StoreUnavailable
from server.store.rooms import Rooms
from server.store.sqlite.backup import tell_backups
from server.store.sqlite.cache import Cache, CachedTransaction
from server.store.sqlite.engine import SqliteEngine, open_engine
from server.store.sqlite.forgetting import forget_events
from server.store.sqlite.migrate import migrate

OLDEST = (3, 38, 0)
"""The first SQLite with `->>`."""

LOW_SPACE_BYTES = 64 * 1024 * 1024
"""Below this much free disk the server is not ready (reliability: refuse before it is full)."""


class SqliteStore(Rooms):
    """Implements `store.base.Store` on one file."""

    is_shared = False

    def __init__(self, engine: SqliteEngine) -> None:
        super().__init__(engine)
        self._engine = engine
        self._cache = Cache()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CachedTransaction]:
        try:
            async with self._engine.transaction() as writing:
                transaction = CachedTransaction(writing, self._cache)
                yield transaction
            self.tell(transaction)
            self._cache.forget_the_oldest()
        except BaseException:
            # It holds what the transaction wrote, and what it read of that.
            self._cache.forget()
            raise

    async def make_room(self, now: int) -> None:
        """Nothing is to be done."""

    async def forget_events(self, before: int) -> None:
        await forget_events(self._engine, before)

    async def tell_backups(self, tombs: Mapping[str, int]) -> None:
        await asyncio.to_thread(tell_backups, self._engine.path, tombs)

    async def scrub(self) -> None:
        # What is deleted is overwritten (`secure_delete`); the log, which holds it still, is cut off.
        [(busy, _, _)] = await self._engine.pragma("wal_checkpoint(TRUNCATE)")
        if busy:
            raise StoreUnavailable(
                f"{self._engine.path} is read by another program, so its log still holds what was deleted."
                " It goes with the next erasure, or when the server stops."
            )

    async def check(self) -> str | None:
        try:
            await self._engine.fetch("SELECT 1")
        except StoreError as error:
            return str(error)
        free = shutil.disk_usage(self._engine.path.parent).free
        if free < LOW_SPACE_BYTES:
            return f"only {free // 1_048_576} MB are free on the disk of {self._engine.path}"
        return None

    def describe(self) -> Sequence[str]:
        lines = [f"SQLite {sqlite3.sqlite_version}, {self._engine.path}"]
        return [*lines, *warnings()]

    async def close(self) -> None:
        await self._engine.close()


def warnings() -> list[str]:
    """What is to be said about the SQLite that runs here."""
    if not may_lose_pages(sqlite3.sqlite_version_info):
        return []
    return [
        f"warning: SQLite {sqlite3.sqlite_version} has the WAL-reset bug"
        " (sqlite.org/wal.html#walresetbug). Leadtrail writes and checkpoints on one connection only,"
        " which avoids it; open the file with no other program while the server runs,"
        " and prefer a Python with SQLite 3.51.3 or newer."
    ]


def may_lose_pages(version: tuple[int, ...]) -> bool:
    """Whether a SQLite version has the WAL-reset bug: 3.7.0 to 3.51.2, but for the mended 3.44.6 and
    3.50.7.
    """
    mended = (version[:2] == (3, 44) and version[2] >= 6) or (version[:2] == (3, 50) and version[2] >= 7)
    return (3, 7, 0) <= version < (3, 51, 3) and not mended


async def open_sqlite(path: Path) -> SqliteStore:
    """Open the file, begun or migrated as needed.

    Raises StoreInUse, StoreDamaged, StoreTooNew, or StoreError when SQLite itself is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old; Leadtrail needs 3.38 or newer. Use a newer Python."
        )
    engine = await open_engine(path)
    try:
        await migrate(engine)
    except BaseException:
        await engine.close()
        raise
    return SqliteStore(engine)


async def migrate_sqlite(path: Path) -> int:
    """Bring the file to this program's schema; answers how many steps were missing. Raises as
    `open_sqlite`.
    """
    engine = await open_engine(path)
    try:
        return await migrate(engine)
    finally:
        await engine.close()


def path_of(database_url: str) -> Path:
    """The file of a `sqlite:///relative` or `sqlite:////absolute` URL."""
    match = re.fullmatch(r"sqlite:///(.+)", database_url)
    if match is None:
        raise ValueError(f"{database_url!r} is no SQLite URL; write sqlite:///data/leadtrail.db")
    return Path(match[1])
