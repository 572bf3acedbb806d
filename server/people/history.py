"""A person's trail as items to read: views with the time spent, other events, milestones in their place.

Pure: what the store answered goes in, items come out, newest first. The API writes them as JSON, the
dashboard as a page.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from server.clock import SECOND
from server.model import Milestone, Moment


class Visit(NamedTuple):
    """An event of the trail. `seconds` is the time on the page, of page views only, where it is known."""

    moment: Moment
    seconds: int | None

    @property
    def at(self) -> int:
        return self.moment.at


Item = Visit | Milestone


class Cursor(NamedTuple):
    """The place of an item in the trail. Items older than it come after it.

    `kind` is a milestone's, or empty; of one instant, milestones are newer than the events that caused them.
    """

    at: int
    kind: str
    event_id: str

    def __str__(self) -> str:
        return f"{self.at}.{self.kind}" if self.kind else f"{self.at}-{self.event_id}"

    @property
    def before_event(self) -> tuple[int, str]:
        """(at, event id) such that the events below it are those older than this place."""
        return (self.at + 1, "") if self.kind else (self.at, self.event_id)


class History(NamedTuple):
    """A slice of a trail; `next` is where the following one begins, or None at the end."""

    items: list[Item]
    next: Cursor | None


_CURSOR = re.compile(r"([0-9]{1,15})(?:-([A-Za-z0-9_-]{0,64})|\.([a-z_]{1,32}))?")


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that `str()` wrote, or a bare time in milliseconds; None when it is neither."""
    match = _CURSOR.fullmatch(text)
    return Cursor(int(match[1]), match[3] or "", match[2] or "") if match else None


def cursor_of(item: Item) -> Cursor:
    """The place of an item."""
    if isinstance(item, Milestone):
        return Cursor(item.at, item.kind, "")
    return Cursor(item.at, "", item.moment.id)


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
    items: list[Item] = [Visit(moment, seconds.get(moment.id)) for moment in moments]
    # Older milestones belong to a later slice while there are events in between.
    floor = moments[-1].at if moments and more else None
    items += [
        milestone
        for milestone in milestones
        if (before is None or _order(cursor_of(milestone)) < _order(before))
        and (floor is None or milestone.at >= floor)
    ]
    items.sort(key=lambda item: _order(cursor_of(item)), reverse=True)
    kept = items[:limit]
    return History(kept, cursor_of(kept[-1]) if kept and (more or len(items) > limit) else None)


def _order(cursor: Cursor) -> tuple[int, str, str]:
    return cursor.at, cursor.kind, cursor.event_id


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
