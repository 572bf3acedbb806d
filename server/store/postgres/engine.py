"""Connections to PostgreSQL: the pool, transactions, and statements as PostgreSQL reads them.

Nothing is kept in a session between transactions, so that a pooler such as PgBouncer may stand between.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

import asyncpg
import msgspec
from msgspec import structs

from server.errors import StoreError, StoreUnavailable
from server.model import encode_json
from server.store.postgres.dialect import PostgresDialect, numbered
from server.store.postgres.errors import translated_errors
from server.store.statement import Call, Statement, render

MAX_CONNECTIONS = 10
CONNECT_SECONDS = 5
ANSWER_SECONDS = 20
"""How long a statement may take, and how long one waits for a free connection."""

T = TypeVar("T")

# Read committed: each statement sees what was committed when it began, so what is read after `hold` is what
# the transaction that held the people before has left.
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED;"
    f"SET LOCAL statement_timeout = '{ANSWER_SECONDS}s';"
    "SET LOCAL idle_in_transaction_session_timeout = '60s'"
)

_HOLD = numbered(
    "/* hold */ SELECT person_id FROM people WHERE person_id = ANY (?::BIGINT[])"
    " ORDER BY person_id FOR UPDATE"
)

_ON_CITUS = {"citus.override_table_visibility": "off"}


class Server(NamedTuple):
    """What the other side is."""

    version: str
    pooled: bool
    """Whether a pooler stands between: its connections are no sessions."""
    distributed: bool
    """Whether it is Citus."""
    synchronous_commit: str
    fsync: str


class _Prepared(Generic[T]):
    """A statement as PostgreSQL reads it."""

    def __init__(self, statement: Statement[T]) -> None:
        portable, self._parameters = render(statement.sql, PostgresDialect())
        self.sql = numbered(portable)
        rows: Any = list[statement.gives or Any]  # type: ignore[misc]
        self._rows: Callable[[], Any] = lambda: rows

    def encode(self, parameters: Sequence[Any]) -> list[Any]:
        """A value as it is, a list of rows as one array for each column."""
        encoded: list[Any] = []
        for value, columns in zip(parameters, self._parameters, strict=True):
            if not columns:
                encoded.append(_without_nul(value))
            elif len(columns) == 1:
                encoded.append(list(value))
            elif value:
                rows = map(structs.astuple, value) if isinstance(value[0], msgspec.Struct) else value
                encoded += [list(column) for column in zip(*rows, strict=True)]
            else:
                encoded += [[] for _ in columns]
        return encoded

    def decode(self, records: Sequence[Any]) -> list[T]:
        # Not strict: a boolean is kept as a number, as in SQLite.
        rows: list[T] = msgspec.convert([tuple(record) for record in records], self._rows(), strict=False)
        return rows


@lru_cache(maxsize=1_024)
def _prepared(statement: Statement[T]) -> _Prepared[T]:
    return _Prepared(statement)


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL in its texts; what is asked with one then finds nothing."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


class PostgresWriting:
    """Implements `store.engine.Writing` on one connection. It begins with the first statement."""

    def __init__(self, connection: asyncpg.Connection, place: str, *, distributed: bool) -> None:
        self._connection = connection
        self._place = place
        self._distributed = distributed
        self.begun = False

    async def ask(self, call: Call[T]) -> list[T]:
        prepared = _prepared(call.statement)
        return prepared.decode(await self.fetch(prepared.sql, *prepared.encode(call.parameters)))

    async def run(self, *calls: Call[Any]) -> None:
        for call in calls:
            await self.ask(call)

    async def hold(self, person_ids: Collection[int]) -> None:
        """Their rows are locked, in the order of their ids, so that nobody waits in a circle."""
        ordered = sorted(person_ids)
        # Citus locks rows only on one shard in each statement.
        for held in [[person_id] for person_id in ordered] if self._distributed else [ordered]:
            await self.fetch(_HOLD, held)

    async def fetch(self, sql: str, *parameters: Any) -> list[Any]:
        """A statement of PostgreSQL's own."""
        await self._begin()
        with translated_errors(self._place):
            rows: list[Any] = await self._connection.fetch(sql, *parameters)
        return rows

    async def execute(self, sql: str, *parameters: Any) -> int:
        """The same, of which only the number of rows is wanted."""
        await self._begin()
        with translated_errors(self._place):
            status: str = await self._connection.execute(sql, *parameters)
        return int(status.rpartition(" ")[2])

    async def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            with translated_errors(self._place):
                await self._connection.execute(_BEGIN)

    async def commit(self) -> None:
        with translated_errors(self._place):
            if self.begun and await self._connection.execute("COMMIT") != "COMMIT":
                # A statement had failed, so PostgreSQL has rolled back.
                raise StoreError(f"{self._place}: a statement of the transaction had failed.")

    async def roll_back(self) -> None:
        if self.begun:
            # Where the connection is lost, PostgreSQL rolls back by itself.
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._connection.execute("ROLLBACK")


