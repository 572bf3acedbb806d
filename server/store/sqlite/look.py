"""A SQLite file that is only read, also while a server serves it: for the commands that explain and count.

The connection cannot write and never checkpoints, so it is no second writer beside the server's.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from server.errors import StoreError, StoreTooNew
from server.store.engine import Writing
from server.store.rooms import Rooms
from server.store.schema import STEPS
from server.store.sqlite.engine import BUSY_SECONDS, prepare, translated_errors
from server.store.statement import Call

T = TypeVar("T")


class SqliteLook(Rooms):
    """The rooms of the store, of which those that write refuse to."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(_Engine(connection, path))


class _Engine:
    """Implements `store.engine.Engine` as far as it reads. One query after the other, in this thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def transaction(self) -> AbstractAsyncContextManager[Writing]:
        raise StoreError(f"{self._path} is opened for reading only.")

    async def read(self, call: Call[T]) -> list[T]:
        statement = prepare(call.statement)
        with translated_errors(self._path):
            rows = self._connection.execute(statement.sql, statement.encode(call.parameters)).fetchall()
        return statement.decode(rows)

    async def write(self, call: Call[T]) -> list[T]:
        raise StoreError(f"{self._path} is opened for reading only.")


@contextmanager
def look_into(path: Path) -> Iterator[SqliteLook]:
    """The file's rooms. Raises StoreError where there is none, or one of another version of the program."""
    if not path.exists():
        raise StoreError(f"There is no database at {path} yet: nothing has been collected.")
    with translated_errors(path):
        connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version > len(STEPS):
                raise StoreTooNew(f"{path} was written by a newer Leadtrail. Use that version.")
            if version < len(STEPS):
                raise StoreError(f"{path} is of an older version: run `leadtrail migrate` first.")
            yield SqliteLook(connection, path)
        finally:
            connection.close()
