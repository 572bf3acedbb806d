"""Writing again what was cut off: by another server that wrote the same people, or by a lost connection."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from server.errors import StoreInterrupted

log = structlog.get_logger()

T = TypeVar("T")

WAITS = (0.02, 0.1, 0.5)
"""The most that is waited, in seconds, before a transaction that was cut off is written again."""


async def until_written(write: Callable[[], Awaitable[T]]) -> T:
    """What `write` answers: one whole transaction, whose repeat must be safe.

    Raises StoreInterrupted when it is cut off again and again.
    """
    for wait in WAITS:
        try:
            return await write()
        except StoreInterrupted as interruption:
            log.info("transaction_repeated", reason=str(interruption))
            await asyncio.sleep(wait * random.random())  # noqa: S311 - so that two do not meet again
    return await write()
