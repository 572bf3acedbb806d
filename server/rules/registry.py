"""How conditions are known: a form (what the YAML says) and one function (what it means), registered by its
name.

To define both in a module under `conditions` is all that a new condition takes: the schema's union, the
index, the explanations and the error messages find it here.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from server.model import Kind
from server.rules.facts import Facts, Finding
from server.rules.grammar import Times

Key = tuple[Kind, str]
"""A total that a condition asks for."""


class Form(BaseModel):
    """A condition as the YAML has it. One of its fields is named as the condition is."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    condition: ClassVar[str]

    def asks(self) -> Iterator[Key]:
        """The totals it looks at."""
        return iter(())

    def asks_pages(self) -> bool:
        """Whether it looks at every page of the person."""
        return False

    def asks_offers(self) -> bool:
        """Whether it looks at the messages that the person won."""
        return False

    def counts(self) -> tuple[str, Times] | None:
        """What it counts and how often that may be, for finding rules that can never match."""
        return None

    def inner(self) -> Iterator["Form"]:
        """The conditions inside this one."""
        return iter(())

    @cached_property
    def text(self) -> str:
        """The condition in words, as explanations show it."""
        own, others = [], []
        for name, field in type(self).model_fields.items():
            value, label = getattr(self, name), field.alias or name
            if label == self.condition:
                own = [label, str(value)]
            elif value is not None and value != field.default:
                others += [str(value)] if name == "times" else [label, str(value)]
        return " ".join(own + others)

    def finding(self, holds: bool, value: object) -> Finding:
        return Finding(holds, value, self.text)


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
