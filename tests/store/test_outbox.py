"""What every engine does for the outbox: it is written with its event, claimed once, and loses nothing."""

import asyncio

import pytest
from msgspec import structs

from server.ids import new_delivery_id
from server.model import Delivery
from server.store.base import Changes, Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000
LEASE = 30_000


def delivery(number: int = 1, person_id: int = 16, **fields: object) -> Delivery:
    plain = Delivery(
        person_id,
        f"msg_{number:032x}",
        "main",
        "pricing-help",
        1,
        "webhook",
        NOW,
        NOW,
        content={"url": "https://crm.example.com/", "data": {"text": "a 'text' \u2028 {x}", "n": [1, None]}},
    )
    return structs.replace(plain, **fields)


async def put(store: Store, *deliveries: Delivery) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(deliveries=deliveries))


async def claim(
    store: Store, now: int = NOW, *, lane: int = 0, channel: str = "webhook", limit: int = 10
) -> list[Delivery]:
    return await store.outbox.claim((lane, channel), now=now, until=now + LEASE, limit=limit)


async def test_a_delivery_comes_back_as_it_was_written_with_one_try_more(store: Store) -> None:
    await put(store, delivery())
    assert await claim(store) == [delivery(due=NOW + LEASE, tries=1)]


async def test_what_is_claimed_is_nobody_elses_until_its_time_is_over(store: Store) -> None:
    await put(store, delivery())
    assert len(await claim(store)) == 1
    assert await claim(store, NOW + LEASE - 1) == []
    assert await claim(store, NOW + LEASE) == [delivery(due=NOW + 2 * LEASE, tries=2)]


async def test_many_who_claim_at_once_get_each_delivery_once(store: Store) -> None:
    await put(store, *(delivery(number) for number in range(40)))
    claims = await asyncio.gather(*(claim(store, limit=7) for _ in range(8)))
    claimed = [one.id for each in claims for one in each]
    assert len(claimed) == len(set(claimed)) == 40


async def test_only_what_is_due_of_the_lane_and_the_channel_is_claimed(store: Store) -> None:
    await put(
        store,
        delivery(1, due=NOW + 1),
        delivery(2, channel="email"),
        delivery(3, person_id=17),
        delivery(4, state="parked"),
        delivery(5),
    )
    assert [one.id for one in await claim(store)] == [delivery(5).id]
    assert [one.id for one in await claim(store, lane=1)] == [delivery(3).id]
    assert [one.id for one in await claim(store, channel="email")] == [delivery(2).id]


async def test_the_longest_due_go_first(store: Store) -> None:
    await put(store, *(delivery(number, due=NOW - number) for number in (1, 3, 2)))
    assert {one.id for one in await claim(store, limit=2)} == {delivery(2).id, delivery(3).id}


async def test_addresses_that_are_busy_are_passed_over(store: Store) -> None:
    others = [delivery(number, content={"url": f"https://{number}.example/"}) for number in (1, 2, 3)]
    await put(store, *others, delivery(4, content={}))
    claimed = await store.outbox.claim(
        (0, "webhook"),
        now=NOW,
        until=NOW + LEASE,
        limit=9,
        but_not=["https://1.example/", "https://3.example/"],
    )
    assert [one.id for one in claimed] == [delivery(2).id, delivery(4).id]


async def test_it_says_in_which_lanes_what_is_due_when(store: Store) -> None:
    await put(store, *(delivery(n, person_id=(1 << 62) + n * 7, due=NOW + n) for n in range(50)))
    await put(store, delivery(50, channel="email"), delivery(51, state="parked", person_id=1))
    waiting = await store.outbox.waiting()
    assert waiting[0, "email"] == NOW
    assert min(due for (_, channel), due in waiting.items() if channel == "webhook") == NOW
    found = [await store.outbox.claim(lane, now=NOW + 50, until=NOW + 99, limit=50) for lane in waiting]
    assert sum(len(each) for each in found) == 51
    assert set((await store.outbox.waiting()).values()) == {NOW + 99}


async def test_a_delivery_that_is_done_is_gone(store: Store) -> None:
    await put(store, delivery(1), delivery(2))
    [first, _] = await claim(store)
    await store.outbox.done([first])
    assert await store.outbox.find(first.id) is None
    assert await store.outbox.find(delivery(2).id) is not None


