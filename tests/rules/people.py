"""People, facts and rules for the tests of the rule language: short ways to say them, nothing faked."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.clock import DAY
from server.model import Event, Kind, Moment, Offer, Person, Total
from server.rules.conditions import Condition
from server.rules.facts import Facts, Finding
from server.rules.load import load
from server.rules.registry import find
from server.rules.rule import Rule
from server.rules.schema import Config

NOW = 1_795_500_000_000
"""2026-11-24 05:20 UTC."""

SITES = "sites: [{key: main, timezone: Europe/Lisbon}, {key: east, timezone: Asia/Tokyo}]\n"
HELLO = "deliver: {page: {title: Hello}}"


def config(text: str) -> Config:
    return load(SITES + text, "leadtrail.yaml")


def rule(*lines: str, deliver: str = HELLO) -> Rule:
    """The rule of these lines, which stand under `- id: help`."""
    body = "".join(f"    {line}\n" for line in [*lines, deliver])
    (only,) = config(f"messages:\n  - id: help\n{body}").rules
    return only


def condition(text: str, more: str = "") -> Condition:
    """The one condition, e.g. `viewed: /pricing, times: more than 3`; `more` is put before `messages`."""
    (only,) = config(f"{more}messages:\n  - id: help\n    if: [{{{text}}}]\n    {HELLO}\n").rules
    return only.if_[0]


def person(**known: Any) -> Person:
    defaults = {"first_seen": NOW - 30 * DAY, "last_seen": NOW, "session_start": NOW}
    return Person(**{"person_id": 1, "site": "main", "visitor": "v", **defaults, **known})


def total(count: int = 1, first: int = NOW, last: int = NOW) -> Total:
    return Total(count, first, last)


def facts(
    who: Person | None = None,
    pages: Mapping[str, Total] | None = None,
    events: Mapping[str, Total] | None = None,
    forms: Mapping[str, Total] | None = None,
    event: Event | None = None,
    offers: Mapping[str, list[Offer]] | None = None,
    recent: Sequence[Moment] = (),
    now: int = NOW,
) -> Facts:
    totals: dict[tuple[int, str], Total] = {}
    for kind, given in ((Kind.page, pages), (Kind.event, events), (Kind.form, forms)):
        totals.update({(kind, key): value for key, value in (given or {}).items()})
    return Facts(who or person(), totals, event, now, offers or {}, recent)


def view(path: str) -> Event:
    return Event(
        id="view-1", name="page_view", at=NOW, received=NOW, url=f"https://example.com{path}", path=path
    )


def happened(name: str, ago: int = 0, path: str = "/", **metadata: Any) -> Moment:
    """A stored event, so many milliseconds ago."""
    at = NOW - ago
    return Moment(1, f"{name}-{ago}", "main", at, at, name, path, "", "", "", metadata, 1, 1)


def did_event(name: str, **metadata: Any) -> Event:
    """An event that happens now."""
    return Event(id="event-1", name=name, at=NOW, received=NOW, metadata=metadata)


def won(**fields: Any) -> Offer:
    """A message `help` that the person won."""
    defaults = {"rule": "help", "nth": 1, "claimed": NOW, "offered": NOW, "message": {"id": "help"}}
    return Offer(**{"person_id": 1, "event_id": "view-1", **defaults, **fields})


def finding(text: str, given: Facts, more: str = "") -> Finding:
    """What the condition of this text finds."""
    return find(condition(text, more), given)


def holds(text: str, given: Facts, more: str = "") -> bool:
    return finding(text, given, more).holds
