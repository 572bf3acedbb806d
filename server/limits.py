"""Rate limits: token buckets in this process's memory. They protect the server; they decide nothing that is
kept.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from server.errors import TooManyRequests
from server.settings import Rate

MAX_BUCKETS = 50_000
"""The buckets that are longest untouched are forgotten first; a forgotten one is full again."""


class Allowance(NamedTuple):
    """How it stands with one key after a request: the bucket's size, what it still holds, and the seconds to
    wait (0 when the request may go on).
    """

    limit: int
    remaining: int
    wait: float


class Buckets:
    """One bucket for each key. A bucket holds `burst` tokens and is refilled by `per_second`."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """0 when a token was there, else the seconds until there is one."""
        now = self._monotonic()
        level, since = self._levels.pop(key, (float(self._rate.burst), now))
        level = min(self._rate.burst, level + (now - since) * self._rate.per_second)
        wait = 0.0 if level >= 1 else (1 - level) / self._rate.per_second
        self._levels[key] = (level - 1 if not wait else level, now)
        if len(self._levels) > MAX_BUCKETS:
            self._levels.popitem(last=False)
        return wait

    def allowance(self, key: str) -> Allowance:
        """Take a token, and say how it stands."""
        wait = self.take(key)
        level, _ = self._levels[key]
        return Allowance(self._rate.burst, int(level), wait)

    def give_back(self, key: str) -> None:
        """The token was taken for something that does not count after all."""
        if key in self._levels:
            level, since = self._levels[key]
            self._levels[key] = (min(self._rate.burst, level + 1), since)


class Limits:
    """The server's limits by name; all pass when they are off."""

    def __init__(
        self, rates: Mapping[str, Rate] | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._buckets = {name: Buckets(rate, monotonic) for name, rate in (rates or {}).items()}

    def wait(self, name: str, key: str) -> float:
        """Seconds that this key must wait; 0 when it may go on."""
        buckets = self._buckets.get(name)
        return buckets.take(key) if buckets else 0.0

    def allowance(self, name: str, key: str) -> Allowance | None:
        """Take a token and say how it stands; None when the limit is off."""
        buckets = self._buckets.get(name)
        return buckets.allowance(key) if buckets else None

    def check(self, name: str, key: str) -> None:
        """Raises TooManyRequests with the seconds to wait."""
        if wait := self.wait(name, key):
            raise TooManyRequests(
                "rate_limited", "Too many requests. Try again later.", retry_after=int(wait) + 1
            )


def address_key(address: str) -> str:
    """The address, or of IPv6 the /64 that one customer has."""
    return ":".join(address.split(":")[:4]) if ":" in address else address
