"""The pages about messages: their numbers, and one tried out on what is stored."""

import asyncio
import re

from starlette.requests import Request
from starlette.responses import Response

from server.clock import Clock
from server.dashboard.pages import page
from server.dashboard.times import zone_of
from server.dashboard.verdicts import MatchRow, present_match, present_rule
from server.errors import NotFound
from server.insight.backtest import backtest
from server.insight.measured import NOTHING, measure
from server.rules.reload import Live
from server.rules.rule import Rule
from server.store.base import Rulings

SHOWN = 200
"""People of a back-test that are listed; the numbers count all."""

DAYS = (7, 30, 90)


class Messages:
    """The routes about messages."""

    def __init__(self, rulings: Rulings, live: Live, clock: Clock) -> None:
        self._rulings = rulings
        self._live = live
        self._clock = clock
        self._testing = asyncio.Lock()

    async def show_all(self, request: Request) -> Response:
        """GET /dashboard/messages"""
        measured = await measure(self._rulings)
        rules = self._live.current.rules
        rows = [present_rule(rule, measured.get(rule.id, NOTHING)) for rule in rules]
        return page(request, "messages.html", rows=rows)

    async def show(self, request: Request) -> Response:
        """GET /dashboard/messages/{id}?days=30"""
        rule = self._live.current.rules.get(request.path_params["id"])
        if rule is None:
            raise NotFound("no_such_message", "There is no message of this name in leadtrail.yaml.")
        days = request.query_params.get("days", "")
        tested = await self._test(rule, int(days)) if re.fullmatch("7|30|90", days) else None
        measured = (await measure(self._rulings)).get(rule.id, NOTHING)
        return page(
            request,
            "rule.html",
            row=present_rule(rule, measured),
            days=int(days) if tested else 0,
            choices=DAYS,
            matched=tested[0] if tested else 0,
            times=tested[1] if tested else 0,
            goals=tested[2] if tested else 0,
            people=tested[3] if tested else [],
            conditions=[asked.text for asked in rule.if_],
            stops=[asked.text for asked in rule.unless],
        )

    async def _test(self, rule: Rule, days: int) -> tuple[int, int, int, list[MatchRow]]:
        """How many people, how often, how many goals, and the latest of them."""
        now, found = self._clock(), []
        async with self._testing:
            async for step in backtest(self._rulings, rule, days=days, now=now):
                found += [tested for tested in step if tested.matches]
        found.sort(key=lambda tested: tested.matches[0].at, reverse=True)
        sites = self._live.current.sites
        rows = [
            present_match(
                tested,
                now,
                zone_of(sites[tested.person.site].timezone if tested.person.site in sites else "UTC"),
            )
            for tested in found[:SHOWN]
        ]
        times = sum(len(tested.matches) for tested in found)
        return len(found), times, sum(tested.reached_goal for tested in found), rows