async def test_a_settled_delivery_is_due_when_it_says(store: Store) -> None:
    await put(store, delivery())
    [claimed] = await claim(store)
    later = structs.replace(claimed, due=NOW + 60_000, error="answered 500")
    await store.outbox.settle([(claimed, later)])
    assert await claim(store, NOW + 59_999) == []
    assert await claim(store, NOW + 60_000) == [structs.replace(later, due=NOW + 60_000 + LEASE, tries=2)]


async def test_whoever_was_overtaken_settles_nothing(store: Store) -> None:
    await put(store, delivery())
    [slow] = await claim(store)
    [quick] = await claim(store, NOW + LEASE)
    await store.outbox.settle([(slow, structs.replace(slow, state="parked"))])
    assert await store.outbox.find(slow.id) == quick


async def test_a_parked_delivery_waits_for_the_operator(store: Store) -> None:
    await put(store, delivery(1), delivery(2))
    first, second = claimed = await claim(store)
    await store.outbox.settle([(one, structs.replace(one, state="parked", error="no")) for one in claimed])
    assert await claim(store, NOW + 10 * LEASE) == []
    parked = await store.outbox.in_state("parked", limit=10)
    assert [one.id for one in parked] == [second.id, first.id]
    assert [one.error for one in parked] == ["no", "no"]
    assert await store.outbox.in_state("parked", limit=1, before=second.id) == parked[1:]
    assert await store.outbox.counts() == {("webhook", "parked"): 2}


async def test_a_parked_delivery_is_sent_again_from_the_first_try_on(store: Store) -> None:
    tired = [delivery(number, state="parked", tries=10) for number in (1, 2)]
    await put(store, *tired, delivery(3))
    assert await store.outbox.retry(delivery(1).id, NOW + 1) == 1
    assert await store.outbox.retry(delivery(1).id, NOW + 1) == 0
    assert await store.outbox.retry(delivery(3).id, NOW + 1) == 0
    assert await store.outbox.retry(None, NOW + 1) == 1
    assert [one.tries for one in await claim(store, NOW + 1)] == [1, 1, 1]


async def test_a_parked_delivery_can_be_discarded_and_no_other(store: Store) -> None:
    await put(store, delivery(1, state="parked"), delivery(2))
    assert await store.outbox.discard(delivery(1).id)
    assert not await store.outbox.discard(delivery(1).id)
    assert not await store.outbox.discard(delivery(2).id)
    assert await store.outbox.find(delivery(1).id) is None


async def test_a_commit_that_leaves_something_to_send_is_told(store: Store) -> None:
    await put(store)
    assert store.outbox.news.take() == set()
    await put(store, delivery(1, state="parked"), delivery(2, person_id=18, channel="email"))
    await asyncio.wait_for(store.outbox.news.wait(), 5)
    assert store.outbox.news.take() == {(0, "webhook"), (2, "email")}
    assert store.outbox.news.take() == set()
    await store.outbox.retry(None, NOW)
    assert store.outbox.news.take() == {(0, "webhook")}


async def test_a_transaction_that_fails_delivers_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.transaction() as transaction:
            await transaction.save(Changes(deliveries=[delivery()]))
            raise RuntimeError("before the commit")
    assert store.outbox.news.take() == set()
    assert await claim(store) == []


async def test_an_address_is_off_until_it_is_switched_on_again(store: Store) -> None:
    await store.outbox.switch_off("webhook", "https://x.example/", "answered 410", NOW)
    await store.outbox.switch_off("webhook", "https://x.example/", "answered 410 again", NOW + 1)
    [off] = await store.outbox.switched_off("https://x.example/")
    assert off == ("https://x.example/", "webhook", NOW, "answered 410")
    assert await store.outbox.switched_off("https://y.example/") == []
    assert await store.outbox.switched_off() == [off]
    assert await store.outbox.switch_on("https://x.example/")
    assert not await store.outbox.switch_on("https://x.example/")
    assert await store.outbox.switched_off() == []


async def test_who_unsubscribed_is_remembered(store: Store) -> None:
    await store.outbox.unsubscribe("main/abc", NOW)
    await store.outbox.unsubscribe("main/abc", NOW + 1)
    assert await store.outbox.is_unsubscribed("main/abc")
    assert not await store.outbox.is_unsubscribed("other/abc")
    await store.outbox.resubscribe("main/abc")
    assert not await store.outbox.is_unsubscribed("main/abc")


def test_ids_of_deliveries_sort_by_when_they_were_made() -> None:
    ids = [new_delivery_id(NOW + step) for step in range(20)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
