"""The outbox at work on a real store: everything is delivered, tried again, parked, or put back."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from server.clock import DAY, HOUR, SECOND
from server.messages.channel import Channel, Delivered, Dropped, Failed, Gone, Hopeless, Outcome
from server.messages.channels import find_channels
from server.messages.outbox import LEASE, LOOK_AGAIN, SEND_SECONDS, Outbox
from server.messages.schedule import MAX_TRIES, PAUSES
from server.metrics import Metrics
from server.model import Delivery
from server.relay import parse_relay
from server.store.base import Changes, Store
from tests.messages.deliveries import NOW, hook, letter, means
from tests.messages.post_office import post_office
from tests.messages.receiver import receiving

pytestmark = pytest.mark.anyio


class Way:
    """A channel whose far side is a switch."""

    name = "webhook"

    def __init__(self, at_once: int = 32, each: int = 16) -> None:
        self.at_once = at_once
        self.each = each
        self.outcome: Outcome | Exception = Delivered()
        self.why_held: str | None = None
        self.sent: list[Delivery] = []
        self.open = asyncio.Event()
        self.open.set()
        self.flying = 0
        self.most_flying = 0
        self.begun = asyncio.Event()

    def held(self) -> str | None:
        return self.why_held

    async def send(self, delivery: Delivery, now: int) -> Outcome:
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        self.begun.set()
        try:
            await asyncio.sleep(0.01)
            await self.open.wait()
        finally:
            self.flying -= 1
        self.sent.append(delivery)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def outbox(store: Store, way: Way, clock: Clock, metrics: Metrics) -> Outbox:
    return working(store, way, clock, metrics)


def working(store: Store, way: Channel, clock: Clock, metrics: Metrics) -> Outbox:
    return Outbox(store.outbox, {way.name: way}, clock, metrics, chance=lambda: 0.5)


def won(number: int = 1, url: str = "https://crm.example.com/", **fields: Any) -> Delivery:
    return structs.replace(hook(url), id=f"msg_{number:032x}", person_id=16 * number, **fields)


async def put(store: Store, *deliveries: Delivery) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(deliveries=deliveries))


async def kept(store: Store, number: int = 1) -> Delivery:
    found = await store.outbox.find(won(number).id)
    assert found is not None
    return found


async def test_what_is_delivered_is_gone(store: Store, outbox: Outbox, way: Way, metrics: Metrics) -> None:
    await put(store, won())
    await outbox.deliver_due()
    await outbox.deliver_due()
    assert [sent.id for sent in way.sent] == [won().id]
    assert await store.outbox.counts() == {}
    assert b'leadtrail_deliveries_total{channel="webhook",outcome="delivered"} 1.0' in metrics.text()


async def test_what_fails_is_tried_ten_times_by_the_schedule_and_then_parked(
    store: Store, outbox: Outbox, way: Way, clock: Clock, metrics: Metrics
) -> None:
    way.outcome = Failed("answered 500")
    await put(store, won())
    for tries, pause in enumerate(PAUSES, start=1):
        await outbox.deliver_due()
        assert await kept(store) == won(due=clock.now + pause, tries=tries, error="answered 500")
        clock.now += pause - 1
        await outbox.deliver_due()
        assert len(way.sent) == tries
        clock.now += 1
    await outbox.deliver_due()
    clock.now += 10 * DAY
    await outbox.deliver_due()
    assert len(way.sent) == MAX_TRIES
    parked = await kept(store)
    assert parked.state == "parked"
    assert parked.error == "answered 500; given up after 10 tries"
    await outbox.deliver_due()
    assert b'leadtrail_deliveries_stored{channel="webhook",state="parked"} 1.0' in metrics.text()


async def test_a_receiver_is_left_alone_as_long_as_it_asks(
    store: Store, outbox: Outbox, way: Way, clock: Clock
) -> None:
    way.outcome = Failed("answered 429", 120 * SECOND)
    await put(store, won())
    await outbox.deliver_due()
    assert (await kept(store)).due == clock.now + 120 * SECOND


async def test_what_is_hopeless_is_parked_at_once_and_may_be_sent_again(
    store: Store, outbox: Outbox, way: Way, clock: Clock
) -> None:
    way.outcome = Hopeless("no public address")
    await put(store, won())
    await outbox.deliver_due()
    assert (await kept(store)).error == "no public address"
    way.outcome = Delivered()
    await store.outbox.retry(won().id, clock.now)
    await outbox.deliver_due()
    assert await store.outbox.counts() == {}


async def test_what_is_dropped_is_counted_and_gone(
    store: Store, outbox: Outbox, way: Way, metrics: Metrics
) -> None:
    way.outcome = Dropped("unsubscribed")
    await put(store, won())
    await outbox.deliver_due()
    assert await store.outbox.counts() == {}
    assert b'leadtrail_deliveries_total{channel="webhook",outcome="dropped"} 1.0' in metrics.text()


async def test_an_address_that_is_gone_gets_nothing_more_until_the_operator_says_so(
    store: Store, outbox: Outbox, way: Way, clock: Clock
) -> None:
    way.outcome = Gone("answered 410: it wants no more messages")
    await put(store, won())
    await outbox.deliver_due()
    [off] = await store.outbox.switched_off()
    assert (off.address, off.at) == ("https://crm.example.com/", clock.now)
    await put(store, won(2), won(3, "https://other.example/"))
    way.outcome = Delivered()
    await outbox.deliver_due()
    assert [sent.content["url"] for sent in way.sent[1:]] == ["https://other.example/"]
    assert "switched off" in (await kept(store, 2)).error
    await store.outbox.switch_on(off.address)
    await store.outbox.retry(None, clock.now)
    await outbox.deliver_due()
    assert await store.outbox.counts() == {}


async def test_a_channel_that_is_held_keeps_everything(
    store: Store, outbox: Outbox, way: Way, clock: Clock
) -> None:
    way.why_held = "LEADTRAIL_SMTP_URL is not set, so letters wait."
    await put(store, won())
    await outbox.deliver_due()
    assert outbox.held() == {"webhook": way.why_held}
    assert await kept(store) == won()
    way.why_held = None
    clock.now += 100 * DAY
    await outbox.deliver_due()
    assert len(way.sent) == 1


async def test_what_has_no_channel_waits(store: Store, outbox: Outbox) -> None:
    await put(store, won(channel="pigeon"))
    await outbox.deliver_due()
    assert await kept(store) == won(channel="pigeon")


async def test_a_defect_of_a_channel_is_a_failed_try(store: Store, outbox: Outbox, way: Way) -> None:
    way.outcome = ZeroDivisionError("ada@example.com")
    await put(store, won())
    await outbox.deliver_due()
    assert (await kept(store)).error == "the server itself failed; its log says how"


async def test_no_more_are_on_their_way_than_the_channel_takes(
    store: Store, clock: Clock, metrics: Metrics
) -> None:
    way = Way(at_once=4, each=4)
    await put(store, *(won(number) for number in range(1, 41)))
    await working(store, way, clock, metrics).deliver_due()
    assert len({sent.id for sent in way.sent}) == len(way.sent) == 40
    assert way.most_flying == 4


async def test_an_address_that_hangs_leaves_room_for_the_others(
    store: Store, clock: Clock, metrics: Metrics
) -> None:
    way = Way(at_once=8, each=2)
    outbox = working(store, way, clock, metrics)
    way.open.clear()
    await put(store, *(won(number, "https://hangs.example/") for number in range(1, 30)))
    await put(store, won(30, "https://other.example/"))
    outbox.start()
    await asyncio.wait_for(way.begun.wait(), 5)
    while way.flying < 3:
        await asyncio.sleep(0)
    assert way.most_flying == 3
    way.open.set()
    while len(way.sent) < 30:
        await asyncio.sleep(0)
    await outbox.close()
    assert {sent.tries for sent in way.sent} == {1}
    assert len({sent.id for sent in way.sent}) == 30


async def test_a_commit_wakes_the_worker(store: Store, outbox: Outbox, way: Way) -> None:
    outbox.start()
    await put(store, won())
    await asyncio.wait_for(way.begun.wait(), 5)
    await outbox.close()
    assert len(way.sent) == 1


async def test_what_was_there_before_the_start_is_sent(store: Store, outbox: Outbox, way: Way) -> None:
    await put(store, won())
    store.outbox.news.take()
    outbox.start()
    await asyncio.wait_for(way.begun.wait(), 5)
    await outbox.close()


async def test_what_a_killed_server_had_claimed_is_sent_when_its_lease_is_over(
    store: Store, outbox: Outbox, way: Way, clock: Clock
) -> None:
    await put(store, won())
    await store.outbox.claim((0, "webhook"), now=clock.now, until=clock.now + LEASE, limit=9)
    await outbox.deliver_due()
    assert way.sent == []
    clock.now += LEASE
    await outbox.deliver_due()
    assert [sent.tries for sent in way.sent] == [2]


async def test_what_is_in_flight_when_the_server_stops_is_put_back(
    store: Store, outbox: Outbox, way: Way, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.messages.outbox.DRAIN_SECONDS", 0.05)
    way.open.clear()
    await put(store, won())
    outbox.start()
    await asyncio.wait_for(way.begun.wait(), 5)
    await outbox.close()
    assert way.sent == []
    assert await kept(store) == won(due=clock.now)


async def test_what_ends_while_the_server_stops_is_done(store: Store, outbox: Outbox, way: Way) -> None:
    way.open.clear()
    await put(store, won())
    outbox.start()
    await asyncio.wait_for(way.begun.wait(), 5)
    closing = asyncio.create_task(outbox.close())
    await asyncio.sleep(0)
    way.open.set()
    await closing
    assert await store.outbox.counts() == {}


async def test_two_servers_send_each_delivery_once(
    store: Store, way: Way, clock: Clock, metrics: Metrics
) -> None:
    await put(store, *(won(number) for number in range(1, 61)))
    servers = [working(store, way, clock, metrics) for _ in range(3)]
    await asyncio.gather(*(server.deliver_due() for server in servers))
    assert len(way.sent) == len({sent.id for sent in way.sent}) == 60


async def test_an_outage_of_an_hour_is_made_up_for(store: Store, clock: Clock, metrics: Metrics) -> None:
    """By the real channel, at a real receiver: every delivery arrives, under its own id."""
    async with receiving() as receiver:
        channel = find_channels()["webhook"](means())
        outbox = working(store, channel, clock, metrics)
        receiver.fault = 503
        ids = {won(number).id for number in range(1, 61)}
        await put(store, *(won(number, receiver.url) for number in range(1, 61)))
        end = clock.now + HOUR
        while clock.now < end:
            await outbox.deliver_due()
            clock.now += 10 * LOOK_AGAIN
        failed = len(receiver.received)
        receiver.fault = ""
        clock.now += 3 * HOUR
        await outbox.deliver_due()
        arrived = [received.headers["webhook-id"] for received in receiver.received[failed:]]
        assert failed == 4 * 60
        assert sorted(arrived) == sorted(ids)
        await outbox.close()


async def test_a_letter_is_sent_once_when_the_mail_server_is_back(
    store: Store, clock: Clock, metrics: Metrics
) -> None:
    """By the real channel: away for an hour, then greylisting, then there."""
    async with post_office() as office:
        port = office.port
    relay = parse_relay(f"smtp://127.0.0.1:{port}")
    outbox = working(store, find_channels()["email"](means(relay=relay)), clock, metrics)
    sent = structs.replace(letter(), due=clock.now)
    await put(store, sent)
    await outbox.deliver_due()
    clock.now += HOUR
    await outbox.deliver_due()
    async with post_office(port=port) as office:
        office.fault = "450 4.2.1 greylisted"
        clock.now += HOUR
        await outbox.deliver_due()
        assert office.letters == []
        office.fault = ""
        clock.now += DAY
        await outbox.deliver_due()
        await outbox.deliver_due()
        assert [str(of["Message-ID"]) for of in office.letters] == [f"<{sent.id}@t.example.com>"]
    assert await store.outbox.counts() == {}
    await outbox.close()


def test_a_lease_is_longer_than_any_try() -> None:
    assert LEASE > (SEND_SECONDS + 5) * SECOND
