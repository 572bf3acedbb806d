"""The outbox at work: in the background, what is due is claimed, sent by its channel, and settled.

Everything is delivered at least once. What one server has claimed another takes over when its lease is over,
so a server that is killed between commit and sending, or between sending and settling, loses nothing; the
receiver knows a repeat by the delivery's id. The deliveries of one person keep no order.
"""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import structlog
from msgspec import structs

from server.clock import SECOND, Clock
from server.errors import StoreError
from server.messages.channel import Channel, Delivered, Dropped, Failed, Gone, Hopeless, Outcome
from server.messages.schedule import MAX_TRIES, pause_after
from server.metrics import Metrics
from server.model import Delivery
from server.store.base import Lane
from server.store.base import Outbox as Stored

log = structlog.get_logger()

SEND_SECONDS = 25
"""No try takes longer."""

LEASE = 40 * SECOND
"""How long a claimed delivery is nobody else's; longer than any try."""

LOOK_AGAIN = 20 * SECOND
"""What this server commits is sent at once; for what others have left, all lanes are looked at so often."""

DRAIN_SECONDS = 1.5
"""How long the tries in flight have to end when the server stops; then they are put back."""

_ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+")

Chance = Callable[[], float]


class Outbox:
    """The worker. One for each server; several share one store."""

    def __init__(
        self,
        stored: Stored,
        channels: Mapping[str, Channel],
        clock: Clock,
        metrics: Metrics,
        *,
        chance: Chance = random.random,
    ) -> None:
        self._stored = stored
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._chance = chance
        self._flights: dict[asyncio.Task[None], Delivery] = {}
        self._left: set[Lane] = set()
        """Lanes in which more is due than there was room for."""
        self._landings = 0
        self._look_at = 0
        self._worker: asyncio.Task[None] | None = None

    def held(self) -> dict[str, str]:
        """The channels by which nothing can leave now, and why."""
        return {name: why for name, channel in self._channels.items() if (why := channel.held())}

    def start(self) -> None:
        """Work until `close`."""
        self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Let the tries in flight end, for a moment; those that do not are put back for another server."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        if self._flights:
            await asyncio.wait(self._flights, timeout=DRAIN_SECONDS)
        cut = dict(self._flights)
        for flight in cut:
            flight.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        with _store_may_fail("put_back"):
            await self._put_back(cut.values(), self._clock())
        for channel in self._channels.values():
            await channel.close()

    async def deliver_due(self) -> None:
        """Send everything that is due now, once, and wait for it."""
        self._look_at = 0
        await self._look()
        while self._flights or self._left:
            if self._flights:
                await asyncio.wait(self._flights, return_when=asyncio.FIRST_COMPLETED)
            await self._look()

    async def _work(self) -> None:
        while True:
            with _store_may_fail("look"):
                await self._look()
            seconds = max(0.01, (self._look_at - self._clock()) / SECOND)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stored.news.wait(), min(seconds, LOOK_AGAIN / SECOND))

    async def _look(self) -> None:
        """Claim what is due where it is known to be, or everywhere when it is time to."""
        now = self._clock()
        lanes = self._stored.news.take() | self._left
        self._left = set()
        if now >= self._look_at:
            self._look_at = now + LOOK_AGAIN
            waiting = await self._stored.waiting()
            lanes.update(lane for lane, due in waiting.items() if due <= now)
            self._look_again((due for due in waiting.values() if due > now), now)
            await self._count()
        landed = self._landings
        for lane in sorted(lanes):
            await self._claim(lane, now)
        if self._left and landed != self._landings:
            # Room was made while it was looked for.
            self._stored.news.add(())

    def _look_again(self, dues: Iterable[int], now: int) -> None:
        self._look_at = min([self._look_at, *(max(due, now + 1) for due in dues)])

    async def _count(self) -> None:
        counts = await self._stored.counts()
        for name in self._channels:
            for state in ("waiting", "parked"):
                self._metrics.deliveries_stored.labels(name, state).set(counts.get((name, state), 0))

    async def _claim(self, lane: Lane, now: int) -> None:
        """Begin what there is room for: in all, and by address, so that one that hangs stops no other."""
        channel = self._channels.get(lane[1])
        if channel is None or channel.held():
            return
        to_each = Counter(of.address for of in self._flights.values() if of.channel == channel.name)
        more = True
        while more and (room := channel.at_once - to_each.total()) > 0:
            full = [address for address, flying in to_each.items() if flying >= channel.each]
            claimed = await self._stored.claim(lane, now=now, until=now + LEASE, limit=room, but_not=full)
            too_many = []
            for delivery in claimed:
                if to_each[delivery.address] < channel.each:
                    to_each[delivery.address] += 1
                    self._begin(channel, delivery)
                else:
                    too_many.append(delivery)
            await self._put_back(too_many, now)
            more = len(claimed) == room
        if more or max(to_each.values(), default=0) >= channel.each:
            self._left.add(lane)

    def _begin(self, channel: Channel, delivery: Delivery) -> None:
        flight = asyncio.create_task(self._deliver(channel, delivery))
        self._flights[flight] = delivery
        flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        del self._flights[flight]
        self._landings += 1
        if self._left:
            self._stored.news.add(())

    async def _put_back(self, deliveries: Iterable[Delivery], due: int) -> None:
        """As if they had never been claimed, but for when they are due."""
        settled = [(of, structs.replace(of, due=due, tries=of.tries - 1)) for of in deliveries]
        if settled:
            await self._stored.settle(settled)

    async def _deliver(self, channel: Channel, delivery: Delivery) -> None:
        with _store_may_fail("settle"):
            outcome = await self._send(channel, delivery)
            await self._settle(channel, delivery, outcome)

    async def _send(self, channel: Channel, delivery: Delivery) -> Outcome:
        for off in await self._stored.switched_off(delivery.address):
            return Hopeless(f"{off.reason}; it has been switched off since")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await channel.send(delivery, self._clock())
        except TimeoutError:
            return Failed(f"no answer within {SEND_SECONDS} s")
        except StoreError:
            raise
        except Exception:
            log.exception("delivery_broke", id=delivery.id, channel=channel.name)
            return Failed("the server itself failed; its log says how")

    async def _settle(self, channel: Channel, delivery: Delivery, outcome: Outcome) -> None:
        now = self._clock()
        told = log.bind(
            id=delivery.id, channel=channel.name, rule=delivery.rule, site=delivery.site, tries=delivery.tries
        )
        match outcome:
            case Delivered():
                await self._stored.done([delivery])
                self._counted(channel, "delivered")
                told.info("delivered", after_ms=now - delivery.made)
            case Dropped(reason):
                await self._stored.done([delivery])
                self._counted(channel, "dropped")
                told.info("delivery_dropped", reason=reason)
            case Failed(error, wait):
                pause = pause_after(delivery.tries, self._chance(), wait)
                if pause is None:
                    error = f"{error}; given up after {MAX_TRIES} tries"
                    await self._park(channel, delivery, error, told)
                    return
                later = structs.replace(delivery, due=now + pause, error=error)
                await self._stored.settle([(delivery, later)])
                self._look_again([later.due], now)
                self._counted(channel, "retried")
                told.warning("delivery_failed", error=_harmless(error), again_in_s=pause // SECOND)
            case Gone(error):
                await self._stored.switch_off(channel.name, delivery.address, error, now)
                told.error("address_switched_off", error=_harmless(error))
                await self._park(channel, delivery, error, told)
            case Hopeless(error):
                await self._park(channel, delivery, error, told)

    async def _park(
        self, channel: Channel, delivery: Delivery, error: str, told: structlog.stdlib.BoundLogger
    ) -> None:
        await self._stored.settle([(delivery, structs.replace(delivery, state="parked", error=error))])
        self._counted(channel, "parked")
        told.error("delivery_parked", error=_harmless(error))

    def _counted(self, channel: Channel, outcome: str) -> None:
        self._metrics.deliveries.labels(channel.name, outcome).inc()


@contextlib.contextmanager
def _store_may_fail(doing: str) -> Iterator[None]:
    """The database may be away for a while: what was claimed is due again when its lease is over."""
    try:
        yield
    except StoreError as error:
        log.warning("outbox_waits_for_the_database", doing=doing, error=str(error))


def _harmless(error: str) -> str:
    """An error as the log may have it: mail servers repeat whom they refuse."""
    return _ADDRESS.sub("<address>", error)
