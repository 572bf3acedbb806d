"""How conditions are known: a form (what the YAML says) and one function (what it means), registered by its
name.

To define both in a module under `conditions` is all that a new condition takes: the schema's union, the
index, the explanations and the error messages find it here.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar, TypeVar, get_type_hints

from server.model import Kind
from server.rules.facts import Facts, Finding
from server.rules.grammar import Times
from server.rules.part import Part

Key = tuple[Kind, str]
"""A total that a condition asks for."""


Look = tuple[str, int | None]
"""A look at a person's own stored events: their name, and how many milliseconds back, or all."""


class Form(Part):
    """A condition as the YAML has it. One of its fields is named as the condition is."""

    condition: ClassVar[str]
    is_named: ClassVar[bool] = True
    """Whether that field names what is looked at (`viewed: /pricing`); else it is what is wanted."""

    def asks(self) -> Iterator[Key]:
        """The totals it looks at."""
        for inner in self.inner():
            yield from inner.asks()

    def needs(self) -> tuple[Key, int] | None:
        """A total without which it cannot hold, and how high that must at least be."""
        return None

    def asks_pages(self) -> bool:
        """Whether it looks at every page of the person."""
        return any(inner.asks_pages() for inner in self.inner())

    def asks_offers(self) -> bool:
        """Whether it looks at the messages that the person won."""
        return any(inner.asks_offers() for inner in self.inner())

    def looks_back(self) -> Iterator[Look]:
        """The person's own stored events that it looks at."""
        for inner in self.inner():
            yield from inner.looks_back()

    def counts(self) -> tuple[str, Times] | None:
        """What it counts and how often that may be, for finding rules that can never match."""
        return None

    def ripens(self) -> bool:
        """Whether it may come to hold by time alone."""
        return any(inner.ripens() for inner in self.inner())

    def expires(self) -> bool:
        """Whether it may cease to hold by time alone."""
        return any(inner.expires() for inner in self.inner())

    def edges(self, facts: Facts) -> Iterator[int]:
        """The moments, past or future, at which time alone may change its verdict."""
        for inner in self.inner():
            yield from inner.edges(facts)

    def inner(self) -> Iterator["Form"]:
        """The conditions inside this one."""
        return iter(())

    @cached_property
    def text(self) -> str:
        """The condition in words, as explanations show it."""
        others = []
        for name, field in type(self).model_fields.items():
            value, label = getattr(self, name), field.alias or name
            if label != self.condition and value is not None and value != field.default:
                others += [str(value)] if name == "times" else [label, str(value)]
        own = [self.condition, str(getattr(self, self._own_field()))]
        return " ".join(own + others)

    @cached_property
    def subject(self) -> str:
        """What it looks at, in words."""
        return f"{self.condition} {getattr(self, self._own_field())}" if self.is_named else self.condition

    @cached_property
    def wants(self) -> str:
        """What it wants that to be, in words."""
        own = self._own_field()
        if not self.is_named:
            return str(getattr(self, own))
        wanted = []
        for name, field in type(self).model_fields.items():
            value, label = getattr(self, name), field.alias or name
            if name != own and value is not None:
                wanted.append(getattr(value, "text", str(value)) if name == "times" else f"{label} {value}")
        return ", ".join(wanted)

    def finding(self, holds: bool, value: object) -> Finding:
        return Finding(holds, value, self.text, (), self.subject, self.wants)

    def _own_field(self) -> str:
        fields = type(self).model_fields.items()
        return next(name for name, field in fields if (field.alias or name) == self.condition)


FormT = TypeVar("FormT", bound=Form)

FORMS: dict[str, type[Form]] = {}
"""The registered conditions by name, in the order in which they are documented."""

_FUNCTIONS: dict[type[Form], Callable[[Any, Facts], Finding]] = {}


def condition(function: Callable[[FormT, Facts], Finding]) -> Callable[[FormT, Facts], Finding]:
    """Register a condition: its name is the function's, its form the type of the argument `asked`."""
    form: type[Form] = get_type_hints(function)["asked"]
    form.condition = function.__name__.rstrip("_")
    FORMS[form.condition] = form
    _FUNCTIONS[form] = function
    return function


def find(asked: Form, facts: Facts) -> Finding:
    """What the condition finds in these facts."""
    return _FUNCTIONS[type(asked)](asked, facts)


def document(name: str) -> str:
    """What the condition of this name means, in its author's words."""
    return (_FUNCTIONS[FORMS[name]].__doc__ or "").strip()
