"""What a rule would have done to one person, told event by event from what is stored: the evaluator that runs
live, on the past. Pure.

What somebody did is as it was at each moment. Who they are (attributes, language, device, tags) is as it is
now, for that is not kept by the day. Of totals whose older events are no longer stored, the last time before
the stored ones is taken to be just before them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from server.model import Event, Moment, Offer, Person, Role, Total
from server.people.state import add, counts_for
from server.rules.conditions.history import MOST_RECENT
from server.rules.decide import can_show
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.index import RuleSet
from server.rules.rule import Rule

MOST_EDGES = 1_000
"""As many moments at which time alone may change the verdict are asked between two events."""


class Match(NamedTuple):
    """One time that the person would have been given the message."""

    at: int
    goal: bool
    """Whether they reached the goal in its time."""


def replay(
    rule: Rule,
    person: Person,
    totals: Mapping[tuple[int, str], Total],
    moments: Sequence[Moment],
    offers: Mapping[str, Sequence[Offer]],
    *,
    since: int,
    now: int,
) -> list[Match]:
    """Every time from `since` to `now`, as if the rule had begun at `since`: with its `send`, without caps,
    control and schedule. `moments` are all stored events, oldest first; `totals` are those of today.
    """
    return _Replay(rule, person, totals, moments, offers, since, now).run()


class _Replay:
    def __init__(
        self,
        rule: Rule,
        person: Person,
        totals: Mapping[tuple[int, str], Total],
        moments: Sequence[Moment],
        offers: Mapping[str, Sequence[Offer]],
        since: int,
        now: int,
    ) -> None:
        self.rule = rule
        self.rules = RuleSet([rule])
        self.person = person
        self.offers = offers
        self.since = since
        self.now = now
        self.moments = [(moment, event_of(moment)) for moment in moments]
        self.totals = _totals_before(totals, self.moments)
        self.won: list[Offer] = []
        self.recent: list[Moment] = []
        self.names = {name for name, _ in rule.looks_back}
        self.reached: set[int] = set()
        self.seen_before: int | None = None
        self.last: Moment | None = None

    def run(self) -> list[Match]:
        for moment, event in self.moments:
            self._pass_time(moment.at)
            self._happen(moment, event)
        self._pass_time(self.now + 1)
        return [Match(offer.claimed, offer.nth in self.reached) for offer in self.won]

    def _happen(self, moment: Moment, event: Event) -> None:
        before: dict[tuple[int, str], Total | None] = {}
        for kind, name in counts_for(event):
            before[kind, name] = self.totals.get((kind, name))
        for key, total in before.items():
            self.totals[key] = add(total, moment.at)
        if self.last is not None and moment.session != self.last.session:
            self.seen_before = self.last.at
        self.last = moment
        if moment.name in self.names:
            self.recent.append(moment)
            if len(self.recent) > 2 * MOST_RECENT * len(self.names):
                self.recent = self.recent[-MOST_RECENT * len(self.names) :]
        concern = self.rules.concern(event)
        if concern.goals and self.rule.goal is not None:
            within = self.rule.goal.within.span
            self.reached.update(offer.nth for offer in self.won if moment.at - offer.claimed <= within)
        if concern.asked and moment.at >= self.since:
            facts = self._facts(moment.at)._replace(event=event, before=before)
            if (self.rule.deliver.leaves or can_show(self.rule, facts)) and matches(self.rule, facts):
                self._win(moment.at)

    def _pass_time(self, until: int) -> None:
        """What falls due before this time, without a visit."""
        if not (self.rule.falls_due and self.rule.deliver.leaves) or self.last is None:
            return
        for at in self._edges(max(self.last.at, self.since - 1), until):
            if matches(self.rule, self._facts(at)):
                self._win(at)

    def _edges(self, at: int, until: int) -> Iterator[int]:
        for _ in range(MOST_EDGES):
            edge = self.rule.due_at(self._facts(at))
            if edge is None or edge >= until:
                return
            yield edge
            at = edge

    def _win(self, at: int) -> None:
        if self.rule.send.allows(self.won, at):
            self.won.append(Offer(self.person.person_id, self.rule.id, len(self.won) + 1, "", at, at, {}, at))

    def _facts(self, at: int) -> Facts:
        assert self.last is not None
        person = structs.replace(
            self.person,
            role=role_at(self.person, at),
            last_seen=self.last.at,
            seen_before=self.seen_before,
            sessions=self.last.session,
        )
        offers = {name: [offer for offer in won if offer.claimed <= at] for name, won in self.offers.items()}
        return Facts(person, self.totals, None, at, offers, self.recent)


def role_at(person: Person, at: int) -> Role:
    """What the person was at that time, as far as it is known since when they are what they are."""
    if person.role == Role.user and (person.became_user is None or at >= person.became_user):
        return Role.user
    if person.role >= Role.lead and (person.became_lead is None or at >= person.became_lead):
        known = person.role == Role.lead or person.became_lead is not None
        return Role.lead if known else Role.visitor
    return Role.visitor


def event_of(moment: Moment) -> Event:
    """The event that was stored as this moment."""
    return Event(
        id=moment.id,
        name=moment.name,
        at=moment.at,
        received=moment.received,
        url=moment.url,
        path=moment.path,
        title=moment.title,
        referrer=moment.referrer,
        metadata=moment.metadata,
    )


def _totals_before(
    totals: Mapping[tuple[int, str], Total], moments: Sequence[tuple[Moment, Event]]
) -> dict[tuple[int, str], Total]:
    """The totals without these events."""
    stored: dict[tuple[int, str], int] = {}
    for _, event in moments:
        for counted in counts_for(event):
            stored[counted] = stored.get(counted, 0) + 1
    just_before = moments[0][0].at - 1 if moments else 0
    before: dict[tuple[int, str], Total] = {}
    for key, total in totals.items():
        count = total.count - stored.get(key, 0)
        if count > 0:
            last = max(total.first, just_before) if key in stored else total.last
            before[key] = Total(count, total.first, last)
    return before
