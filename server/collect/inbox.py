"""The inbox: requests wait here together for one commit (group commit), and are answered after it.

There is no timer in it. While one group is committed the next one gathers; when nobody waits, a batch is
committed at once. It is bounded: when it is full, batches are refused, never dropped silently.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

import structlog

from server.clock import Clock
from server.errors import Busy, DiskFull, LeadtrailError, StoreFull, StoreUnavailable
from server.metrics import Metrics
from server.model import Answer, Batch

log = structlog.get_logger()

MAX_WAITING_EVENTS = 10_000
"""Events that may wait (reliability.md F5); over that a batch is answered 503."""

MAX_GROUP_EVENTS = 1_000
"""Events in one transaction, so that nobody waits long behind a full inbox."""

RETRY_AFTER = 2
"""Seconds after which a refused sender may try again."""


class Recorder(Protocol):
    """What commits a group: `trail.Trail`."""

    async def record(self, batches: list[Batch], now: int) -> list[Answer]: ...


Told = Callable[[list[Answer] | Exception], None]
"""Called once, with the answers to a request's batches or why they are not stored."""


class _Waiting(NamedTuple):
    batches: list[Batch]
    size: int
    told: Told


class Inbox:
    """Feeds groups of batches to the trail, one group at a time."""

    def __init__(self, recorder: Recorder, clock: Clock, metrics: Metrics) -> None:
        self._recorder = recorder
        self._clock = clock
        self._metrics = metrics
        self._waiting: list[_Waiting] = []
        self._events = 0
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, batches: list[Batch], told: Told) -> None:
        """`told` is called once the batches are committed, or could not be.

        Raises Busy when the inbox is full or closed.
        """
        size = sum([len(batch.events) for batch in batches])
        if self._closed or self._events + size > MAX_WAITING_EVENTS:
            self._metrics.shed.inc(size)
            raise Busy(
                "busy", "Too many events are waiting to be stored. Try again.", retry_after=RETRY_AFTER
            )
        self._waiting.append(_Waiting(batches, size, told))
        self._events += size
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    def store(self, batches: list[Batch]) -> asyncio.Future[list[Answer]]:
        """A future of the answers, done once the batches are committed. Raises Busy as `submit` does."""
        waiting: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()

        def told(outcome: list[Answer] | Exception) -> None:
            # Whoever hung up is answered to nobody; the events are stored all the same.
            if waiting.done():
                return
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)

        self.submit(batches, told)
        return waiting

    async def close(self) -> None:
        """Take no more, and return when all that was taken is committed."""
        self._closed = True
        while self._worker is not None:
            await asyncio.shield(self._worker)

    async def _work(self) -> None:
        try:
            while self._waiting:
                group = self._take_group()
                await self._commit(group)
                self._events -= sum(waiting.size for waiting in group)
        finally:
            self._worker = None

    def _take_group(self) -> list[_Waiting]:
        size, count = 0, 0
        for waiting in self._waiting:
            if count and size + waiting.size > MAX_GROUP_EVENTS:
                break
            size += waiting.size
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            answers = await self._record(group)
        except LeadtrailError as error:
            refused = error
            self._fail(group, lambda: _refusal(refused))
            log.error("group_not_stored", reason=str(error), requests=len(group))  # noqa: TRY400 - foreseen: no traceback
        except Exception as error:
            broken = error
            if len(group) > 1:
                # One request that breaks the trail must not take the others with it.
                log.exception("group_broke", requests=len(group))
                for waiting in group:
                    await self._commit([waiting])
                return
            log.exception("request_broke")
            self._fail(group, lambda: broken)
        else:
            for waiting, answer in zip(group, answers, strict=True):
                _tell(waiting, answer)

    async def _record(self, group: list[_Waiting]) -> list[list[Answer]]:
        batches = [batch for waiting in group for batch in waiting.batches]
        answers = iter(await self._recorder.record(batches, self._clock()))
        per_request = [[next(answers) for _ in waiting.batches] for waiting in group]
        self._metrics.stored.inc(sum(answer.stored for request in per_request for answer in request))
        self._metrics.repeated.inc(sum(answer.repeated for request in per_request for answer in request))
        self._metrics.commits.inc()
        return per_request

    def _fail(self, group: list[_Waiting], error: Callable[[], Exception]) -> None:
        for waiting in group:
            self._metrics.shed.inc(waiting.size)
            _tell(waiting, error())


def _tell(waiting: _Waiting, outcome: list[Answer] | Exception) -> None:
    try:
        waiting.told(outcome)
    except Exception:
        # One answer that fails must not keep the others from theirs.
        log.exception("answer_broke")


def _refusal(error: LeadtrailError) -> LeadtrailError:
    if isinstance(error, StoreFull):
        return DiskFull("disk_full", "The server's disk is full; nothing was stored.", retry_after=60)
    if isinstance(error, StoreUnavailable):
        return Busy("store_unavailable", "The database does not answer. Try again.", retry_after=5)
    return error
