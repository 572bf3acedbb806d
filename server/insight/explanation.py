"""Why a person gets a message or does not: each condition with its value, and what holds the message back."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from server.clock import SECOND
from server.identity import letters_ident
from server.model import Offer, Person
from server.rules.decide import free_at, held_back, is_control, is_waiting
from server.rules.evaluate import explain, matches
from server.rules.facts import Facts, Finding
from server.rules.policy import Caps
from server.rules.rule import Rule
from server.store.base import Look, Rulings
from server.trail.portraits import portray, portray_whole


class Held(NamedTuple):
    """One reason why the message is not given although it may match."""

    reason: str
    """`send`, `control`, `schedule`, `cap`, `address` or `consent`."""
    text: str


class Explanation(NamedTuple):
    """The rule about one person now. What triggers it is not asked: no event happens."""

    rule: Rule
    person: Person
    matches: bool
    findings: list[Finding]
    held: list[Held]


async def explain_person(store: Look, rule: Rule, caps: Caps, person: Person, now: int) -> Explanation:
    """Asks the store for what the rule looks at."""
    [facts] = await portray(store.rulings, [person], now, rule)
    held = [*_held(rule, facts, caps), *await _refused(store, rule, person)]
    return Explanation(rule, person, matches(rule, facts), explain(rule, facts), held)


async def explain_all(
    rulings: Rulings, rules: Iterable[Rule], caps: Caps, person: Person, now: int
) -> list[tuple[Explanation, Sequence[Offer]]]:
    """Every rule about one person, with what they won by it, for the price of one."""
    rules = tuple(rules)
    facts = await portray_whole(rulings, person, now, rules)
    return [
        (
            Explanation(rule, person, matches(rule, facts), explain(rule, facts), _held(rule, facts, caps)),
            facts.offers.get(rule.id, ()),
        )
        for rule in rules
    ]


def lines(explanation: Explanation) -> list[str]:
    """The explanation as a terminal shows it: `viewed /pricing: 3, wants more than 3 -> no`."""
    told = [line for finding in explanation.findings for line in _told(finding, "")]
    told += [f"held back by {held.reason}: {held.text}" for held in explanation.held]
    if not explanation.matches:
        return [*told, "-> does not match"]
    return [*told, "-> matches, and is held back" if explanation.held else "-> matches"]


def value_text(value: object) -> str:
    """A finding's value in words."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items()) or "nothing"
    return str(value)


def _told(finding: Finding, indent: str) -> list[str]:
    wants = f", wants {finding.wants}" if finding.wants else ""
    verdict = "yes" if finding.holds else "no"
    line = f"{indent}{finding.subject or finding.text}: {value_text(finding.value)}{wants} -> {verdict}"
    return [line, *(inner for part in finding.parts for inner in _told(part, indent + "  "))]


def _held(rule: Rule, facts: Facts, caps: Caps) -> list[Held]:
    won = facts.offers.get(rule.id, ())
    held = []
    if won and is_waiting(won[-1]):
        held.append(Held("send", f"won {_day(won[-1].claimed)}, and waits to be shown on a page"))
    elif not rule.send.allows(won, facts.now):
        times = "once" if len(won) == 1 else f"{len(won)} times"
        held.append(Held("send", f"given {times}, last {_day(won[-1].claimed)}; it is sent {rule.send}"))
    if is_control(rule, facts):
        held.append(Held("control", f"one of the {rule.control or 'people'} who are only measured"))
    for reason in held_back(rule, facts, caps):
        free = free_at(rule, facts, caps, reason)
        until = f", until {_moment(free)}" if free is not None else ""
        held.append(Held(reason, _reason(rule, caps, reason) + until))
    return held


def _reason(rule: Rule, caps: Caps, reason: str) -> str:
    if reason == "schedule":
        return f"outside of {rule.schedule}"
    if reason == "cap":
        given = ((way, getattr(caps, way)) for way in rule.deliver.ways)
        return "reached: " + ", ".join(f"{way} {cap}" for way, cap in given if cap is not None)
    return "no e-mail address that it may go to"


async def _refused(store: Look, rule: Rule, person: Person) -> list[Held]:
    """Whether the person has taken back that e-mail may come."""
    if rule.deliver.email is None or not person.email:
        return []
    out = await store.outbox.is_unsubscribed(letters_ident(person.site, person.email))
    if out or person.profile.get("unsubscribed_from_emails"):
        return [Held("consent", "unsubscribed from e-mail")]
    return []


def _day(at: int) -> str:
    return f"on {datetime.fromtimestamp(at // SECOND, UTC).date()}"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
