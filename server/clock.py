"""The only place that reads the time. Everything else is handed a `Clock` or a `now`."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Answers the Unix time in milliseconds."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """The machine's Unix time in milliseconds."""
    return time.time_ns() // 1_000_000
