"""Messages on their way out, for every engine.

What is due is found by its index, lane by lane. Whoever claims a delivery moves its `due` to when another
server may take it over; a second server passes by what the first is just claiming. So no two servers have it
at once, and one that is killed loses none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import structs

from server.model import Delivery
from server.store.base import Lane, News, SwitchedOff
from server.store.engine import Engine
from server.store.rows import columns, given, selected
from server.store.statement import Call, Statement

LANES = 16
"""A power of two; stored with every delivery, so changing it moves what waits."""


def lane_of(delivery: Delivery) -> Lane:
    """Where it waits. The lowest bits of a person's id are random."""
    return delivery.person_id % LANES, delivery.channel


def in_lanes(deliveries: Iterable[Delivery]) -> list[tuple[Any, ...]]:
    """Deliveries as rows of their table: their fields, address and lane; in the order of its key."""
    by_key = sorted(deliveries, key=lambda delivery: (lane_of(delivery), delivery.id))
    return [(*structs.astuple(delivery), delivery.address, lane_of(delivery)[0]) for delivery in by_key]


_FIELDS = f"{', '.join(columns(Delivery))}, address, lane"

SAVE_DELIVERIES = Statement[None](
    "save outbox",
    f"""
INSERT INTO outbox ({_FIELDS})
SELECT {_FIELDS} FROM {given(Delivery, "address TEXT", "lane SMALLINT")} WHERE true ON CONFLICT DO NOTHING""",
)

_CLAIM = Statement(
    "claim deliveries",
    f"""
UPDATE outbox SET due = ?, tries = tries + 1
WHERE lane = ? AND id IN (
  SELECT id FROM outbox WHERE lane = ? AND channel = ? AND state = 'waiting' AND due <= ?
    AND NOT (address IN LIST (TEXT))
  ORDER BY due LIMIT ? FOR UPDATE SKIP LOCKED)
RETURNING {selected(Delivery)}""",
    Delivery,
)

_SETTLE = Statement[None](
    "settle delivery",
    """
UPDATE outbox SET due = ?, tries = ?, state = ?, error = ?
WHERE lane = ? AND id = ? AND state = 'waiting' AND due = ?""",
)

_DONE = Statement[None]("delivery done", "DELETE FROM outbox WHERE lane = ? AND id = ?")

_WAITING = Statement(
    "read waiting deliveries",
    "SELECT {lane, channel, min(due)} FROM outbox WHERE state = 'waiting' GROUP BY lane, channel",
    tuple[int, str, int],
)

_COUNTS = Statement(
    "count deliveries",
    "SELECT {channel, state, count(*)} FROM outbox GROUP BY channel, state",
    tuple[str, str, int],
)

# Lane by lane, as the key begins with it.
_FIND = Statement(
    "read delivery",
    f"""
SELECT {selected(Delivery)} FROM outbox
WHERE lane IN ({", ".join(str(lane) for lane in range(LANES))}) AND id = ?""",
    Delivery,
)

# The state is written out: so the index of those that are parked is found.
_LIST = {
    state: Statement(
        f"read {state} deliveries",
        f"""
SELECT {selected(Delivery)} FROM outbox WHERE state = '{state}' AND id < ?
ORDER BY id DESC LIMIT ?""",
        Delivery,
    )
    for state in ("waiting", "parked")
}

_RETRY = Statement(
    "retry delivery",
    """
UPDATE outbox SET state = 'waiting', due = ?, tries = 0 WHERE id = ? AND state = 'parked'
RETURNING {lane, channel}""",
    tuple[int, str],
)

_RETRY_ALL = Statement(
    "retry deliveries",
    """
UPDATE outbox SET state = 'waiting', due = ?, tries = 0 WHERE state = 'parked'
RETURNING {lane, channel}""",
    tuple[int, str],
)

_DISCARD = Statement(
    "discard delivery", "DELETE FROM outbox WHERE id = ? AND state = 'parked' RETURNING {id}", tuple[str]
)

