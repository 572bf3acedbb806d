"""Whether a rule matches, and why: both from the same conditions."""

from server.model import Event, Role
from server.rules.facts import Facts, Finding
from server.rules.registry import find
from server.rules.rule import Rule, When


def matches(rule: Rule, facts: Facts) -> bool:
    """Whether the rule's message is meant for this person now. Without an event, `when` is not asked."""
    if facts.person.role not in rule.to:
        return False
    if rule.when is not None and facts.event is not None and not _triggers(rule.when, facts.event):
        return False
    if not all(find(asked, facts).holds for asked in rule.if_):
        return False
    return not any(find(asked, facts).holds for asked in rule.unless)


def explain(rule: Rule, facts: Facts) -> list[Finding]:
    """Each condition with its value and verdict; the rule matches when all of them hold."""
    findings = []
    if len(rule.to) < len(Role):
        names = ", ".join(f"{role.name}s" for role in sorted(rule.to))
        findings.append(Finding(facts.person.role in rule.to, facts.person.role.name, f"to {names}"))
    if rule.when is not None and facts.event is not None:
        value = facts.event.path or facts.event.name
        findings.append(Finding(_triggers(rule.when, facts.event), value, f"when page {rule.when.page}"))
    findings += (find(asked, facts) for asked in rule.if_)
    for asked in rule.unless:
        found = find(asked, facts)
        findings.append(Finding(not found.holds, found.value, f"unless {found.text}", found.parts))
    return findings


def _triggers(when: When, event: Event) -> bool:
    return event.name == "page_view" and when.page.matches(event.path)
