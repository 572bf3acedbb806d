"""What servers tell each other through the store, on every engine."""

import pytest
from msgspec import structs

from server.peer import Peer
from server.store.base import Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


def peer(name: str, **fields: object) -> Peer:
    return structs.replace(Peer(name, "web-1", "0.1.0", "rules", "keys", NOW, NOW), **fields)


async def test_servers_are_those_that_reported_lately(store: Store) -> None:
    await store.fleet.report(peer("b", started=NOW + 1))
    await store.fleet.report(peer("a"))
    await store.fleet.report(peer("c", seen=NOW - 1))
    assert await store.fleet.running(NOW) == [peer("a"), peer("b", started=NOW + 1)]


async def test_a_server_reports_again_and_leaves(store: Store) -> None:
    await store.fleet.report(peer("a"))
    await store.fleet.report(peer("b", seen=NOW - 5))
    await store.fleet.report(peer("a", rules="new rules", seen=NOW + 9))
    assert await store.fleet.running(NOW) == [peer("a", rules="new rules", seen=NOW + 9)]
    await store.fleet.leave("a", NOW - 5)
    assert await store.fleet.running(0) == [peer("b", seen=NOW - 5)]
    await store.fleet.leave("a", NOW)
    assert await store.fleet.running(0) == []
