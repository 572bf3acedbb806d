"""Which engine a database's URL means."""

from server.store.base import Store
from server.store.sqlite import open_sqlite, path_of


async def open_store(database_url: str) -> Store:
    """The open store of a `sqlite:///…` URL, begun or migrated as needed. Raises StoreError, or ValueError
    for a URL of no engine.
    """
    return await open_sqlite(path_of(database_url))
