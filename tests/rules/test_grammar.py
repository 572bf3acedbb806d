"""The phrases: each means what it says, and a phrase that is none is answered with the nearest one."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, HOUR, MINUTE, SECOND
from server.rules.grammar import (
    PERIODS,
    TIMES,
    parse_comparison,
    parse_duration,
    parse_period,
    parse_times,
)

NOW = 1_795_500_000_000
LISBON = {"main": ZoneInfo("Europe/Lisbon"), "east": ZoneInfo("Asia/Tokyo")}
NUMBERS = st.integers(0, 10**6)


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * SECOND)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "holding", "failing"),
    [
        ("more than 3", [4, 5, 1000], [0, 3]),
        ("at least 3", [3, 4], [0, 2]),
        ("exactly 3", [3], [2, 4]),
        ("3", [3], [2, 4]),
        ("fewer than 3", [0, 2], [3]),
        ("less than 3", [0, 2], [3]),
        ("at most 3", [0, 3], [4]),
        ("between 2 and 5", [2, 5], [1, 6]),
        ("never", [0], [1]),
        ("at least once", [1, 2], [0]),
        ("More  than twice", [3], [2]),
        ("more than 3 times", [4], [3]),
    ],
)
def test_a_number_of_times_means_what_it_says(text: str, holding: list[int], failing: list[int]) -> None:
    times = parse_times(text)
    assert all(times.holds(count) for count in holding)
    assert not any(times.holds(count) for count in failing)


@given(st.sampled_from(["more than", "at least", "exactly", "fewer than", "at most", "less than"]), NUMBERS)
def test_times_are_read_back_from_what_they_say_of_themselves(comparator: str, number: int) -> None:
    text = f"{comparator} {number + 1}"
    assert parse_times(str(parse_times(text))) == parse_times(text)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_between_includes_both_ends(one: int, other: int, count: int) -> None:
    low, high = sorted((one, other))
    assert parse_times(f"between {low} and {high}").holds(count) == (low <= count <= high)


@given(NUMBERS, NUMBERS)
def test_the_comparators_agree_with_each_other(number: int, count: int) -> None:
    more_than = parse_times(f"more than {number}").holds(count)
    assert more_than == (not parse_times(f"at most {number}").holds(count))
    assert more_than == parse_times(f"at least {number + 1}").holds(count)
    assert parse_times(f"fewer than {number + 1}").holds(count) == (not more_than)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("more then 3", "did you mean 'more than 3'?"),
        ("> 3", "did you mean 'more than 3'?"),
        (">= 12", "did you mean 'at least 12'?"),
        ("5+", "did you mean 'at least 5'?"),
        ("betwen 2 and 5", "did you mean 'between 2 and 5'?"),
        ("nevr", "did you mean 'never'?"),
        ("between 5 and 2", "write 'between 2 and 5'"),
        ("fewer than 0", "write 'never'"),
        ("often", "'more than 3'"),
        ("more than 1234567890123456", "too large"),
    ],
)
def test_what_is_no_number_of_times_is_answered_with_the_nearest(text: str, advice: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_times(text)
    assert advice in str(caught.value)


def test_every_form_that_an_error_shows_is_one() -> None:
    for form in TIMES:
        parse_times(form)
    for form in PERIODS:
        parse_period(form, {})


def complaint(parse: Callable[[str], object], text: str) -> str:
    """What the parser says against a text; nothing where it takes it."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text(max_size=40))
def test_any_text_is_taken_or_answered_in_a_sentence(text: str) -> None:
    for parse in (parse_times, parse_duration, parse_comparison, lambda text: parse_period(text, LISBON)):
        assert complaint(parse, text)[-1:] in ("", ".", "?")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("10 seconds", 10 * SECOND),
        ("1 minute", MINUTE),
        ("12 hours", 12 * HOUR),
        ("7 Days", 7 * DAY),
        ("2 weeks", 14 * DAY),
    ],
)
def test_durations(text: str, span: int) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text", ["7", "7d", "0 days", "1 month", "2 years", "-1 days", "1.5 hours", "99999999 weeks", ""]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


