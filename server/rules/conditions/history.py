"""What a person did. Conditions on the totals, so on all history, however long ago; with `in` or `where`, on
the person's own events that are still stored.
"""

from collections.abc import Iterator, Sequence

from pydantic import Field, model_validator

from server.model import Kind, Moment, Total
from server.people.state import add
from server.rules.facts import Facts, Finding
from server.rules.grammar import AT_LEAST_ONCE, Times
from server.rules.part import Part
from server.rules.registry import Form, Key, Look, condition
from server.rules.values import DurationText, EventName, PageText, PeriodText, Text, TimesText
from server.rules.where import Where, WhereText

MOST_RECENT = 1_000
"""As many of a person's newest stored events are looked at by `in` and `where`, and no number in them may be
higher."""


class _Counted(Form):
    """What `viewed`, `did` and `form_error` can ask of what was counted."""

    times: TimesText = AT_LEAST_ONCE
    first: PeriodText | None = None
    last: PeriodText | None = None
    in_: DurationText | None = Field(default=None, alias="in")

    @model_validator(mode="after")
    def _can_hold(self) -> "_Counted":
        if self.times.high == 0 and (self.first or self.last):
            raise ValueError("What happened never has no first and no last time; this can never hold.")
        if self.of_rows() and max(self.times.low, self.times.high or 0) > MOST_RECENT:
            raise ValueError(
                f"With `in` and `where` at most {MOST_RECENT:,} events are looked at; write a smaller number."
            )
        return self

    def of_rows(self) -> bool:
        """Whether single events are looked at, not totals."""
        return self.in_ is not None

    def event_name(self) -> str:
        """The name of the events that it counts."""
        raise NotImplementedError

    def is_counted(self, moment: Moment, facts: Facts) -> bool:
        """Whether an event of that name is one that it counts."""
        raise NotImplementedError

    def looks_back(self) -> Iterator[Look]:
        if self.of_rows():
            yield self.event_name(), self.in_.span if self.in_ else None

    def counts(self) -> tuple[str, Times] | None:
        return None if self.of_rows() else (self.subject, self.times)

    def needs(self) -> tuple[Key, int] | None:
        key = None if self.of_rows() else next(self.asks(), None)
        return None if key is None else (key, self.times.low)

    def ripens(self) -> bool:
        in_time = any(period is not None and period.ripens for period in (self.first, self.last))
        return in_time or (self.in_ is not None and self.times.low == 0)

    def expires(self) -> bool:
        in_time = any(period is not None and period.expires for period in (self.first, self.last))
        return in_time or self.in_ is not None

    def edges(self, facts: Facts) -> Iterator[int]:
        total = self.total(facts)
        if total is None:
            return
        if self.first:
            yield from self.first.edges(total.first)
        if self.last:
            yield from self.last.edges(total.last)
        if self.in_:
            yield from (moment.at + self.in_.span + 1 for moment in self.rows(facts))

    def rows(self, facts: Facts) -> Sequence[Moment]:
        """The stored events that it counts."""
        span = self.in_.span if self.in_ else None
        return [row for row in facts.happened(self.event_name(), span) if self.is_counted(row, facts)]

    def total(self, facts: Facts) -> Total | None:
        if not self.of_rows():
            return self.kept(facts)
        counted: Total | None = None
        for row in self.rows(facts):
            counted = add(counted, row.at)
        return counted

    def kept(self, facts: Facts) -> Total | None:
        """The total that is kept for ever."""
        (key,) = self.asks()
        return facts.total(*key)

    def judge(self, facts: Facts) -> Finding:
        total = self.total(facts)
        return self.finding(self.is_met(total, facts), total.count if total else 0)

    def is_met(self, total: Total | None, facts: Facts) -> bool:
        if not self.times.holds(total.count if total else 0):
            return False
        if total is None:
            return not (self.first or self.last)
        now, site = facts.now, facts.person.site
        first_lies = self.first is None or self.first.holds(total.first, now, site)
        return first_lies and (self.last is None or self.last.holds(total.last, now, site))


