"""When a delivery is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, HOUR, MINUTE, SECOND
from server.messages.schedule import MAX_TRIES, PAUSES, pause_after

CHANCES = st.floats(0, 1, exclude_max=True)


def test_ten_tries_take_75_hours_and_35_minutes() -> None:
    pauses = [pause_after(tries, 0.5) for tries in range(1, MAX_TRIES)]
    assert pauses == list(PAUSES)
    assert sum(PAUSES) == 75 * HOUR + 35 * MINUTE + 5 * SECOND
    assert pause_after(MAX_TRIES, 0.5) is None
    assert pause_after(MAX_TRIES, 0.5, asked=1) is None


@given(st.integers(1, MAX_TRIES - 1), CHANCES)
def test_a_pause_is_at_most_a_fifth_longer_or_shorter(tries: int, chance: float) -> None:
    pause = pause_after(tries, chance)
    assert pause is not None
    assert 0.8 * PAUSES[tries - 1] - 1 <= pause <= 1.2 * PAUSES[tries - 1] + 1


@given(st.integers(1, MAX_TRIES - 1), CHANCES, st.integers(0, 10**15))
def test_a_receiver_is_left_alone_as_long_as_it_asks_and_never_for_more_than_a_day(
    tries: int, chance: float, asked: int
) -> None:
    pause = pause_after(tries, chance, asked)
    unasked = pause_after(tries, chance)
    assert pause is not None
    assert unasked is not None
    assert pause >= min(asked, DAY)
    assert pause == max(unasked, min(asked, DAY))
