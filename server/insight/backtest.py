"""A rule on history: who would have matched, when, and how many of them reached the goal. It streams."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import groupby
from typing import NamedTuple

from server.clock import DAY
from server.model import Person, Total
from server.rules.replay import Match, replay
from server.rules.rule import Rule
from server.store.base import Rulings
from server.trail.portraits import by_rule, crowd

MOST_DAYS = 3_650


class Tested(NamedTuple):
    """What the rule would have done to one person; no matches where it would have done nothing."""

    person: Person
    matches: list[Match]

    @property
    def reached_goal(self) -> bool:
        return any(match.goal for match in self.matches)


async def backtest(rulings: Rulings, rule: Rule, *, days: int, now: int) -> AsyncIterator[list[Tested]]:
    """Everybody who may match, in steps; each step has read its people's whole stored history."""
    since = now - days * DAY
    # Only a rule that falls due matches who was not here in that time.
    since_day = 0 if rule.falls_due else since // DAY
    async for people in crowd(rulings, rule, since_day):
        yield await _test(rulings, rule, people, since, now)


async def _test(rulings: Rulings, rule: Rule, people: list[Person], since: int, now: int) -> list[Tested]:
    ids = [person.person_id for person in people]
    totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
    for (person_id, kind, key), total in (await rulings.totals_of(ids)).items():
        totals[person_id][kind, key] = total
    stored = groupby(await rulings.moments_of(ids), key=lambda moment: moment.person_id)
    moments = {person_id: list(of_person) for person_id, of_person in stored}
    offers = by_rule(await rulings.offers_of(ids) if rule.asks_offers else ())
    tested = []
    for person in people:
        # Requests are answered meanwhile.
        await asyncio.sleep(0)
        of_person = person.person_id
        happened = moments.get(of_person, [])
        found = replay(rule, person, totals[of_person], happened, offers[of_person], since=since, now=now)
        tested.append(Tested(person, found))
    return tested
