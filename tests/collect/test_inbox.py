"""The inbox: grouped commits, bounded waiting, nothing lost at the end."""

import asyncio

import pytest

from server.collect import inbox as inbox_module
from server.collect.inbox import Inbox
from server.errors import Busy, DiskFull, LeadtrailError, StoreFull, StoreUnavailable
from server.metrics import Metrics
from server.model import Answer, Batch, Event

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


def batch(*ids: str) -> Batch:
    events = [Event(id=event_id, name="x", at=NOW, received=NOW) for event_id in ids]
    return Batch(site="main", visitor="v", events=events)


class SlowRecorder:
    """A recorder whose commits end when the test lets them."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.let_go = asyncio.Event()
        self.began = asyncio.Event()
        self.error: Exception | None = None

    async def record(self, batches: list[Batch], now: int) -> list[Answer]:
        self.groups.append([event.id for batch in batches for event in batch.events])
        self.began.set()
        await self.let_go.wait()
        if self.error is not None:
            raise self.error
        return [Answer(len(batch.events), 0) for batch in batches]


def make() -> tuple[SlowRecorder, Inbox, Metrics]:
    recorder, metrics = SlowRecorder(), Metrics()
    return recorder, Inbox(recorder, lambda: NOW, metrics), metrics


def value(metrics: Metrics, name: str) -> float:
    found = metrics.registry.get_sample_value(name)
    assert found is not None
    return found


async def test_requests_that_come_together_are_committed_together() -> None:
    recorder, inbox, _ = make()
    recorder.let_go.set()
    answers = [inbox.store([batch(f"e{n}")]) for n in range(3)]
    assert [[a.stored for a in answer] for answer in await asyncio.gather(*answers)] == [[1], [1], [1]]
    assert recorder.groups == [["e0", "e1", "e2"]]


async def test_what_comes_during_a_commit_is_the_next_group_and_nobody_is_answered_before_his_own() -> None:
    recorder, inbox, _ = make()
    first = inbox.store([batch("a")])
    await recorder.began.wait()
    second, third = inbox.store([batch("b")]), inbox.store([batch("c")])
    assert not first.done()
    recorder.let_go.set()
    await asyncio.gather(first, second, third)
    assert recorder.groups == [["a"], ["b", "c"]]


async def test_a_full_inbox_refuses_and_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING_EVENTS", 2)
    recorder, inbox, metrics = make()
    taken = inbox.store([batch("a", "b")])
    with pytest.raises(Busy) as refused:
        inbox.store([batch("c")])
    assert refused.value.retry_after == 2
    assert value(metrics, "leadtrail_events_shed_total") == 1
    recorder.let_go.set()
    await taken
    await inbox.store([batch("c")])


async def test_a_group_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_GROUP_EVENTS", 3)
    recorder, inbox, _ = make()
    recorder.let_go.set()
    await asyncio.gather(*(inbox.store([batch(f"{n}a", f"{n}b")]) for n in range(3)))
    assert recorder.groups == [["0a", "0b"], ["1a", "1b"], ["2a", "2b"]]


async def test_closing_waits_for_what_was_taken_and_takes_no_more() -> None:
    recorder, inbox, _ = make()
    answer = inbox.store([batch("a")])
    await recorder.began.wait()
    closing = asyncio.create_task(inbox.close())
    await asyncio.sleep(0)
    assert not closing.done()
    recorder.let_go.set()
    await closing
    assert answer.done()
    with pytest.raises(Busy):
        inbox.store([batch("b")])


@pytest.mark.parametrize(
    ("error", "answered"),
    [(StoreFull("full"), DiskFull), (StoreUnavailable("away"), Busy), (LeadtrailError("x"), LeadtrailError)],
)
async def test_a_store_that_fails_is_told_to_everyone_who_waits(
    error: Exception, answered: type[Exception]
) -> None:
    recorder, inbox, metrics = make()
    recorder.error = error
    recorder.let_go.set()
    for answer in [inbox.store([batch("a")]), inbox.store([batch("b")])]:
        with pytest.raises(answered):
            await answer
    assert value(metrics, "leadtrail_events_shed_total") == 2


async def test_one_request_that_breaks_the_trail_does_not_take_the_others_with_it() -> None:
    class Picky(SlowRecorder):
        async def record(self, batches: list[Batch], now: int) -> list[Answer]:
            if any(event.id == "bad" for batch in batches for event in batch.events):
                raise ZeroDivisionError
            return await super().record(batches, now)

    recorder = Picky()
    recorder.let_go.set()
    inbox = Inbox(recorder, lambda: NOW, Metrics())
    good, bad = inbox.store([batch("good")]), inbox.store([batch("bad")])
    assert await good == [Answer(1, 0)]
    with pytest.raises(ZeroDivisionError):
        await bad


async def test_a_sender_who_hangs_up_disturbs_nobody() -> None:
    recorder, inbox, _ = make()
    gone, stays = inbox.store([batch("a")]), inbox.store([batch("b")])
    await recorder.began.wait()
    gone.cancel()
    recorder.let_go.set()
    assert await stays == [Answer(1, 0)]
    assert recorder.groups == [["a", "b"]]


async def test_an_answer_that_fails_disturbs_nobody() -> None:
    recorder, inbox, _ = make()

    def fail(_: object) -> None:
        raise ZeroDivisionError

    inbox.submit([batch("a")], fail)
    stays = inbox.store([batch("b")])
    recorder.let_go.set()
    assert await stays == [Answer(1, 0)]
