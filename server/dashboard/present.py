"""People as the dashboard's pages show them: the rows of a list, and the head of one person's page. Pure.

The trail itself is in `timeline`, single values of metadata in `values`.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple

from server.clock import DAY
from server.dashboard.times import When, when
from server.dashboard.values import Value, label_of, parts_of, present_value, web_link
from server.ids import public_id
from server.model import Kind, Person, Role, Total, TotalKey
from server.people.page import page_path
from server.people.traits import is_proved

SHOWN_TOTALS = 8
"""Totals that stand open on the page; the others unfold."""

UNTOLD = frozenset({"page_leave"})
"""Events that are shown by what they belong to: the time on a page is the view's."""

TINTS = 6
"""Colours of the initials, one by person."""


class Row(NamedTuple):
    """A person in the list."""

    id: str
    title: str
    subtitle: str
    initial: str
    tint: int
    role: str
    verified: bool
    last_seen: When
    views: int
    sessions: int
    source: str
    device: str


class Fact(NamedTuple):
    """A line of the person's head."""

    label: str
    value: Value


class TotalLine(NamedTuple):
    """How often, first and last. `share` is the bar's length in percent of the most frequent one."""

    name: str
    times: int
    first: When
    last: When
    share: int


class Totals(NamedTuple):
    """The totals of a person: pages, and events by name."""

    pages: list[TotalLine]
    events: list[TotalLine]


class Head(NamedTuple):
    """The top of a person's page."""

    row: Row
    email: str | None
    email_proved: bool
    """Whether the site's own server said it; else somebody at a browser did."""
    user_id: str | None
    first_seen: When
    became_lead: When | None
    days_known: int
    facts: list[Fact]
    traits: list[Fact]


def present_row(person: Person, views: int, now: int, zone: tzinfo) -> Row:
    """The person's line in the list. `views` are the pages that they viewed."""
    title = title_of(person)
    return Row(
        id=public_id(person.person_id),
        title=title,
        subtitle=_subtitle(person),
        initial=next((letter.upper() for letter in title if letter.isalnum()), "?")
        if person.role > Role.visitor
        else "",
        tint=person.person_id % TINTS,
        role=Role(person.role).name,
        verified=person.verified,
        last_seen=when(person.last_seen, now, zone),
        views=views,
        sessions=person.sessions,
        source=source_of(person),
        device=_device(person),
    )


def present_head(person: Person, views: int, now: int, zone: tzinfo) -> Head:
    """What is known about the person."""
    utm = [Fact(f"UTM {name}", Value(value)) for name, value in person.utm.items()]
    facts = [
        Fact("Came from", _linked(person.referrer, "Direct, or unknown")),
        *utm,
        Fact("First page", _linked(person.landing, "None yet")),
        Fact("Device", Value(_device(person) or "Unknown")),
        Fact("Language", Value(person.language or "Unknown")),
        Fact("Site", Value(person.site)),
    ]
    return Head(
        row=present_row(person, views, now, zone),
        email=person.email,
        email_proved=is_proved(person, "email"),
        user_id=person.user_id,
        first_seen=when(person.first_seen, now, zone),
        became_lead=None if person.became_lead is None else when(person.became_lead, now, zone),
        days_known=max(0, now - person.first_seen) // DAY,
        facts=facts,
        traits=[Fact(label_of(key), present_value(key, value, zone)) for key, value in person.traits.items()],
    )


def present_totals(totals: Mapping[TotalKey, Total], now: int, zone: tzinfo) -> Totals:
    """The totals of a person, the most frequent first."""
    return Totals(_lines(totals, Kind.page, now, zone), _lines(totals, Kind.event, now, zone))


def title_of(person: Person) -> str:
    """What the person is called: name, e-mail, user_id, or the end of their id."""
    return person.name or person.email or person.user_id or f"Visitor {public_id(person.person_id)[-6:]}"


def source_of(person: Person) -> str:
    """Where the person first came from, in a word or two."""
    if campaign := person.utm.get("source"):
        medium = person.utm.get("medium")
        return f"{campaign} / {medium}" if medium else campaign
    host = parts_of(person.referrer).hostname
    return host.removeprefix("www.") if host else "Direct"


def _subtitle(person: Person) -> str:
    """The e-mail where a name stands above it, else the page that the person came to first."""
    if person.name and person.email:
        return person.email
    return page_path(person.landing) if web_link(person.landing) else ""


def _device(person: Person) -> str:
    return " · ".join(part for part in (person.browser, person.os, person.device) if part)


def _linked(url: str, otherwise: str) -> Value:
    return Value(url, "link", web_link(url)) if url else Value(otherwise, "none")


def _lines(totals: Mapping[TotalKey, Total], wanted: Kind, now: int, zone: tzinfo) -> list[TotalLine]:
    found = [(key, total) for (_, kind, key), total in totals.items() if kind == wanted and key not in UNTOLD]
    found.sort(key=lambda item: (-item[1].count, item[0]))
    most = found[0][1].count if found else 1
    return [
        TotalLine(
            key,
            total.count,
            when(total.first, now, zone),
            when(total.last, now, zone),
            max(1, 100 * total.count // most),
        )
        for key, total in found
    ]
