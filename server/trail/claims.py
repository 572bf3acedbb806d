"""Which messages people win: a match claims its message once, gives it by its ways, and hears what became of
it. What is held back, reached as a goal or falls due later is kept here too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import structs

from server.clock import SECOND
from server.messages.leave import deliveries
from server.messages.render import page_message
from server.model import Delivery, Due, Event, Hold, Metadata, Offer, due_at
from server.people.traits import said_at
from server.rules.decide import Decision, can_show, decide, free_at, has_address
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.policy import Caps
from server.rules.rule import Rule
from server.store.base import Transaction

NEVER = 0
"""When a message was offered that a pixel or the time won: at once on the next page view that can show it."""

REPORTS = {"message_shown": "shown", "message_clicked": "clicked", "message_dismissed": "dismissed"}

WHOLE_SECOND = SECOND
"""Servers report what happened in whole seconds: so much earlier than a message may its goal seem."""


class Claims:
    """The offers of one transaction as they now are, and what else is to be written about messages."""

    def __init__(self, transaction: Transaction, now: int, caps: Caps) -> None:
        self._transaction = transaction
        self._now = now
        self._caps = caps
        self._offers: dict[int, dict[str, list[Offer]]] = {}
        self._changed: dict[tuple[int, str, int], Offer] = {}
        self._holds: dict[tuple[int, str, str], Hold] = {}
        self._due: dict[tuple[int, str], Due] = {}
        self.deliveries: list[Delivery] = []

    async def read(self, owners: Collection[int]) -> None:
        """The offers of these people; of others nothing may be asked."""
        missing = [owner for owner in owners if owner not in self._offers]
        if not missing:
            return
        self._offers.update({owner: defaultdict(list) for owner in missing})
        for offer in sorted(await self._transaction.offers(missing), key=lambda offer: offer.nth):
            self._offers[offer.person_id][offer.rule].append(offer)

    def of(self, owner: int) -> Mapping[str, Sequence[Offer]]:
        """What the person has won by now, by rule, as it goes on to be."""
        return self._offers[owner]

    def ask(self, rule: Rule, facts: Facts, visitor: str, *, shows_messages: bool) -> Metadata | None:
        """What becomes of the rule now; the message, if the answer is to carry one.

        `visitor` is the visitor id of the browser, which reads nothing in it that was said elsewhere; empty
        where there is none.
        """
        decision = decide(rule, facts, self._caps)
        if decision.step == "give":
            return self._give(rule, facts, decision, visitor, shows_messages=shows_messages)
        if decision.step == "again":
            return self._offer_again(rule, facts, visitor, shows_messages=shows_messages)
        if decision.step == "hold":
            self._hold(rule, facts, decision.reason)
        return None

    def arm(self, rule: Rule, facts: Facts) -> None:
        """Have the rule asked again when time alone may make it match."""
        facts = facts._replace(event=None)
        won = facts.offers.get(rule.id, ())
        if rule.send.may_come_again(won):
            at = (
                self._now if rule.send.allows(won, self._now) and matches(rule, facts) else rule.due_at(facts)
            )
            self._fall_due(rule, facts, at)

    def settle(self, rule: Rule, facts: Facts) -> None:
        """The rule is due: decide it, and when it is due next."""
        self.ask(rule, facts, "", shows_messages=False)
        won = facts.offers.get(rule.id, ())
        if not rule.falls_due or (facts.person.person_id, rule.id) in self._due:
            return
        if won and won[-1].claimed == self._now:
            if rule.send.pause and rule.send.may_come_again(won):
                self._fall_due(rule, facts, self._now + rule.send.pause)
        elif rule.send.may_come_again(won):
            self._fall_due(rule, facts, rule.due_at(facts))

    def reach(self, rules: Iterable[Rule], owner: int, event: Event) -> None:
        """The event is what these rules are for: whoever won their message in time has reached the goal."""
        for rule in rules:
            assert rule.goal is not None
            for offer in list(self._offers[owner].get(rule.id, ())):
                in_time = offer.claimed - WHOLE_SECOND <= event.at <= offer.claimed + rule.goal.within.span
                if in_time and offer.goal is None:
                    self._keep(structs.replace(offer, goal=event.at))

    def report(self, owner: int, event: Event) -> None:
        """`message_shown`, `message_clicked` and `message_dismissed` mark the offer, the first time each."""
        field = REPORTS[event.name]
        for offer in self._offers[owner].get(str(event.metadata.get("message", "")), [])[-1:]:
            marked = {field: event.at}
            if field != "shown" and offer.shown is None:
                # A click says that it was seen, even where the first report was lost.
                marked["shown"] = event.at
            if getattr(offer, field) is None and not offer.control:
                self._keep(structs.replace(offer, **marked))

    def won_by(self, owner: int, event_ids: set[str]) -> list[Offer]:
        """What these events of the person won, to be shown."""
        of_person = self._offers[owner]
        every = (offer for offers in of_person.values() for offer in offers)
        return [offer for offer in every if offer.event_id in event_ids and offer.message]

    @property
    def changed(self) -> list[Offer]:
        """What is to be written."""
        return list(self._changed.values())

    @property
    def holds(self) -> list[Hold]:
        return list(self._holds.values())

    @property
    def due(self) -> list[Due]:
        return list(self._due.values())

    def _give(
        self, rule: Rule, facts: Facts, decision: Decision, visitor: str, *, shows_messages: bool
    ) -> Metadata | None:
        ways = [way for way in rule.deliver.ways if way != "email" or has_address(rule.deliver, facts)]
        answered = can_show(rule, facts) and shows_messages and not decision.control
        message = _message(rule, facts, visitor) if "page" in ways and not decision.control else {}
        offer = Offer(
            person_id=facts.person.person_id,
            rule=rule.id,
            nth=decision.nth,
            event_id=facts.event.id if facts.event else "",
            claimed=self._now,
            offered=self._now if answered else NEVER,
            message=message,
            control=decision.control,
            ways=",".join(ways),
        )
        self._keep(offer)
        if not decision.control:
            self.deliveries += deliveries(rule, facts, ways, decision.nth)
        return message if answered and message else None

    def _offer_again(
        self, rule: Rule, facts: Facts, visitor: str, *, shows_messages: bool
    ) -> Metadata | None:
        assert facts.event is not None
        offer = facts.offers[rule.id][-1]
        message = _message(rule, facts, visitor)
        offered = self._now if shows_messages else NEVER
        self._keep(structs.replace(offer, event_id=facts.event.id, offered=offered, message=message))
        return message if shows_messages else None

    def _hold(self, rule: Rule, facts: Facts, reason: str) -> None:
        owner = facts.person.person_id
        self._holds.setdefault((owner, rule.id, reason), Hold(owner, rule.id, reason, self._now))
        if rule.deliver.leaves:
            # What needs no page is not lost, but waits until it may go.
            self._fall_due(rule, facts, free_at(rule, facts, self._caps, reason))

    def _fall_due(self, rule: Rule, facts: Facts, at: int | None) -> None:
        owner = facts.person.person_id
        known = self._due.get((owner, rule.id))
        if at is not None and (known is None or at < known.at):
            self._due[owner, rule.id] = due_at(owner, rule.id, at)

    def _keep(self, offer: Offer) -> None:
        of_rule = self._offers[offer.person_id].setdefault(offer.rule, [])
        of_rule[:] = sorted(
            [kept for kept in of_rule if kept.nth != offer.nth] + [offer], key=lambda kept: kept.nth
        )
        self._changed[offer.person_id, offer.rule, offer.nth] = offer


def _message(rule: Rule, facts: Facts, visitor: str) -> Metadata:
    person = facts.person
    return page_message(rule, person, facts.event.path if facts.event else "", said_at(person, visitor))
