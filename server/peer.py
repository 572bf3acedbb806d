"""What one of the servers of a database says of itself to the others."""

from msgspec import Struct


class Peer(Struct, frozen=True, array_like=True):
    """One of the servers that share a database."""

    id: str
    """Chosen by chance at its start."""
    host: str
    version: str
    rules: str
    """The digest of the rule file that runs."""
    keys: str
    """The digest of the keys that sign visitors' tokens."""
    started: int
    seen: int
