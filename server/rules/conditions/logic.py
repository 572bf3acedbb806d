"""Conditions about conditions: `all`, `any`, `not`, and the named lists of `segments`."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PrivateAttr

from server.rules.facts import Facts, Finding
from server.rules.registry import Form, condition, find
from server.rules.values import Text

if TYPE_CHECKING:
    Condition = Form


class _Group(Form):
    """A form that holds conditions."""

    parts_wanted: ClassVar[str]
    """How many of them, in words."""

    def found(self, facts: Facts) -> tuple[Finding, ...]:
        return tuple(find(inner, facts) for inner in self.inner())

    @cached_property
    def text(self) -> str:
        return f"{self.condition} ({'; '.join(inner.text for inner in self.inner())})"

    @cached_property
    def subject(self) -> str:
        return self.condition

    @cached_property
    def wants(self) -> str:
        return self.parts_wanted

    def judge(self, holds: bool, value: object, parts: tuple[Finding, ...]) -> Finding:
        return Finding(holds, value, self.text, parts, self.subject, self.wants)


class All(_Group):
    parts_wanted = "all of them"

    all: Annotated[list["Condition"], Field(min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.all)


@condition
def all_(asked: All, facts: Facts) -> Finding:
    """Every one of the listed conditions holds. What stands under `if` is such a list already."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return asked.judge(holding == len(parts), holding, parts)


class AnyOf(_Group):
    parts_wanted = "at least 1"

    any: Annotated[list["Condition"], Field(min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.any)


@condition
def any_(asked: AnyOf, facts: Facts) -> Finding:
    """At least one of the listed conditions holds."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return asked.judge(holding > 0, holding, parts)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Not(_Group):
    parts_wanted = "none of them"

    not_: Annotated[list["Condition"], BeforeValidator(_as_list), Field(alias="not", min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.not_)

    def ripens(self) -> bool:
        return any(inner.expires() for inner in self.not_)

    def expires(self) -> bool:
        return any(inner.ripens() for inner in self.not_)


@condition
def not_(asked: Not, facts: Facts) -> Finding:
    """The condition, or every one of a list of them, does not hold."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return asked.judge(holding == 0, holding, parts)


class InSegment(_Group):
    parts_wanted = "to be in it"

    segment: Text

    _conditions: tuple[Form, ...] = PrivateAttr(())
    _unless: tuple[Form, ...] = PrivateAttr(())

    def link(self, conditions: tuple[Form, ...], unless: tuple[Form, ...]) -> None:
        """Give the name its meaning; done once, when the whole file is read."""
        self._conditions, self._unless = conditions, unless

    def inner(self) -> Iterator[Form]:
        yield from self._conditions
        yield from self._unless

    def ripens(self) -> bool:
        return any(inner.ripens() for inner in self._conditions) or any(
            inner.expires() for inner in self._unless
        )

    def expires(self) -> bool:
        return any(inner.expires() for inner in self._conditions) or any(
            inner.ripens() for inner in self._unless
        )

    @cached_property
    def text(self) -> str:
        return f"segment {self.segment}"

    @cached_property
    def subject(self) -> str:
        return self.text


@condition
def segment(asked: InSegment, facts: Facts) -> Finding:
    """The person is in a segment that the file defines under `segments`."""
    parts = asked.found(facts)
    wanted = len(asked._conditions)
    holds = all(part.holds for part in parts[:wanted]) and not any(part.holds for part in parts[wanted:])
    return asked.judge(holds, "in it" if holds else "not in it", parts)
