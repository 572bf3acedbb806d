"""The rules: what became of them, why a person matches, and what one would have done."""

import asyncio
from typing import Any, Literal

from msgspec import Struct

from server.api.endpoint import Asked
from server.clock import SECOND, Clock
from server.errors import BadRequest, NotFound
from server.ids import public_id
from server.insight.backtest import MOST_DAYS, Tested, backtest
from server.insight.explanation import explain_person
from server.insight.measured import NOTHING, Measured, measure
from server.rules.facts import Finding
from server.rules.reload import Live
from server.rules.rule import ROLES, Rule
from server.store.base import Store
from server.store.lookup import person_named

MOST_PEOPLE = 10_000
"""As many of a back-test are listed, the latest first; `matched` counts all."""


class Backtest(Struct, frozen=True):
    """What is asked for."""

    rule: str
    days: int = 30


class WhichPerson(Struct, frozen=True):
    contact: str
    """A contact's or a visitor's id."""


class RuleList(Struct, frozen=True, kw_only=True):
    """Every message of the file, with its counts."""

    type: Literal["list"] = "list"
    data: list[dict[str, Any]]
    total_count: int


class Explanation(Struct, frozen=True, kw_only=True):
    """Each condition with its value and verdict."""

    type: Literal["explanation"] = "explanation"
    rule: str
    contact: str
    matches: bool
    conditions: list[dict[str, Any]]
    held_back: list[dict[str, Any]]


class BacktestShape(Struct, frozen=True, kw_only=True):
    """Whom a message would have reached."""

    type: Literal["backtest"] = "backtest"
    rule: str
    days: int
    matched: int
    times: int
    goals: int
    people: list[dict[str, Any]]


class Rules:
    """The routes about rules."""

    def __init__(self, store: Store, live: Live, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._testing = asyncio.Lock()

    async def list(self, asked: Asked) -> RuleList:
        """GET /api/rules: every message of the file, in its order, with its counts."""
        measured = await measure(self._store.rulings)
        rules = self._live.current.rules
        return RuleList(
            data=[_rule(rule, measured.get(rule.id, NOTHING)) for rule in rules], total_count=len(rules)
        )

    async def explain(self, asked: Asked) -> Explanation:
        """GET /api/rules/{id}/explain?contact=…: a contact's or a visitor's id."""
        rule = self._rule(asked.path("id"))
        contact = asked.query.contact
        if not contact:
            raise BadRequest("parameter_not_found", "`contact` is the id of a person.", "contact")
        config = self._live.current
        person = await person_named(self._store.reads, contact, config.sites)
        if person is None:
            raise NotFound("not_found", "User Not Found")
        told = await explain_person(self._store, rule, config.caps, person, self._clock())
        return Explanation(
            rule=rule.id,
            contact=public_id(person.person_id),
            matches=told.matches,
            conditions=[_condition(finding) for finding in told.findings],
            held_back=[{"reason": held.reason, "text": held.text} for held in told.held],
        )

    async def backtest(self, asked: Asked) -> BacktestShape:
        """POST /api/rules/backtest {"rule": …, "days": 30}"""
        wanted: Backtest = asked.body
        rule = self._rule(wanted.rule)
        if not 1 <= wanted.days <= MOST_DAYS:
            raise BadRequest("parameter_invalid", f"days is a whole number from 1 to {MOST_DAYS}.", "days")
        found: list[Tested] = []
        async with self._testing:
            async for step in backtest(self._store.rulings, rule, days=wanted.days, now=self._clock()):
                found += (tested for tested in step if tested.matches)
        found.sort(key=lambda tested: tested.matches[0].at, reverse=True)
        return BacktestShape(
            rule=rule.id,
            days=wanted.days,
            matched=len(found),
            times=sum(len(tested.matches) for tested in found),
            goals=sum(tested.reached_goal for tested in found),
            people=[_tested(tested) for tested in found[:MOST_PEOPLE]],
        )

    def _rule(self, rule_id: str) -> Rule:
        rule = self._live.current.rules.get(rule_id)
        if rule is None:
            raise NotFound("not_found", "Rule Not Found")
        return rule


def _rule(rule: Rule, measured: Measured) -> dict[str, Any]:
    lift = measured.lift
    return {
        "type": "rule",
        "id": rule.id,
        "to": [name for name, role in ROLES.items() if role in rule.to],
        "ways": rule.deliver.ways,
        "send": str(rule.send),
        "goal": rule.goal.text if rule.goal else None,
        "control_share": rule.control.text if rule.control else None,
        "counts": {
            "matched": measured.matched,
            "held_back": measured.held_back,
            "shown": measured.shown,
            "clicked": measured.clicked,
            "dismissed": measured.dismissed,
            "goal": measured.goal,
            "control": measured.control,
            "control_goal": measured.control_goal,
        },
        "given": measured.given,
        "held_back_by": measured.held_by,
        "lift": None
        if lift is None
        else {"difference": lift.difference, "low": lift.low, "high": lift.high, "confidence": 0.95},
    }


def _condition(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"text": finding.text, "value": finding.value, "holds": finding.holds}
    if finding.wants:
        told["wants"] = finding.wants
    if finding.parts:
        told["conditions"] = [_condition(part) for part in finding.parts]
    return told


def _tested(tested: Tested) -> dict[str, Any]:
    return {
        "contact": public_id(tested.person.person_id),
        "at": tested.matches[0].at // SECOND,
        "times": len(tested.matches),
        "goal": tested.reached_goal,
    }
