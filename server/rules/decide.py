"""What becomes of a rule at one moment: its message is given, offered again, held back, or nothing. Pure.

Holding back comes after matching: a message that is held back was meant for the person, and is measured.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from server.clock import SECOND
from server.model import Offer
from server.rules.deliver import Deliver
from server.rules.evaluate import is_stopped, is_triggered, is_within_reach, matches
from server.rules.facts import Facts
from server.rules.policy import Caps
from server.rules.rule import Rule

OFFER_AGAIN = 30 * SECOND
"""A message that was answered but not reported as shown within this time is offered again (CONTRACT section
6).
"""

Step = Literal["nothing", "give", "again", "hold"]


class Decision(NamedTuple):
    """What to do, for which of the person's times."""

    step: Step
    nth: int = 0
    control: bool = False
    """Whether it is only measured, never shown."""
    reason: str = ""
    """Why it is held back: `schedule`, `cap` or `address`."""


NOTHING = Decision("nothing")


def decide(rule: Rule, facts: Facts, caps: Caps) -> Decision:
    """What becomes of the rule now. `facts` hold the person's offers."""
    if facts.person.profile.get("blocked"):
        # By the API: no message is for them any more.
        return NOTHING
    won = facts.offers.get(rule.id, ())
    if won and is_waiting(won[-1]):
        return _offer_again(rule, facts, won[-1])
    if not is_within_reach(rule, facts):
        return NOTHING
    if not _has_moment(rule, facts) or not matches(rule, facts) or not rule.send.allows(won, facts.now):
        return NOTHING
    if reason := next(held_back(rule, facts, caps), None):
        return Decision("hold", reason=reason)
    return Decision("give", len(won) + 1, is_control(rule, facts))


def is_waiting(offer: Offer) -> bool:
    """Whether it has a page to be shown on and was not."""
    return bool(offer.message) and offer.shown is None and not offer.control


def is_control(rule: Rule, facts: Facts) -> bool:
    """Whether the person is only measured. Who was once, stays so, also as another person after a merge."""
    if won := facts.offers.get(rule.id, ()):
        return won[0].control
    return rule.control is not None and rule.control.holds(rule.id, facts.person.person_id)


def held_back(rule: Rule, facts: Facts, caps: Caps) -> Iterator[str]:
    """What would hold the message back now, besides the control: `schedule`, `cap`, `address`."""
    if rule.schedule is not None and not rule.schedule.is_open(facts.now, facts.person.site):
        yield "schedule"
    for way in rule.deliver.ways:
        cap = getattr(caps, way)
        if cap is not None and cap.is_reached(_given(facts, way), facts.now):
            yield "cap"
            break
    if rule.deliver.ways == ("email",) and not has_address(rule.deliver, facts):
        yield "address"


def free_at(rule: Rule, facts: Facts, caps: Caps, reason: str) -> int | None:
    """When what is held back for this reason is free; None when time alone does not free it."""
    if reason == "schedule" and rule.schedule is not None:
        return rule.schedule.opens_at(facts.now, facts.person.site)
    if reason == "cap":
        given = {way: _given(facts, way) for way in rule.deliver.ways}
        reached = [
            cap.free_at(given[way])
            for way in rule.deliver.ways
            if (cap := getattr(caps, way)) is not None and cap.is_reached(given[way], facts.now)
        ]
        return max(reached, default=None)
    return None


def has_address(deliver: Deliver, facts: Facts) -> bool:
    """Whether the person has an e-mail address that the message may go to."""
    email, person = deliver.email, facts.person
    return email is not None and bool(person.email) and (person.verified or email.to_unverified)


def can_show(rule: Rule, facts: Facts) -> bool:
    """Whether the answer to the present event may carry the message."""
    if rule.deliver.page is None or facts.event is None:
        return False
    triggers = rule.when is not None and rule.when.event == facts.event.name
    return facts.event.name == "page_view" or triggers


def _has_moment(rule: Rule, facts: Facts) -> bool:
    """Whether the message could go anywhere now."""
    return rule.deliver.leaves or can_show(rule, facts)


def _offer_again(rule: Rule, facts: Facts, offer: Offer) -> Decision:
    """What was won is offered until it was shown, on what triggers it or, unless that is a page, on any."""
    triggers = is_triggered(rule, facts) or (rule.when is not None and not rule.when.is_page)
    if not can_show(rule, facts) or not triggers or facts.now - offer.offered < OFFER_AGAIN:
        return NOTHING
    if is_stopped(rule, facts) or (
        rule.schedule is not None and not rule.schedule.is_open(facts.now, facts.person.site)
    ):
        return NOTHING
    return Decision("again", offer.nth)


def _given(facts: Facts, way: str) -> list[int]:
    """When the person was given messages by this way."""
    every: Iterable[Offer] = (offer for won in facts.offers.values() for offer in won)
    return [offer.claimed for offer in every if not offer.control and way in offer.ways.split(",")]
