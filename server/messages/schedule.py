"""When a delivery that failed is tried again: 10 tries over 75 hours and a half, as Standard Webhooks has it.
Pure.
"""

from server.clock import DAY, HOUR, MINUTE, SECOND

PAUSES = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Between one try and the next; the first try is made at once."""

MAX_TRIES = len(PAUSES) + 1

JITTER = 0.2
"""A pause is this much shorter or longer, so that what failed together does not come back together."""

LONGEST_WAIT = DAY
"""What a receiver may ask for at most by `Retry-After`."""


def pause_after(tries: int, chance: float, asked: int | None = None) -> int | None:
    """Milliseconds from the end of the try number `tries` to the next, or None after the last one.

    `chance` is a random number in [0, 1). `asked` are the milliseconds that the receiver wants to be left
    alone: never less than those, and never longer than a day for them.
    """
    if tries >= MAX_TRIES:
        return None
    pause = round(PAUSES[max(tries, 1) - 1] * (1 + JITTER * (2 * chance - 1)))
    return pause if asked is None else max(pause, min(asked, LONGEST_WAIT))
