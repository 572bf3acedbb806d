"""What a person did: conditions on the totals, so on all history, however long ago."""

from collections.abc import Iterator

from pydantic import model_validator

from server.model import Kind, Total
from server.rules.facts import Facts, Finding
from server.rules.grammar import AT_LEAST_ONCE, Period, Times
from server.rules.registry import Form, Key, condition
from server.rules.values import EventName, PageText, PeriodText, Text, TimesText


class _Counted(Form):
    """What `viewed`, `did` and `form_error` can ask of a total."""

    times: TimesText = AT_LEAST_ONCE
    first: PeriodText | None = None
    last: PeriodText | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> "_Counted":
        if self.times.high == 0 and (self.first or self.last):
            raise ValueError("What happened never has no first and no last time; this can never hold.")
        return self

    def counts(self) -> tuple[str, Times]:
        return f"{self.condition} {getattr(self, self.condition)}", self.times

    def judge(self, total: Total | None, facts: Facts) -> Finding:
        count = total.count if total else 0
        holds = self.times.holds(count) and (
            total is None or (_lies(total.first, self.first, facts) and _lies(total.last, self.last, facts))
        )
        if total is None and (self.first or self.last):
            holds = False
        return self.finding(holds, count)


def _lies(at: int, period: Period | None, facts: Facts) -> bool:
    return period is None or period.holds(at, facts.now, facts.person.site)


class Viewed(_Counted):
    viewed: PageText

    def asks(self) -> Iterator[Key]:
        if self.viewed.exact is not None:
            yield Kind.page, self.viewed.exact

    def asks_pages(self) -> bool:
        return self.viewed.exact is None


@condition
def viewed(asked: Viewed, facts: Facts) -> Finding:
    """Views of a page, or of all pages that a glob or a regex means, taken together."""
    if asked.viewed.exact is not None:
        return asked.judge(facts.total(Kind.page, asked.viewed.exact), facts)
    together: Total | None = None
    for path, total in facts.pages():
        if asked.viewed.matches(path):
            together = total if together is None else _sum(together, total)
    return asked.judge(together, facts)


def _sum(one: Total, other: Total) -> Total:
    return Total(one.count + other.count, min(one.first, other.first), max(one.last, other.last))


class Did(_Counted):
    did: EventName

    def asks(self) -> Iterator[Key]:
        yield Kind.event, self.did


@condition
def did(asked: Did, facts: Facts) -> Finding:
    """Events of a name, which is compared letter by letter."""
    return asked.judge(facts.total(Kind.event, asked.did), facts)


class FormError(_Counted):
    form_error: Text
    field: Text | None = None

    def counts(self) -> tuple[str, Times]:
        return f"form_error {self.form_error} {self.field}", self.times

    def asks(self) -> Iterator[Key]:
        if self.form_error != "any":
            yield Kind.form, self.form_error if self.field is None else f"{self.form_error}\n{self.field}"
        elif self.field is None:
            yield Kind.event, "form_error"
        else:
            yield Kind.form, f"\n{self.field}"


@condition
def form_error(asked: FormError, facts: Facts) -> Finding:
    """Failed attempts to submit a form; with `field`, those in which it was wrong. `any` is every form."""
    (key,) = asked.asks()
    return asked.judge(facts.total(*key), facts)