class PostgresEngine:
    """Implements `store.engine.Engine` by a pool of connections. Use `open_engine`."""

    def __init__(self, pool: asyncpg.Pool, place: str, server: Server) -> None:
        self._pool = pool
        self.place = place
        self.server = server

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresWriting]:
        """Commits, or rolls back on any error."""
        async with self._connection() as connection:
            writing = PostgresWriting(connection, self.place, distributed=self.server.distributed)
            try:
                yield writing
                await writing.commit()
            except BaseException:
                await asyncio.shield(writing.roll_back())
                raise

    async def read(self, call: Call[T]) -> list[T]:
        if self.server.pooled:
            # Behind a pooler only the statements of one transaction reach one session.
            return await self.write(call)
        prepared = _prepared(call.statement)
        return prepared.decode(await self.fetch(prepared.sql, *prepared.encode(call.parameters)))

    async def write(self, call: Call[T]) -> list[T]:
        async with self.transaction() as writing:
            return await writing.ask(call)

    async def fetch(self, sql: str, *parameters: Any) -> list[Any]:
        """The rows of a query of PostgreSQL's own."""
        async with self._connection() as connection:
            with translated_errors(self.place):
                rows: list[Any] = await connection.fetch(sql, *parameters)
        return rows

    async def close(self) -> None:
        """Close all connections, once what runs on them has ended."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pool.close(), CONNECT_SECONDS)
        self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        with translated_errors(self.place):
            connection = await self._pool.acquire(timeout=ANSWER_SECONDS)
        try:
            yield connection
        except StoreUnavailable:
            # It may be half dead, or lead to a server that has become a standby.
            with contextlib.suppress(asyncpg.InterfaceError):
                connection.terminate()
            raise
        finally:
            with translated_errors(self.place):
                await self._pool.release(connection)


async def open_engine(database_url: str) -> PostgresEngine:
    """Connect. Raises StoreUnavailable when the database does not answer, StoreError when it refuses."""
    place = place_of(database_url)
    with translated_errors(place):
        server = await _look(database_url)
        pool = await asyncpg.create_pool(
            database_url,
            min_size=1,
            max_size=MAX_CONNECTIONS,
            timeout=CONNECT_SECONDS,
            command_timeout=ANSWER_SECONDS + 5,
            # Else Citus takes seconds for what asyncpg asks it about types (citus.override_table_visibility).
            server_settings=_ON_CITUS if server.distributed and not server.pooled else None,
            # Prepared statements belong to a session, which is not ours behind a pooler.
            statement_cache_size=0 if server.pooled else 500,
            init=_teach_json,
            reset=_nothing_to_reset,
        )
    return PostgresEngine(pool, place, server)


def place_of(database_url: str) -> str:
    """The database for people to read: without its password."""
    parts = urlsplit(database_url)
    return f"PostgreSQL at {parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


async def connect(database_url: str) -> asyncpg.Connection:
    """One connection outside of any pool."""
    return await asyncpg.connect(database_url, timeout=CONNECT_SECONDS, statement_cache_size=0)


async def _look(database_url: str) -> Server:
    connection = await connect(database_url)
    try:
        async with connection.transaction():
            [row] = await connection.fetch(
                "SELECT current_setting('server_version'), current_setting('synchronous_commit'),"
                " current_setting('fsync'), pg_backend_pid(),"
                " EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')"
            )
            version, synchronous_commit, fsync, process, citus = row
            return Server(
                version=version,
                pooled=process != connection.get_server_pid(),
                distributed=citus,
                synchronous_commit=synchronous_commit,
                fsync=fsync,
            )
    finally:
        await connection.close()


async def _teach_json(connection: asyncpg.Connection) -> None:
    # In a transaction, since it asks the database about the type, and behind a pooler only a transaction
    # reaches one session.
    async with connection.transaction():
        await connection.set_type_codec(
            "json",
            encoder=lambda value: encode_json(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


async def _nothing_to_reset(_: Any) -> None:
    """Instead of asyncpg's own reset, which costs each use of a connection one more round trip."""
