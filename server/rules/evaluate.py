"""Whether a rule matches, and why: both from the same conditions."""

from server.model import Kind, Role
from server.rules.facts import Facts, Finding
from server.rules.registry import find
from server.rules.rule import Audience, Rule


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether the rule's message is meant for this person now. Without an event, only a time is asked of
    `when`."""
    return is_triggered(rule, facts) and is_meant(rule, facts) and not is_stopped(rule, facts)


def is_within_reach(rule: Rule, facts: Facts) -> bool:
    """Whether it can match at all. Few of the rules that an event concerns do, and this finds it quickly."""
    totals = facts.totals
    for key, least in rule.needs:
        total = totals.get(key)
        if total is None or total.count < least:
            return False
    return True


def is_triggered(rule: Rule, facts: Facts) -> bool:
    """Whether its moment has come."""
    return rule.when is None or rule.when.holds(facts)


def is_meant(rule: Rule, facts: Facts) -> bool:
    """Whether the person belongs to its audience, `to` and `if`."""
    return facts.person.role in rule.to and all(find(asked, facts).holds for asked in rule.if_)


def is_stopped(rule: Rule, facts: Facts) -> bool:
    """Whether something of `unless` holds, or its goal is reached."""
    return any(find(asked, facts).holds for asked in rule.unless) or goal_count(rule, facts) > 0


def goal_count(rule: Rule, facts: Facts) -> int:
    """How often the person did what the rule's goal is, ever."""
    if rule.goal is None:
        return 0
    if rule.goal.viewed is not None and rule.goal.viewed.exact is None:
        return sum(total.count for path, total in facts.pages() if rule.goal.viewed.matches(path))
    return sum(total.count for key in rule.goal_keys if (total := facts.total(Kind(key[0]), key[1])))


def is_in(segment: Audience, facts: Facts) -> bool:
    """Whether the person is in a segment."""
    return all(find(asked, facts).holds for asked in segment.if_) and not any(
        find(asked, facts).holds for asked in segment.unless
    )


def explain(rule: Rule, facts: Facts) -> list[Finding]:
    """Each condition with its value and verdict; the rule matches when all of them hold."""
    findings = []
    if len(rule.to) < len(Role):
        names = ", ".join(f"{role.name}s" for role in sorted(rule.to))
        role = facts.person.role
        findings.append(Finding(role in rule.to, Role(role).name, f"to {names}", (), "role", names))
    if rule.when is not None and (facts.event is not None or rule.when.is_time):
        findings.append(rule.when.find(facts))
    findings += (find(asked, facts) for asked in rule.if_)
    for asked in rule.unless:
        found = find(asked, facts)
        holds, text, subject = not found.holds, f"unless {found.text}", f"unless {found.subject}"
        wants = "never" if found.wants == "at least 1" else f"not {found.wants}"
        findings.append(Finding(holds, found.value, text, found.parts, subject, wants))
    if rule.goal is not None:
        count = goal_count(rule, facts)
        subject = f"goal {rule.goal.text}"
        findings.append(Finding(count == 0, count, f"{subject} not reached", (), subject, "never"))
    return findings
