"""What is done about once an hour beside the requests: old events are forgotten, room is made for new ones.

Every server does it. On one database they find each other's work done.
"""

import asyncio

import structlog

from server.clock import HOUR, SECOND, Clock
from server.errors import StoreError
from server.rules.reload import Live
from server.store.base import Store

log = structlog.get_logger()

EVERY = HOUR


class Upkeep:
    """Keeps events for as long as the file says (`retention`)."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock

    async def run(self) -> None:
        """Now and every hour, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(EVERY / SECOND)

    async def once(self) -> None:
        """All of it. What the database refuses is told, and tried again in an hour."""
        now, retention = self._clock(), self._live.current.retention
        try:
            await self._store.make_room(now)
        except StoreError as error:
            log.warning("no_room_made", reason=str(error), remedy="run `leadtrail migrate` daily")
        if retention is None:
            return
        try:
            await self._store.forget_events(now - retention)
            await self._store.forget_merges(now - retention)
        except StoreError as error:
            log.warning("old_events_not_forgotten", reason=str(error))
