"""`when`: the trigger. A page view, an event, or that a time has passed; not who is meant, which is `if`."""

from typing import Annotated

from pydantic import model_validator

from server.clock import HOUR, SECOND
from server.model import Kind
from server.rules.facts import Facts, Finding
from server.rules.grammar import parse_duration
from server.rules.part import Part
from server.rules.values import DurationText, EventName, PageText, written
from server.rules.where import WhereText


def _seconds(text: str) -> int:
    """`5`, which is seconds, or a duration."""
    span = int(text) * SECOND if text.isdecimal() and len(text) < 9 else parse_duration(text)
    if span > HOUR:
        raise ValueError("At most 1 hour: few stay longer on a page.")
    return span // SECOND


SecondsText = Annotated[int, written(_seconds)]


class When(Part):
    """One of three: `page` (or any page, with `after` alone), `event`, or `since_last` and `passes`."""

    page: PageText | None = None
    after: SecondsText | None = None
    """Seconds on the page."""
    event: EventName | None = None
    where: WhereText | None = None
    since_last: EventName | None = None
    passes: DurationText | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "When":
        if (self.since_last is None) != (self.passes is None):
            raise ValueError("A time is both: {since_last: report.created, passes: 30 days}.")
        of_page = self.page is not None or (self.after is not None and self.event is None)
        if sum((of_page, self.event is not None, self.since_last is not None)) != 1:
            raise ValueError("A trigger is one of `page`, `event`, or `since_last` and `passes`.")
        if self.where is not None and self.event is None:
            raise ValueError("`where` looks at an `event`: {event: order, where: {plan: Pro}}.")
        if self.after is not None and not of_page:
            raise ValueError("`after` is a time on a page: {page: /pricing, after: 10 seconds}.")
        return self

    @property
    def is_time(self) -> bool:
        return self.since_last is not None

    @property
    def is_page(self) -> bool:
        """Whether a page view triggers it."""
        return self.event is None and self.since_last is None

    def holds(self, facts: Facts) -> bool:
        """Whether it triggers. Without an event, only a time can fail to."""
        event = facts.event
        if self.passes is not None:
            last = self._last(facts)
            return last is not None and facts.now - last >= self.passes.span
        if event is None:
            return True
        if self.event is not None:
            wanted = self.where is None or self.where.holds(event.metadata, facts.now, facts.person.site)
            return event.name == self.event and wanted
        return event.name == "page_view" and (self.page is None or self.page.matches(event.path))

    def find(self, facts: Facts) -> Finding:
        """The same with its value, in words."""
        if self.passes is not None:
            last = self._last(facts)
            days = "never" if last is None else f"{(facts.now - last) / (24 * HOUR):.1f} days"
            subject, wants = f"when since_last {self.since_last}", f"passes {self.passes}"
            return Finding(self.holds(facts), days, f"{subject} {wants}", (), subject, str(self.passes))
        value = (facts.event.path or facts.event.name) if facts.event else None
        if self.event is not None:
            wanted = f"event {self.event}" + (f" where {self.where}" if self.where else "")
            return Finding(self.holds(facts), value, f"when {wanted}", (), "when", wanted)
        page = f"page {self.page}" if self.page else "any page"
        return Finding(self.holds(facts), value, f"when {page}", (), "when", page)

    def _last(self, facts: Facts) -> int | None:
        """When it happened last; the present event ends the wait and so does not count."""
        assert self.since_last is not None
        total = facts.total_before(Kind.event, self.since_last)
        return None if total is None else total.last
