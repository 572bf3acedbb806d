"""A person's history as a timeline: days, in them sessions, in them what happened, newest first. Pure."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any, NamedTuple

from server.dashboard.joins import HOW
from server.dashboard.present import UNTOLD
from server.dashboard.times import When, day_heading, local, span, when
from server.dashboard.values import Value, label_of, parts_of, present_value, web_link
from server.model import Milestone, Moment, Offer
from server.people.history import Item, Visit

REASONS = {
    "valueMissing": "left empty",
    "typeMismatch": "not of the right form",
    "patternMismatch": "wrong format",
    "tooLong": "too long",
    "tooShort": "too short",
    "rangeUnderflow": "too low",
    "rangeOverflow": "too high",
    "stepMismatch": "not an allowed step",
    "badInput": "could not be read",
    "customError": "refused by the page",
}
"""The keys of ValidityState in words."""

_MESSAGE_VERBS = {"message_shown": "Saw", "message_clicked": "Clicked", "message_dismissed": "Closed"}


class Detail(NamedTuple):
    """A label and its value under an entry."""

    label: str
    value: Value


class Entry(NamedTuple):
    """Something that happened. `kind` picks the mark on the line."""

    kind: str
    """page, event, form_error, form, link, message, identify or milestone."""
    title: str
    when: When
    path: str = ""
    href: str | None = None
    spent: str = ""
    details: list[Detail] = []
    before: str = ""
    """What the part below a milestone is called."""


class Session(NamedTuple):
    """Entries of one session on one day. `number` is None for milestones that stand alone."""

    number: int | None
    times: str
    entries: list[Entry]

    @property
    def pages(self) -> int:
        """How many page views are among them."""
        return sum(entry.kind == "page" for entry in self.entries)


class Day(NamedTuple):
    """One day of the site's time zone."""

    heading: str
    sessions: list[Session]


def present_timeline(items: Iterable[Item], offers: Iterable[Offer], now: int, zone: tzinfo) -> list[Day]:
    """The days of a slice of the history. `offers` give messages their titles."""
    titles = {offer.rule: str(offer.message.get("title") or offer.rule) for offer in offers}
    days: list[Day] = []
    date, number = None, None
    for item in items:
        if isinstance(item, Visit) and item.moment.name in UNTOLD:
            continue
        entry = (
            _milestone(item, now, zone) if isinstance(item, Milestone) else _visit(item, titles, now, zone)
        )
        if (item_date := local(item.at, zone).date()) != date:
            date, number = item_date, None
            days.append(Day(day_heading(item.at, now, zone), []))
        sessions = days[-1].sessions
        own = item.moment.session if isinstance(item, Visit) else number
        if not sessions or (own != number and number is not None):
            sessions.append(Session(own, "", []))
        elif number is None and own is not None:
            # A milestone opened the day; the session that follows takes it in.
            sessions[-1] = sessions[-1]._replace(number=own)
        number = own
        sessions[-1].entries.append(entry)
    return [day._replace(sessions=[_timed(session) for session in day.sessions]) for day in days]


def _timed(session: Session) -> Session:
    first, last = session.entries[-1].when.time, session.entries[0].when.time
    return session._replace(times=first if first == last else f"{first} – {last}")


def _milestone(milestone: Milestone, now: int, zone: tzinfo) -> Entry:
    at = when(milestone.at, now, zone)
    if milestone.kind == "became":
        role = str(milestone.detail.get("role", "lead"))
        return Entry("milestone", f"Became a {role}", at, before="Before sign-up")
    if milestone.kind == "separated":
        return Entry("milestone", "Taken apart from the history of another visitor again", at)
    how = HOW.get(str(milestone.detail.get("by")))
    details = [Detail("How", Value(how))] if how else []
    return Entry("milestone", "Joined with the history of another visitor", at, details=details)


def _visit(visit: Visit, titles: Mapping[str, str], now: int, zone: tzinfo) -> Entry:
    moment, at = visit.moment, when(visit.at, now, zone)
    if moment.name == "page_view":
        return Entry(
            "page",
            moment.title or moment.path,
            at,
            path=moment.path,
            href=web_link(moment.url),
            spent="" if visit.seconds is None else span(visit.seconds),
            details=_came_from(moment) + _details(moment.metadata, zone),
        )
    kind, title, shown = _describe(moment, titles)
    rest = {key: value for key, value in moment.metadata.items() if key not in shown}
    return Entry(
        kind,
        title,
        at,
        path=moment.path,
        href=web_link(moment.url),
        details=_fields(moment) + _details(rest, zone),
    )


def _describe(moment: Moment, titles: Mapping[str, str]) -> tuple[str, str, set[str]]:
    """The entry's kind and title, and the metadata that the title tells already."""
    metadata, name = moment.metadata, moment.name
    if name == "form_error":
        return "form_error", f"Could not submit {_form(metadata)}", {"form", "fields"}
    if name == "form_submit":
        return (
            "form",
            f"Submitted {_form(metadata)}",
            {"form", "ok"} if metadata.get("ok") is True else {"form"},
        )
    if name == "link_click":
        return "link", "Followed a link", set()
    if name == "file_download":
        file = parts_of(str(metadata.get("href", ""))).path.rpartition("/")[2]
        return "link", f"Downloaded {file}" if file else "Downloaded a file", set()
    if name in _MESSAGE_VERBS:
        rule = str(metadata.get("message", ""))
        return "message", f"{_MESSAGE_VERBS[name]} the message “{titles.get(rule, rule)}”", set()
    if name == "identify":
        return "identify", "Left their details", set()
    if name == "reset":
        return "identify", "Signed out at this browser", set()
    return "event", name, set()


def _form(metadata: Mapping[str, Any]) -> str:
    name = str(metadata.get("form") or "")
    return f"the form “{name}”" if name else "a form"


def _came_from(moment: Moment) -> list[Detail]:
    """The referrer of a view, where it is another site's."""
    if not moment.referrer or parts_of(moment.referrer).hostname == parts_of(moment.url).hostname:
        return []
    return [Detail("From", Value(moment.referrer, "link", web_link(moment.referrer)))]


def _fields(moment: Moment) -> list[Detail]:
    """The fields of a form error, each with its reason."""
    fields = moment.metadata.get("fields") if moment.name == "form_error" else None
    if not isinstance(fields, list):
        return []
    listed = []
    for field in fields:
        reason = str(field.get("reason") or "refused")
        listed.append(
            Detail(str(field.get("name") or "a field"), Value(REASONS.get(reason, reason), "reason"))
        )
    return listed


def _details(metadata: Mapping[str, Any], zone: tzinfo) -> list[Detail]:
    return [Detail(label_of(key), present_value(key, value, zone)) for key, value in metadata.items()]
