"""The conditions of the rule language, each a form and one function. Importing this registers them all."""

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from server.rules.conditions import history, logic, person
from server.rules.registry import FORMS, Form

__all__ = ["TAG", "Condition", "history", "logic", "person"]

TAG = "condition:"
"""Begins the step that the union adds to the place of a mistake."""


def _which(value: Any) -> str | None:
    """The tag of the one condition that a mapping names, or None."""
    if not isinstance(value, dict):
        return None
    named = [name for name in value if name in FORMS]
    return TAG + named[0] if len(named) == 1 else None


if TYPE_CHECKING:
    Condition = Form
else:
    Condition = Annotated[
        Union[tuple(Annotated[form, Tag(TAG + name)] for name, form in FORMS.items())],  # noqa: UP007
        Discriminator(_which),
    ]
    for _form in FORMS.values():
        _form.model_rebuild(_types_namespace={"Condition": Condition})
