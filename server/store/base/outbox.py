"""Messages on their way out, as a store keeps them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from server.model import Delivery


class SwitchedOff(NamedTuple):
    """An address to which nothing is sent any more, until the operator switches it on again."""

    address: str
    channel: str
    at: int
    reason: str


Lane = tuple[int, str]
"""Where a delivery waits: (lane, channel). All of a person's are in one lane."""


class News:
    """The lanes in which something to send was committed since they were last taken, by this process."""

    def __init__(self) -> None:
        self._lanes: set[Lane] = set()
        self._told = asyncio.Event()

    def add(self, lanes: Iterable[Lane]) -> None:
        """Tell of them; told of none, whoever waits only wakes."""
        self._lanes.update(lanes)
        self._told.set()

    def take(self) -> set[Lane]:
        """What was told, once."""
        self._told.clear()
        lanes, self._lanes = self._lanes, set()
        return lanes

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._told.wait()


class Outbox(Protocol):
    """Messages on their way out, for those who send them and for the operator."""

    news: News
    """Told after every commit, here or in a transaction, that leaves something to send."""

    async def waiting(self) -> Mapping[Lane, int]:
        """Where anything waits, and since or until when the earliest of it is due."""

    async def claim(
        self, lane: Lane, *, now: int, until: int, limit: int, but_not: Collection[str] = ()
    ) -> list[Delivery]:
        """Deliveries that are due, the longest due first chosen: nobody else gets them before `until`. Each
        has one try more. Those to an address in `but_not` are passed over.
        """

    async def settle(self, settled: Sequence[tuple[Delivery, Delivery]]) -> None:
        """What has become of claimed deliveries that are not done: (as claimed, as they now are). One that
        somebody else has taken over meanwhile is left to them.
        """

    async def done(self, deliveries: Iterable[Delivery]) -> None:
        """They are delivered, or never will be: forget them."""

    async def counts(self) -> dict[tuple[str, str], int]:
        """How many there are by (channel, state)."""

    async def find(self, delivery_id: str) -> Delivery | None: ...

    async def in_state(self, state: str, *, limit: int, before: str | None = None) -> list[Delivery]:
        """Newest first, those made before the delivery `before`."""

    async def retry(self, delivery_id: str | None, now: int) -> int:
        """Send a parked one again, from the first try on, or all of them; how many that are."""

    async def discard(self, delivery_id: str) -> bool:
        """Forget a parked one. False if there is none."""

    async def switch_off(self, channel: str, address: str, reason: str, now: int) -> None: ...

    async def switch_on(self, address: str) -> bool: ...

    async def switched_off(self, address: str | None = None) -> Sequence[SwitchedOff]:
        """All of them, newest first, or the one asked for."""

    async def unsubscribe(self, ident: str, now: int) -> None:
        """No more letters to whom the ident means (`messages.unsubscribe`)."""

    async def resubscribe(self, ident: str) -> None: ...

    async def is_unsubscribed(self, ident: str) -> bool: ...