class Viewed(_Counted):
    viewed: PageText

    def asks(self) -> Iterator[Key]:
        if self.viewed.exact is not None and not self.of_rows():
            yield Kind.page, self.viewed.exact

    def asks_pages(self) -> bool:
        return self.viewed.exact is None and not self.of_rows()

    def event_name(self) -> str:
        return "page_view"

    def is_counted(self, moment: Moment, facts: Facts) -> bool:
        return self.viewed.matches(moment.path)

    def kept(self, facts: Facts) -> Total | None:
        if self.viewed.exact is not None:
            return facts.total(Kind.page, self.viewed.exact)
        together: Total | None = None
        for path, total in facts.pages():
            if self.viewed.matches(path):
                together = total if together is None else _sum(together, total)
        return together


@condition
def viewed(asked: Viewed, facts: Facts) -> Finding:
    """Views of a page, or of all pages that a glob or a regex means, taken together."""
    return asked.judge(facts)


def _sum(one: Total, other: Total) -> Total:
    return Total(one.count + other.count, min(one.first, other.first), max(one.last, other.last))


class ThenNot(Part):
    """What did not follow: `{did: purchase, within: 1 hour}`."""

    did: EventName
    where: WhereText | None = None
    within: DurationText

    def __str__(self) -> str:
        where = f" where {self.where}" if self.where else ""
        return f"did {self.did}{where} within {self.within}"


class Did(_Counted):
    did: EventName
    where: WhereText | None = None
    then_not: ThenNot | None = None

    def of_rows(self) -> bool:
        return self.in_ is not None or self.where is not None

    def asks(self) -> Iterator[Key]:
        if not self.of_rows():
            yield Kind.event, self.did
        if self.then_not is not None and self.then_not.where is None:
            yield Kind.event, self.then_not.did

    def looks_back(self) -> Iterator[Look]:
        yield from super().looks_back()
        if self.then_not is not None and self.then_not.where is not None:
            yield self.then_not.did, None

    def event_name(self) -> str:
        return self.did

    def is_counted(self, moment: Moment, facts: Facts) -> bool:
        return self.where is None or self.where.holds(moment.metadata, facts.now, facts.person.site)

    def kept(self, facts: Facts) -> Total | None:
        return facts.total(Kind.event, self.did)

    def ripens(self) -> bool:
        return self.then_not is not None or super().ripens()

    def edges(self, facts: Facts) -> Iterator[int]:
        yield from super().edges(facts)
        if self.then_not is not None and (total := self.total(facts)):
            yield total.last + self.then_not.within.span

    def is_met(self, total: Total | None, facts: Facts) -> bool:
        if not super().is_met(total, facts):
            return False
        return self.then_not is None or (total is not None and self._was_the_end(total.last, facts))

    def _was_the_end(self, last: int, facts: Facts) -> bool:
        """Whether the time is over and nothing followed. What was done after all, however late, followed."""
        then = self.then_not
        assert then is not None
        if last + then.within.span > facts.now:
            return False
        if then.did == self.did and then.where == self.where:
            return True
        if then.where is None:
            total = facts.total(Kind.event, then.did)
            return total is None or total.last < last
        return not any(
            row.at >= last and _meets(then.where, row, facts) for row in facts.happened(then.did, None)
        )


def _meets(where: Where, moment: Moment, facts: Facts) -> bool:
    return where.holds(moment.metadata, facts.now, facts.person.site)


@condition
def did(asked: Did, facts: Facts) -> Finding:
    """Events of a name, compared letter by letter; with `then_not`, that nothing followed in time."""
    return asked.judge(facts)


class FormError(_Counted):
    form_error: Text
    field: Text | None = None

    @property
    def form(self) -> str | None:
        """The form, or None for any."""
        return None if self.form_error == "any" else self.form_error

    def asks(self) -> Iterator[Key]:
        if self.of_rows():
            return
        if self.form is not None:
            yield Kind.form, self.form if self.field is None else f"{self.form}\n{self.field}"
        elif self.field is None:
            yield Kind.event, "form_error"
        else:
            yield Kind.form, f"\n{self.field}"

    def counts(self) -> tuple[str, Times] | None:
        return None if self.of_rows() else (f"{self.subject} {self.field}", self.times)

    def event_name(self) -> str:
        return "form_error"

    def is_counted(self, moment: Moment, facts: Facts) -> bool:
        if self.form is not None and str(moment.metadata.get("form", "")) != self.form:
            return False
        fields = moment.metadata.get("fields") or ()
        return self.field is None or any(field.get("name") == self.field for field in fields)


@condition
def form_error(asked: FormError, facts: Facts) -> Finding:
    """Failed attempts to submit a form; with `field`, those in which it was wrong. `any` is every form."""
    return asked.judge(facts)
