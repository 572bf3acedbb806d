"""The page views of a log as batches of events, in the order of time. At most WINDOW views wait at once."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from server.clock import DAY
from server.collect.agents import agent_of
from server.collect.clean import clean_referrer, clean_url
from server.collect.decode import MAX_URL
from server.errors import EventRejected
from server.importing.identity import Digests
from server.importing.line import Line, parse_line
from server.importing.skips import Skip, skip_of
from server.importing.tally import Tally
from server.model import Agent, Batch, Event, Site

WINDOW = 4_096
"""Page views that wait to be put in order: a server writes a line when its answer ends, a slow one late."""

GROUP = 500
"""Events that are recorded in one transaction."""

AHEAD = DAY
"""So far may a log be ahead of this machine: clocks differ, and some servers write local time as UTC."""


class View(NamedTuple):
    """One page view. Sorts by time, then by its place in the file."""

    at: int
    number: int
    visitor: str
    event_id: str
    url: str
    path: str
    referrer: str
    agent: Agent


class LogReader:
    """Turns the lines of one file into batches, counting into `tally` what is skipped."""

    def __init__(self, site: Site, origin: str, digests: Digests, tally: Tally, now: int) -> None:
        """`origin` is what the log leaves out of its URLs, such as https://www.example.com; `now` in ms."""
        self._site = site
        self._origin = origin
        self._digests = digests
        self._tally = tally
        self._now = now
        self._latest = now + AHEAD

    def groups(self, lines: Iterable[bytes]) -> Iterator[list[Batch]]:
        """Batches, one a visitor, in groups of GROUP page views."""
        group: dict[str, Batch] = {}
        waiting = 0
        for view, event_id in numbered(in_order(self._views(lines))):
            if view.visitor not in group:
                group[view.visitor] = Batch(
                    site=self._site.key,
                    visitor=view.visitor,
                    events=[],
                    agent=view.agent,
                    shows_messages=False,
                )
            group[view.visitor].events.append(_event(view, event_id, self._now))
            waiting += 1
            if waiting == GROUP:
                yield list(group.values())
                group, waiting = {}, 0
        if group:
            yield list(group.values())

    def _views(self, lines: Iterable[bytes]) -> Iterator[View]:
        for number, raw in enumerate(lines, 1):
            self._tally.read += 1
            found = self._view(raw, number)
            if isinstance(found, Skip):
                self._tally.skip(found, number)
            else:
                yield found

    def _view(self, raw: bytes, number: int) -> View | Skip:
        line = parse_line(raw)
        if line is None:
            return Skip.unreadable
        if skip := skip_of(line):
            return skip
        try:
            url, path = clean_url(self._url(line), self._site.redact, False)
        except EventRejected:
            return Skip.url
        if line.at > self._latest:
            return Skip.future
        return View(
            at=line.at,
            number=number,
            visitor=self._digests.visitor(line.address, line.user_agent),
            event_id=self._digests.line(raw),
            url=url,
            path=path,
            referrer=clean_referrer(line.referrer, self._site.redact),
            agent=agent_of(line.user_agent),
        )

    def _url(self, line: Line) -> str:
        """The whole URL, or nothing where the target is none. Of a whole URL (as proxies are asked) the path
        counts."""
        scheme, separator, rest = line.target.partition("://")
        if separator and scheme.lower() in ("http", "https"):
            url = f"{self._origin}/{rest.partition('/')[2]}"
        elif line.target.startswith("/"):
            url = self._origin + line.target
        else:
            return ""
        return url if len(url) <= MAX_URL else ""


def in_order(views: Iterable[View], window: int = WINDOW) -> Iterator[View]:
    """The views by time, as long as none comes more than `window` views late."""
    waiting: list[View] = []
    for view in views:
        if len(waiting) < window:
            heapq.heappush(waiting, view)
        else:
            yield heapq.heappushpop(waiting, view)
    while waiting:
        yield heapq.heappop(waiting)


def numbered(views: Iterable[View]) -> Iterator[tuple[View, str]]:
    """Each view with its event id. Lines that are the same to the byte are views of their own: -2, -3, ….

    Such lines tell the same second, so in order they come together: one second's lines are remembered.
    """
    second = -1
    seen: Counter[str] = Counter()
    for view in views:
        if view.at != second:
            second = view.at
            seen.clear()
        seen[view.event_id] += 1
        times = seen[view.event_id]
        yield view, view.event_id if times == 1 else f"{view.event_id}-{times}"


def _event(view: View, event_id: str, now: int) -> Event:
    return Event(
        id=event_id,
        name="page_view",
        at=view.at,
        received=now,
        url=view.url,
        path=view.path,
        referrer=view.referrer,
    )
