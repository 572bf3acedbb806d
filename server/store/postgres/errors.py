"""asyncpg's errors as ours: which of them pass by themselves, and after which a transaction is repeated."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from server.errors import StoreError, StoreFull, StoreInterrupted, StoreUnavailable

_IN_THE_WAY = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    # Two servers that write the same new row: the second finds it when it looks again.
    asyncpg.UniqueViolationError,
)

_CUT_OFF = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    # What it leads to has become a standby.
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # "connection is closed", and what asyncpg says of one that broke.
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionResetError,
    BrokenPipeError,
)
"""The connection is lost. Whether a commit was still done is not known; a repeat finds out."""

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    OSError,
)
"""The database starts, has no room for a connection, or takes too long."""


@contextmanager
def translated_errors(place: str) -> Iterator[None]:
    """asyncpg's errors as ours; `place` says which database it is."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise _translated(error, place) from error


def _translated(error: Exception, place: str) -> StoreError:
    said = str(error) or type(error).__name__
    if isinstance(error, asyncpg.DiskFullError):
        return StoreFull(f"The disk of {place} is full ({said}). Nothing that was confirmed is lost.")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        return StoreError(f"{place} cannot be opened ({said}). Check DATABASE_URL.")
    if isinstance(error, asyncpg.DataError | asyncpg.ClientConfigurationError):
        return StoreError(f"{place}: {said}")
    if isinstance(error, _IN_THE_WAY):
        return StoreInterrupted(f"{place}: another transaction was in the way ({said}).")
    if isinstance(error, _CUT_OFF):
        return StoreInterrupted(f"{place}: the connection was lost ({said}).")
    if isinstance(error, _AWAY):
        return StoreUnavailable(f"{place} does not answer ({said}). It is tried again.")
    return StoreError(f"{place}: {said}")
