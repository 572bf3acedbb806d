"""Messages as the dashboard shows them: their numbers, whom one would have reached, and why a person gets one
or does not. Pure.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from server.dashboard.present import title_of
from server.dashboard.times import When, when
from server.ids import public_id
from server.insight.backtest import Tested
from server.insight.explanation import Explanation, Held, value_text
from server.insight.measured import Lift, Measured
from server.model import Offer, Role
from server.rules.facts import Finding
from server.rules.rule import ROLES, Rule

REASONS = {"cap": "by a cap", "schedule": "by the schedule", "address": "without an address"}

SURE_FROM = 20
"""People in the smaller group below whom no lift is called sure, whatever the interval says."""


class Bar(NamedTuple):
    """One number of a message. `share` is the bar's length in percent of those who matched."""

    label: str
    people: int
    share: int


class RuleRow(NamedTuple):
    """A message with its numbers."""

    id: str
    ways: str
    to: str
    send: str
    bars: list[Bar]
    held: list[tuple[str, int]]
    goal: str | None
    control: int
    lift: str | None
    """In words, with its interval."""
    verdict: str
    """What the lift means."""


class MatchRow(NamedTuple):
    """Somebody whom a message would have reached."""

    id: str
    title: str
    role: str
    first: When
    times: int
    goal: bool


class Line(NamedTuple):
    """A condition with its value and verdict; `depth` is how far inside of others it stands."""

    subject: str
    value: str
    wants: str
    holds: bool
    depth: int


class PersonRule(NamedTuple):
    """What a message and a person have to do with each other."""

    id: str
    verdict: str
    state: str
    """`good`, `held` or `no`, for the colour; the verdict says it in words."""
    lines: list[Line]
    held: list[Held]


def present_rule(rule: Rule, measured: Measured) -> RuleRow:
    """The message's line."""
    numbers = [
        ("Matched", measured.matched),
        ("Held back", measured.held_back),
        *(
            [
                ("Shown", measured.shown),
                ("Clicked", measured.clicked),
                ("Dismissed", measured.dismissed),
            ]
            if rule.deliver.page
            else [("Given", measured.given)]
        ),
        *([("Reached the goal", measured.goal)] if rule.goal else []),
    ]
    most = max(measured.matched, 1)
    return RuleRow(
        id=rule.id,
        ways=", ".join("e-mail" if way == "email" else way for way in rule.deliver.ways),
        to=", ".join(name for name, role in ROLES.items() if role in rule.to),
        send=str(rule.send),
        bars=[Bar(label, people, min(100, 100 * people // most)) for label, people in numbers],
        held=[(REASONS.get(reason, reason), people) for reason, people in sorted(measured.held_by.items())],
        goal=None if rule.goal is None else f"{rule.goal.text} within {rule.goal.within}",
        control=measured.control,
        lift=None if measured.lift is None or rule.goal is None else lift_text(measured.lift),
        verdict=lift_verdict(measured),
    )


def lift_text(lift: Lift) -> str:
    """`+4.2 points, between -0.5 and +8.9`: of a hundred people, so many more reach the goal."""
    low, high = f"{100 * lift.low:+.1f}", f"{100 * lift.high:+.1f}"
    return f"{100 * lift.difference:+.1f} points, between {low} and {high}"


def lift_verdict(measured: Measured) -> str:
    """What may be concluded."""
    if measured.lift is None:
        return ""
    if min(measured.given, measured.control) < SURE_FROM:
        return "Too few people yet to tell."
    if not measured.lift.is_sure:
        return "This may well be chance."
    return "The message helps." if measured.lift.difference > 0 else "The message does harm."


def present_match(tested: Tested, now: int, zone: tzinfo) -> MatchRow:
    """One person of a back-test."""
    return MatchRow(
        id=public_id(tested.person.person_id),
        title=title_of(tested.person),
        role=Role(tested.person.role).name,
        first=when(tested.matches[0].at, now, zone),
        times=len(tested.matches),
        goal=tested.reached_goal,
    )


def present_verdict(explanation: Explanation, won: Sequence[Offer], now: int, zone: tzinfo) -> PersonRule:
    """One message about one person."""
    verdict, state = _verdict(explanation, won, now, zone)
    lines = [line for finding in explanation.findings for line in _lines(finding, 0)]
    return PersonRule(explanation.rule.id, verdict, state, lines, explanation.held)


def _verdict(explanation: Explanation, won: Sequence[Offer], now: int, zone: tzinfo) -> tuple[str, str]:
    if won and won[-1].control:
        return "In the control", "held"
    for mark, word in (("clicked", "Clicked"), ("dismissed", "Dismissed"), ("shown", "Seen")):
        marked = [at for offer in won if (at := getattr(offer, mark)) is not None]
        if marked:
            return f"{word} {when(max(marked), now, zone).ago}", "good"
    if won:
        return f"Given {when(won[-1].claimed, now, zone).ago}", "good"
    if not explanation.matches:
        return "Does not match", "no"
    if explanation.held:
        return "Matches, held back", "held"
    trigger = explanation.rule.when
    if trigger is not None and trigger.page is not None:
        # The audience is theirs; the page is still to be viewed.
        return f"Waits for {trigger.page}", "good"
    return "Matches", "good"


def _lines(finding: Finding, depth: int) -> list[Line]:
    own = Line(
        finding.subject or finding.text, value_text(finding.value), finding.wants, finding.holds, depth
    )
    return [own, *(line for part in finding.parts for line in _lines(part, depth + 1))]
