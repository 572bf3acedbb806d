"""Token buckets."""

import pytest

from server.errors import TooManyRequests
from server.limits import Buckets, Limits, address_key
from server.settings import Rate


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    time = Stopwatch()
    buckets = Buckets(Rate(2, 3), time)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    time.seconds = 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") == 0.5


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    time = Stopwatch()
    buckets = Buckets(Rate(2, 3), time)
    buckets.take("a")
    time.seconds = 1_000
    assert [bool(buckets.take("a")) for _ in range(4)] == [False, False, False, True]


def test_over_the_limit_is_an_error_that_says_when_to_come_again() -> None:
    limits = Limits({"address": Rate(0.1, 1)}, Stopwatch())
    limits.check("address", "a")
    with pytest.raises(TooManyRequests) as refused:
        limits.check("address", "a")
    assert refused.value.retry_after == 11


def test_limits_that_are_off_let_everything_pass() -> None:
    limits = Limits(None)
    for _ in range(1_000):
        limits.check("address", "a")


def test_a_customer_of_ipv6_is_one_64() -> None:
    assert address_key("2001:db8:1:2:3:4:5:6") == address_key("2001:db8:1:2:9:9:9:9")
    assert address_key("10.0.0.1") == "10.0.0.1"
