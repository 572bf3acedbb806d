"""What became of the messages: how many people matched, were held back, saw, clicked, and reached the goal.

All numbers count people. The lift compares everybody who was given the message, whether they looked or not,
with the control, so that nothing but chance tells the two apart.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from server.store.base import Given, Rulings

Z = 1.959963985
"""Of a normal distribution, 95% lie within so many standard deviations."""


class Lift(NamedTuple):
    """How much more of the people with the message reach the goal: a difference of shares, from -1 to 1."""

    difference: float
    low: float
    high: float
    """The interval in which the true difference lies in 95 of 100 such comparisons."""

    @property
    def is_sure(self) -> bool:
        """Whether chance alone would seldom do this."""
        return self.low > 0 or self.high < 0


class Measured(NamedTuple):
    """The numbers of one rule."""

    matched: int
    """To whom it was given, in the control or not, or from whom it was held back."""
    given: int
    held_back: int
    shown: int
    clicked: int
    dismissed: int
    goal: int
    control: int
    control_goal: int
    held_by: Mapping[str, int]
    lift: Lift | None
    """None where one of the two groups is empty."""


NOTHING = Measured(0, 0, 0, 0, 0, 0, 0, 0, 0, {}, None)


async def measure(rulings: Rulings) -> dict[str, Measured]:
    """The numbers of every rule that ever did something."""
    given: dict[str, dict[bool, Given]] = defaultdict(dict)
    for row in await rulings.given():
        given[row.rule][bool(row.control)] = row
    held: dict[str, dict[str, int]] = defaultdict(dict)
    for rule, reason, people in await rulings.held():
        held[rule][reason] = people
    held_people = dict(await rulings.held_people())
    return {
        rule: _measured(matched, given[rule], held[rule], held_people.get(rule, 0))
        for rule, matched in await rulings.matched()
    }


def _measured(
    matched: int, given: Mapping[bool, Given], held_by: Mapping[str, int], held_back: int
) -> Measured:
    empty = Given("", False, 0, 0, 0, 0, 0)
    shown, control = given.get(False, empty), given.get(True, empty)
    return Measured(
        matched=matched,
        given=shown.people,
        held_back=held_back,
        shown=shown.shown,
        clicked=shown.clicked,
        dismissed=shown.dismissed,
        goal=shown.goal,
        control=control.people,
        control_goal=control.goal,
        held_by=held_by,
        lift=lift(shown.goal, shown.people, control.goal, control.people),
    )


def lift(goal: int, people: int, control_goal: int, control: int) -> Lift | None:
    """The difference of two shares with Newcombe's interval (Statistics in Medicine 17, 1998, method 10): it
    is right for small groups and for shares near 0, where the usual one is far too narrow.
    """
    if not people or not control:
        return None
    one, other = goal / people, control_goal / control
    low_one, high_one = wilson(goal, people)
    low_other, high_other = wilson(control_goal, control)
    difference = one - other
    low = difference - math.hypot(one - low_one, high_other - other)
    high = difference + math.hypot(high_one - one, other - low_other)
    return Lift(difference, max(-1.0, low), min(1.0, high))


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's interval of a share."""
    share, square = hits / tries, Z * Z
    middle = share + square / (2 * tries)
    spread = Z * math.sqrt(share * (1 - share) / tries + square / (4 * tries * tries))
    scale = 1 + square / tries
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
