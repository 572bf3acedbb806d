"""Who is here now, and where: the latest events as the live page shows them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

from server.clock import MINUTE, SECOND
from server.dashboard.present import Row, present_row
from server.dashboard.times import span
from server.dashboard.values import web_link
from server.model import Moment, Person

HERE = 5 * MINUTE
"""Whoever did something within this time is here, unless their page said that it was left."""

LEFT = 30 * SECOND
"""A page that was left so long ago, with nothing after it, was the last one."""

SHOWN_PEOPLE = 100
SHOWN_PAGES = 10


class Place(NamedTuple):
    """Where somebody is: the latest page view, and when something last came from there."""

    person_id: int
    path: str
    url: str
    title: str
    since: int
    last: int
    did: str
    """The latest event that is no page view; empty if there was none on this page."""


class Here(NamedTuple):
    """A person who is here, as they are shown."""

    row: Row
    site: str
    path: str
    href: str | None
    title: str
    spent: str
    did: str


class PageNow(NamedTuple):
    """A page, how many are on it, and its share of the fullest one in percent."""

    path: str
    people: int
    share: int


def places(moments: Iterable[Moment], now: int) -> list[Place]:
    """Where everybody is who is here, the latest to move first. `moments` are newest first."""
    of_person: dict[int, list[Moment]] = {}
    for moment in moments:
        of_person.setdefault(moment.person_id, []).append(moment)
    found = []
    for person_id, theirs in of_person.items():
        view = next((moment for moment in theirs if moment.name == "page_view"), None)
        latest = theirs[0]
        gone = latest.name == "page_leave" and now - latest.at > LEFT
        if gone or now - latest.at > HERE or not (view or latest).path:
            continue
        at = view or latest
        others = (moment.name for moment in theirs if moment.at >= at.at and moment.name not in _UNTOLD)
        found.append(Place(person_id, at.path, at.url, at.title, at.at, latest.at, next(others, "")))
    return sorted(found, key=lambda place: (-place.since, place.person_id))


_UNTOLD = ("page_view", "page_leave", "message_shown", "identify")


def present_people(
    found: Sequence[Place], people: Mapping[int, Person], zones: Mapping[str, tzinfo], now: int, utc: tzinfo
) -> list[Here]:
    """The people at these places. Whoever is not there any more (erased, merged) is left out."""
    shown = []
    for place in found[:SHOWN_PEOPLE]:
        person = people.get(place.person_id)
        if person is not None:
            shown.append(
                Here(
                    row=present_row(person, 0, now, zones.get(person.site, utc)),
                    site=person.site,
                    path=place.path,
                    href=web_link(place.url),
                    title=place.title or place.path,
                    spent=span(max(0, now - place.since) // SECOND),
                    did=place.did,
                )
            )
    return shown


def present_pages(found: Sequence[Place]) -> list[PageNow]:
    """The pages that people are on, the fullest first."""
    counts = Counter(place.path for place in found)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_PAGES]
    most = ranked[0][1] if ranked else 1
    return [PageNow(path, people, max(1, 100 * people // most)) for path, people in ranked]