def test_within_and_ago_move_with_the_present() -> None:
    within, ago = parse_period("within 7 days", {}), parse_period("more than 7 days ago", {})
    for at, recent in ((NOW, True), (NOW - 7 * DAY, True), (NOW - 7 * DAY - 1, False)):
        assert within.holds(at, NOW, "main") is recent
        assert ago.holds(at, NOW, "main") is not recent


def test_a_clock_that_runs_ahead_is_still_within() -> None:
    assert parse_period("within 1 minute", {}).holds(NOW + 5 * MINUTE, NOW, "main")


@given(st.integers(1, 3_000), st.integers(0, 4_000 * DAY))
def test_within_and_more_than_ago_are_opposites(days: int, age: int) -> None:
    within, ago = parse_period(f"within {days} days", {}), parse_period(f"more than {days} days ago", {})
    assert within.holds(NOW - age, NOW, "main") != ago.holds(NOW - age, NOW, "main")


def test_a_date_is_a_day_of_the_sites_time_zone() -> None:
    # Summer time: midnight in Lisbon is 23:00 UTC of the day before; in Tokyo it is 15:00.
    before, after, on = (parse_period(f"{word} 2026-07-01", LISBON) for word in ("before", "after", "on"))
    midnight = ms(2026, 6, 30, 23)
    assert before.holds(midnight - 1, NOW, "main")
    assert not before.holds(midnight, NOW, "main")
    assert before.holds(ms(2026, 6, 30, 15) - 1, NOW, "east")
    assert not before.holds(ms(2026, 6, 30, 15), NOW, "east")
    assert on.holds(midnight, NOW, "main")
    assert not on.holds(midnight + DAY, NOW, "main")
    assert not after.holds(midnight + DAY - 1, NOW, "main")
    assert after.holds(midnight + DAY, NOW, "main")


def test_a_day_of_25_hours_is_one_day() -> None:
    # On 25 October 2026 Lisbon goes back to winter time.
    on = parse_period("on 2026-10-25", LISBON)
    assert on.holds(ms(2026, 10, 25, 23, 59), NOW, "main")
    assert not on.holds(ms(2026, 10, 26, 0), NOW, "main")


def test_a_site_that_is_not_in_the_file_any_more_is_judged_by_utc() -> None:
    assert parse_period("on 2026-07-01", LISBON).holds(ms(2026, 7, 1), NOW, "gone")


def test_a_date_may_have_a_time_of_day_and_an_offset() -> None:
    assert parse_period("after 2026-07-01 09:00", LISBON).holds(ms(2026, 7, 1, 8, 1), NOW, "main")
    assert not parse_period("after 2026-07-01 09:00", LISBON).holds(ms(2026, 7, 1, 8), NOW, "main")
    for site in ("main", "east"):
        assert parse_period("before 2026-07-01T09:00Z", LISBON).holds(ms(2026, 7, 1, 8, 59), NOW, site)
        assert not parse_period("before 2026-07-01T11:00+02:00", LISBON).holds(ms(2026, 7, 1, 9), NOW, site)


@pytest.mark.parametrize(
    ("text", "holding", "failing"),
    [
        ("Pro", ["Pro"], ["pro", "Pro ", None, 1]),
        ("more than 10", [11, 10.5, "11"], [10, "many", True, None]),
        ("at least 10", [10], [9.99]),
        ("fewer than 10", [9, -1], [10]),
        ("at most 10", [10], [11]),
        ("exactly 10", [10, 10.0, "10"], [11]),
        ("between 2 and 5", [2, 5, 3.5], [1, 6]),
        ("true", [True, "true"], [False, "True"]),
        ("10", [10, "10"], [11, True]),
        ("at least -0.5", [0], [-1]),
    ],
)
def test_a_value_is_compared_as_text_or_as_a_number(
    text: str, holding: list[object], failing: list[object]
) -> None:
    comparison = parse_comparison(text)
    assert all(comparison.holds(value) for value in holding)
    assert not any(comparison.holds(value) for value in failing)
