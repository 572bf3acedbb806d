"""What pydantic finds wrong, in the words of the file's author and with the line and column.

A place is a path of steps through the file (`messages`, 0, `if`, 2, `viewed`). Unknown keys are answered with
the known ones of that very mapping; keys that stand elsewhere, with where.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from server.errors import Mistake
from server.rules.conditions import TAG
from server.rules.deliver import PageMessage
from server.rules.document import Document, Step
from server.rules.registry import FORMS, Form
from server.rules.schema import File, SiteForm

INSTEAD: Mapping[type[BaseModel], Mapping[str, str]] = {
    SiteForm: {"consent": 'put data-consent="pending" on the tag'},
    PageMessage: {"html": "a message is plain text: `title` and `body`"},
}
"""Keys that people look for, with what there is in their place."""


def explain_errors(errors: Sequence[Any], document: Document) -> list[Mistake]:
    """A mistake with its place for each of pydantic's errors."""
    return [_mistake(error, document) for error in errors]


def locate(document: Document, steps: tuple[Step, ...], *, key: bool = False) -> tuple[int, int]:
    """Where a value stands, or with `key` its key; if it is missing, the nearest piece around it."""
    while steps:
        place = (document.keys.get(steps) if key else None) or document.values.get(steps)
        if place:
            return place
        steps, key = steps[:-1], False
    return document.values.get((), (1, 1))


def owner(document: Document, steps: tuple[Step, ...]) -> str:
    """Whose mistake it is, to begin the line: `message pricing-help: `."""
    if len(steps) < 2 or steps[0] not in ("messages", "segments", "sites"):
        return ""
    if steps[0] == "segments":
        return f"segment {steps[1]}: "
    part, number = str(steps[0]), steps[1]
    entries = document.data.get(part)
    if not isinstance(entries, list) or not isinstance(number, int):
        return ""
    entry = entries[number]
    name = entry.get("id" if part == "messages" else "key") if isinstance(entry, dict) else None
    shown = name[:64] if isinstance(name, str) else str(number + 1)
    return f"{part.removesuffix('s')} {shown}: "


def _mistake(error: Any, document: Document) -> Mistake:
    steps = _steps(error["loc"], document.data)
    kind = error["type"]
    if kind == "extra_forbidden":
        model = _model_at(error["loc"][:-1])
        message = _unknown_key(str(steps[-1]), model)
    elif kind == "union_tag_not_found":
        steps, message = _no_condition(error["input"], steps)
    elif kind == "value_error":
        cause = error["ctx"]["error"]
        steps += getattr(cause, "steps", ())
        message = _sentence(str(cause), steps)
    else:
        message = _plain(kind, error, steps)
    at_key = kind in ("extra_forbidden", "union_tag_not_found")
    return Mistake(*locate(document, steps, key=at_key), owner(document, steps) + message)


def _steps(loc: Sequence[Step], data: Any) -> tuple[Step, ...]:
    """The steps of the file in pydantic's `loc`, without the union's tags and the 0 of a list left out."""
    steps: list[Step] = []
    here = data
    for step in loc:
        if isinstance(step, str) and (step.startswith(TAG) or step == "[key]"):
            continue
        if isinstance(step, int) and isinstance(here, dict):
            continue
        steps.append(step)
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
    return tuple(steps)


def _model_at(loc: Sequence[Step]) -> type[BaseModel]:
    """The model whose mapping stands at a place."""
    model: type[BaseModel] = File
    for step in loc:
        if isinstance(step, str) and step.startswith(TAG):
            model = FORMS[step.removeprefix(TAG)]
            continue
        for name, field in model.model_fields.items():
            if step in (name, field.alias) and (inner := _model_in(field.annotation)):
                model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if (found := _model_in(argument)) and not issubclass(found, Form):
            return found
    return None


def _keys(model: type[BaseModel]) -> list[str]:
    keys = [field.alias or name for name, field in model.model_fields.items()]
    if issubclass(model, Form):
        keys.sort(key=lambda key: key != model.condition)
    return keys


def _unknown_key(key: str, model: type[BaseModel]) -> str:
    if advice := INSTEAD.get(model, {}).get(key):
        return f"`{key}` is no key here; {advice}."
    known = _keys(model)
    where = f"of `{model.condition}`" if issubclass(model, Form) else "here"
    return f"`{_cut(key)}` is no key {where}; {_near(key, known)}"


def _no_condition(value: Any, steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], str]:
    if not isinstance(value, dict):
        return steps, "a condition is a mapping, such as {viewed: /pricing, times: more than 3}."
    named = [name for name in value if name in FORMS]
    if len(named) > 1:
        first, second = named[:2]
        return (*steps, second), f"`{first}` and `{second}` are two conditions; make two entries of them."
    if not value:
        return steps, f"this condition is empty; there are {_listed(list(FORMS))}."
    name = next((name for name in value if difflib.get_close_matches(name, FORMS, 1)), next(iter(value)))
    return (*steps, name), f"`{_cut(name)}` is no condition; {_near(name, list(FORMS))}"


def _plain(kind: str, error: Any, steps: tuple[Step, ...]) -> str:
    """Pydantic's own kinds of error."""
    last = f"`{steps[-1]}` " if steps and isinstance(steps[-1], str) else "this "
    if kind == "missing":
        return f"`{steps[-1]}` is missing."
    if kind == "literal_error":
        allowed = [
            str(value)
            for value in error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        ]
        near = (
            _near(str(error["input"]), allowed)
            if isinstance(error["input"], str)
            else f"write {_listed(allowed)}"
        )
        shown = f"'{_cut(str(error['input']))}'" if isinstance(error["input"], str) else "this"
        return f"{shown} is none of {_listed(allowed)}." if " is " not in near else f"{shown}: {near}."
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{last}is a mapping: write `key: value` lines under it."
    if kind == "list_type":
        return f"{last}is a list: begin each entry with '- '."
    if kind == "too_short":
        return f"{last}is empty; it needs at least one entry."
    return f"{last}cannot be read: {error['msg']}."


def _sentence(text: str, steps: tuple[Step, ...]) -> str:
    """A value's own words; those that begin in lower case speak of the key."""
    name = next((step for step in reversed(steps) if isinstance(step, str)), "this")
    return f"`{name}` {text}" if text.startswith(("is ", "has ", "must ")) else text


def _near(key: str, known: Sequence[str]) -> str:
    if close := difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6):
        return f"did you mean `{close[0]}`?"
    return f"there are {_listed(known)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
