"""The servers that share a database: each reports now and then, and says where it differs from the others.

They decide nothing together. With other rules or other keys than its neighbours' a server answers the same
visitor differently, which nobody would see from outside; so it is said in the log and in /metrics.
"""

import asyncio
import hashlib
import secrets
import socket
from collections.abc import Sequence

import structlog
from msgspec import structs

from server import __version__
from server.clock import DAY, MINUTE, SECOND, Clock
from server.errors import StoreError
from server.metrics import Metrics
from server.peer import Peer
from server.rules.reload import Live
from server.store.base import Store

log = structlog.get_logger()

REPORT_EVERY = 15 * SECOND
GONE_AFTER = MINUTE
"""A server that has not reported for so long is not compared with any more."""


class Fleet:
    """This server among those of its store."""

    def __init__(
        self, store: Store, live: Live, clock: Clock, metrics: Metrics, signing: Sequence[str]
    ) -> None:
        """`signing` are the keys with which all of them should sign."""
        self._store = store
        self._live = live
        self._clock = clock
        self._metrics = metrics
        self._me = Peer(
            id=secrets.token_hex(8),
            host=socket.gethostname()[:64],
            version=__version__,
            rules=live.digest,
            keys=_digest(signing),
            started=clock(),
            seen=clock(),
        )
        self.differences: dict[str, list[str]] = {}
        """What other servers have otherwise (`rules`, `keys`), and the hosts of those."""

    async def run(self) -> None:
        """Report and compare until cancelled; then leave."""
        try:
            while True:
                try:
                    await self.report()
                except StoreError as error:
                    log.warning("server_not_reported", reason=str(error))
                await asyncio.sleep(REPORT_EVERY / SECOND)
        finally:
            await self._leave()

    async def report(self) -> None:
        """Tell the others, and look at them."""
        now = self._clock()
        self._me = structs.replace(self._me, rules=self._live.digest, seen=now)
        await self._store.fleet.report(self._me)
        peers = await self._store.fleet.running(now - GONE_AFTER)
        self._compare(peers)

    def _compare(self, peers: Sequence[Peer]) -> None:
        differences: dict[str, list[str]] = {}
        for what in ("rules", "keys"):
            hosts = {peer.host for peer in peers if getattr(peer, what) != getattr(self._me, what)}
            self._metrics.servers_differ.labels(what).set(len(hosts))
            if hosts:
                differences[what] = sorted(hosts)
        self._metrics.servers.set(len(peers))
        if differences != self.differences:
            for what, others in differences.items():
                log.warning("servers_differ", what=what, other_hosts=others, remedy=_REMEDIES[what])
            self.differences = differences

    async def _leave(self) -> None:
        try:
            await self._store.fleet.leave(self._me.id, self._clock() - DAY)
        except StoreError as error:
            log.info("server_left_without_a_word", reason=str(error))


_REMEDIES = {
    "rules": "give every server the same leadtrail.yaml",
    "keys": (
        "give every server the same LEADTRAIL_SECRET_KEYS, or visitors are strangers at the next one,"
        " and the same LEADTRAIL_WEBHOOK_SECRET, or receivers cannot verify its webhooks"
    ),
}


def _digest(keys: Sequence[str]) -> str:
    """Of the keys that sign. Slow to make, so that nobody tries keys out on it."""
    return hashlib.pbkdf2_hmac("sha256", "\n".join(keys).encode(), b"leadtrail fleet", 100_000)[:8].hex()