_SWITCH_OFF = Statement[None](
    "switch address off",
    "INSERT INTO switched_off (address, channel, at, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
)

_SWITCH_ON = Statement(
    "switch address on", "DELETE FROM switched_off WHERE address = ? RETURNING {address}", tuple[str]
)

_IS_OFF = Statement(
    "read address switched off",
    "SELECT {address, channel, at, reason} FROM switched_off WHERE address = ?",
    SwitchedOff,
)

_ALL_OFF = Statement(
    "read addresses switched off",
    "SELECT {address, channel, at, reason} FROM switched_off ORDER BY at DESC, address LIMIT 200",
    SwitchedOff,
)

_UNSUBSCRIBE = Statement[None](
    "unsubscribe", "INSERT INTO unsubscribed (ident, at) VALUES (?, ?) ON CONFLICT DO NOTHING"
)

_RESUBSCRIBE = Statement[None]("resubscribe", "DELETE FROM unsubscribed WHERE ident = ?")

_UNSUBSCRIBED = Statement("read unsubscribed", "SELECT {at} FROM unsubscribed WHERE ident = ?", tuple[int])

_AFTER_ALL_IDS = "msg_~"


class SqlOutbox:
    """Implements `store.base.Outbox`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.news = News()

    async def waiting(self) -> Mapping[Lane, int]:
        rows = await self._engine.read(_WAITING())
        return {(lane, channel): due for lane, channel, due in rows}

    async def claim(
        self, lane: Lane, *, now: int, until: int, limit: int, but_not: Collection[str] = ()
    ) -> list[Delivery]:
        number, channel = lane
        claimed = await self._engine.write(_CLAIM(until, number, number, channel, now, list(but_not), limit))
        return sorted(claimed, key=lambda delivery: delivery.id)

    async def settle(self, settled: Sequence[tuple[Delivery, Delivery]]) -> None:
        await self._run(
            _SETTLE(now.due, now.tries, now.state, now.error, lane_of(was)[0], was.id, was.due)
            for was, now in settled
        )

    async def done(self, deliveries: Iterable[Delivery]) -> None:
        await self._run(_DONE(lane_of(delivery)[0], delivery.id) for delivery in deliveries)

    async def _run(self, calls: Iterable[Call[None]]) -> None:
        async with self._engine.transaction() as writing:
            await writing.run(*calls)

    async def counts(self) -> dict[tuple[str, str], int]:
        rows = await self._engine.read(_COUNTS())
        return {(channel, state): count for channel, state, count in rows}

    async def find(self, delivery_id: str) -> Delivery | None:
        for delivery in await self._engine.read(_FIND(delivery_id)):
            return delivery
        return None

    async def in_state(self, state: str, *, limit: int, before: str | None = None) -> list[Delivery]:
        return await self._engine.read(_LIST[state](before or _AFTER_ALL_IDS, limit))

    async def retry(self, delivery_id: str | None, now: int) -> int:
        call = _RETRY_ALL(now) if delivery_id is None else _RETRY(now, delivery_id)
        retried = await self._engine.write(call)
        if retried:
            self.news.add(retried)
        return len(retried)

    async def discard(self, delivery_id: str) -> bool:
        return bool(await self._engine.write(_DISCARD(delivery_id)))

    async def switch_off(self, channel: str, address: str, reason: str, now: int) -> None:
        await self._engine.write(_SWITCH_OFF(address, channel, now, reason))

    async def switch_on(self, address: str) -> bool:
        return bool(await self._engine.write(_SWITCH_ON(address)))

    async def switched_off(self, address: str | None = None) -> list[SwitchedOff]:
        return await self._engine.read(_ALL_OFF() if address is None else _IS_OFF(address))

    async def unsubscribe(self, ident: str, now: int) -> None:
        await self._engine.write(_UNSUBSCRIBE(ident, now))

    async def resubscribe(self, ident: str) -> None:
        await self._engine.write(_RESUBSCRIBE(ident))

    async def is_unsubscribed(self, ident: str) -> bool:
        return bool(await self._engine.read(_UNSUBSCRIBED(ident)))
