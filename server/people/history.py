"""A person's trail as items to read: views with the time spent, other events, milestones in their place.

Pure: what the store answered goes in, items come out, newest first. The API writes them as JSON, the
dashboard as a page.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.clock import SECOND
from server.model import Milestone, Moment, Role


class Visit(NamedTuple):
    """An event of the trail. `seconds` is the time on the page, of page views only, where it is known."""

    moment: Moment
    seconds: int | None

    @property
    def at(self) -> int:
        return self.moment.at


Item = Visit | Milestone


class Cursor(NamedTuple):
    """The place of an item in the trail; items sort by it, and those below it are older.

    A milestone stands just above the event that caused it: it has that event's id, and its own `kind`.
    """

    at: int
    event_id: str
    kind: str = ""

    def __str__(self) -> str:
        named = "" if self.event_id == _ABOVE_ALL else f"-{self.event_id}"
        return f"{self.at}.{self.kind}{named}" if self.kind else f"{self.at}{named}"

    @property
    def before_event(self) -> tuple[int, str]:
        """(at, event id) such that the events below it are those older than this place."""
        # A space sorts before whatever an id may go on with.
        return self.at, f"{self.event_id} " if self.kind else self.event_id


class History(NamedTuple):
    """A slice of a trail; `next` is where the following one begins, or None at the end."""

    items: list[Item]
    next: Cursor | None


_ABOVE_ALL = "\U0010ffff"
"""In place of an event's id: above every event of the same millisecond."""

_CURSOR = re.compile(r"([0-9]{1,15})(?:\.([a-z_]{1,32}))?(?:-([A-Za-z0-9_-]{0,64}))?")


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that `str()` wrote, or a bare time in milliseconds; None when it is neither."""
    match = _CURSOR.fullmatch(text)
    if match is None:
        return None
    kind = match[2] or ""
    return Cursor(int(match[1]), match[3] or (_ABOVE_ALL if kind else ""), kind)


def tell(
    moments: Sequence[Moment],
    newer: Sequence[Moment],
    milestones: Iterable[Milestone],
    *,
    more: bool,
    limit: int,
    before: Cursor | None = None,
) -> History:
    """The items of a slice: at most `limit`, newest first, all older than `before`.

    `moments` (newest first) are the events below `before`, with `more` older ones left in the store; `newer`
    (oldest first) those just after them; `milestones` all that the person has.
    """
    seconds = seconds_on_page([*reversed(moments), *newer])
    placed: list[tuple[Cursor, Item]] = [
        (Cursor(moment.at, moment.id), Visit(moment, seconds.get(moment.id))) for moment in moments
    ]
    # Older milestones belong to a later slice while there are events in between.
    floor = Cursor(moments[-1].at, moments[-1].id) if moments and more else None
    for milestone in milestones:
        place = _place(milestone, [*moments, *newer], floor)
        if (before is None or place < before) and (floor is None or place > floor):
            placed.append((place, milestone))
    placed.sort(key=lambda pair: pair[0], reverse=True)
    kept = placed[:limit]
    goes_on = bool(kept) and (more or len(placed) > limit)
    return History([item for _, item in kept], kept[-1][0] if goes_on else None)


def _place(milestone: Milestone, known: Iterable[Moment], floor: Cursor | None) -> Cursor:
    """Just above the last event of its millisecond that the person did in the role before."""
    became = Role.__members__.get(str(milestone.detail.get("role")))
    if became is None:
        return Cursor(milestone.at, _ABOVE_ALL, milestone.kind)
    causes = [moment.id for moment in known if moment.at == milestone.at and moment.role < became]
    # The cause may lie below a slice that ends inside of this millisecond.
    unknown = "" if floor is not None and floor.at == milestone.at else _ABOVE_ALL
    return Cursor(milestone.at, max(causes, default=unknown), milestone.kind)


def seconds_on_page(moments: Sequence[Moment]) -> dict[str, int | None]:
    """The seconds spent on each page view, by event id. `moments` are in order, oldest first.

    What `page_leave` reported for the view's URL until that URL is viewed again; where nothing was reported
    (a server's log, a pixel), the time until the session's next view; of its last view then nothing is known.
    """
    reported: dict[str, float] = {}
    until_next: dict[str, int] = {}
    latest_of_url: dict[str, str] = {}
    previous: Moment | None = None
    for moment in moments:
        if moment.name == "page_view":
            if previous is not None and previous.session == moment.session:
                until_next[previous.id] = (moment.at - previous.at) // SECOND
            latest_of_url[moment.url] = moment.id
            previous = moment
        elif moment.name == "page_leave" and moment.url in latest_of_url:
            view = latest_of_url[moment.url]
            reported[view] = reported.get(view, 0) + _reported_seconds(moment)
    return {
        moment.id: round(reported[moment.id]) if moment.id in reported else until_next.get(moment.id)
        for moment in moments
        if moment.name == "page_view"
    }


def _reported_seconds(leave: Moment) -> float:
    seconds = leave.metadata.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return 0
    # Nobody stays longer than a day on one view; what says so is made up.
    return min(max(float(seconds), 0), 86_400)
