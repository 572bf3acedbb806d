"""The servers that share a database, for every engine."""

from server.peer import Peer
from server.store.engine import Engine
from server.store.rows import insert, replace, selected
from server.store.statement import Statement

_REPORT = insert(Peer, "servers", replace(Peer, "id"))

_RUNNING = Statement(
    "read servers", f"SELECT {selected(Peer)} FROM servers WHERE seen >= ? ORDER BY started, id", Peer
)

_LEAVE = Statement[None]("server leaves", "DELETE FROM servers WHERE id = ? OR seen < ?")


class SqlFleet:
    """Implements `store.base.Fleet`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def report(self, server: Peer) -> None:
        await self._engine.write(_REPORT([server]))

    async def running(self, since: int) -> list[Peer]:
        return await self._engine.read(_RUNNING(since))

    async def leave(self, server_id: str, before: int) -> None:
        await self._engine.write(_LEAVE(server_id, before))
