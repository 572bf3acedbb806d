"""Conditions about conditions: `all`, `any`, `not`, and the named lists of `segments`."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr

from server.rules.facts import Facts, Finding
from server.rules.registry import Form, Key, condition, find
from server.rules.values import Text

if TYPE_CHECKING:
    Condition = Form


class _Group(Form):
    """A form that holds conditions. It asks for what they ask for."""

    def asks(self) -> Iterator[Key]:
        for inner in self.inner():
            yield from inner.asks()

    def asks_pages(self) -> bool:
        return any(inner.asks_pages() for inner in self.inner())

    def asks_offers(self) -> bool:
        return any(inner.asks_offers() for inner in self.inner())

    def found(self, facts: Facts) -> tuple[Finding, ...]:
        return tuple(find(inner, facts) for inner in self.inner())

    @cached_property
    def text(self) -> str:
        return f"{self.condition} ({'; '.join(inner.text for inner in self.inner())})"


class All(_Group):
    all: Annotated[list["Condition"], Field(min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.all)


@condition
def all_(asked: All, facts: Facts) -> Finding:
    """Every one of the listed conditions holds. What stands under `if` is such a list already."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return Finding(holding == len(parts), holding, asked.text, parts)


class AnyOf(_Group):
    any: Annotated[list["Condition"], Field(min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.any)


@condition
def any_(asked: AnyOf, facts: Facts) -> Finding:
    """At least one of the listed conditions holds."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return Finding(holding > 0, holding, asked.text, parts)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Not(_Group):
    not_: Annotated[list["Condition"], BeforeValidator(_as_list), Field(alias="not", min_length=1)]

    def inner(self) -> Iterator[Form]:
        return iter(self.not_)


@condition
def not_(asked: Not, facts: Facts) -> Finding:
    """The condition, or every one of a list of them, does not hold."""
    parts = asked.found(facts)
    holding = sum(part.holds for part in parts)
    return Finding(holding == 0, holding, asked.text, parts)


class InSegment(_Group):
    segment: Text

    _conditions: tuple[Form, ...] = PrivateAttr(())
    _unless: tuple[Form, ...] = PrivateAttr(())

    def link(self, conditions: tuple[Form, ...], unless: tuple[Form, ...]) -> None:
        """Give the name its meaning; done once, when the whole file is read."""
        self._conditions, self._unless = conditions, unless

    def inner(self) -> Iterator[Form]:
        yield from self._conditions
        yield from self._unless

    @cached_property
    def text(self) -> str:
        return f"segment {self.segment}"


@condition
def segment(asked: InSegment, facts: Facts) -> Finding:
    """The person is in a segment that the file defines under `segments`."""
    parts = asked.found(facts)
    wanted = len(asked._conditions)
    holds = all(part.holds for part in parts[:wanted]) and not any(part.holds for part in parts[wanted:])
    return Finding(holds, holds, asked.text, parts)
