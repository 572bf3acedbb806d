"""The servers that share a database, as a store keeps them."""

from typing import Protocol

from server.peer import Peer


class Fleet(Protocol):
    """The servers that share the database."""

    async def report(self, server: Peer) -> None:
        """This server runs, as it says."""

    async def running(self, since: int) -> list[Peer]:
        """Those that have reported since then, the longest running first."""

    async def leave(self, server_id: str, before: int) -> None:
        """Forget this server, and those that have not reported since `before`."""
