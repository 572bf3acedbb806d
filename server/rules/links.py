"""What is missing in leadtrail.yaml as a whole: empty places, ids that stand twice, undefined names, circles.

Looks at the file as it was written, so that these mistakes are found beside all others.
"""

import difflib
from collections.abc import Iterator
from typing import Any

from server.errors import Mistake
from server.rules.document import Document, Step
from server.rules.mistakes import locate, owner

Steps = tuple[Step, ...]


def find_broken_links(document: Document) -> list[Mistake]:
    """Every such mistake."""
    return [
        *_repeated(document, "sites", "key"),
        *_repeated(document, "messages", "id"),
        *_undefined(document, "segment", _names(document, "segments")),
        *_undefined(document, "message", _names(document, "messages")),
        *_circles(document),
    ]


def find_empty(document: Document) -> list[Mistake]:
    """Every key and entry that has nothing behind it. `segments` and `messages` may still be empty."""
    return [
        Mistake(
            *locate(document, steps),
            f"{owner(document, steps)}{_called(steps)} is empty; fill it in or leave it out.",
        )
        for steps in _empty(document.data, ())
        if steps not in (("segments",), ("messages",))
    ]


def _empty(value: Any, steps: Steps) -> Iterator[Steps]:
    if value is None:
        yield steps
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _empty(inner, (*steps, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _empty(inner, (*steps, number))


def _called(steps: Steps) -> str:
    return f"`{steps[-1]}`" if isinstance(steps[-1], str) else "this entry"


def _entries(document: Document, part: str) -> Iterator[tuple[Steps, Any]]:
    entries = document.data.get(part)
    if isinstance(entries, list):
        yield from (((part, number), entry) for number, entry in enumerate(entries))
    elif isinstance(entries, dict):
        yield from (((part, name), entry) for name, entry in entries.items())


def _names(document: Document, part: str) -> set[str]:
    if part == "segments":
        return {str(steps[1]) for steps, _ in _entries(document, part)}
    ids = (entry.get("id") for _, entry in _entries(document, part) if isinstance(entry, dict))
    return {name for name in ids if isinstance(name, str)}


def _repeated(document: Document, part: str, key: str) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for steps, entry in _entries(document, part):
        name = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(name, str):
            continue
        place = locate(document, (*steps, key))
        if name in first:
            message = f"the {key} '{name[:64]}' stands twice; the first is in line {first[name]}."
            yield Mistake(*place, owner(document, steps) + message)
        else:
            first[name] = place[0]


def _named(value: Any, steps: Steps, key: str) -> Iterator[tuple[Steps, str]]:
    """Each `key: name` of the conditions under a value."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _named(item, (*steps, number), key)
    elif isinstance(value, dict):
        if isinstance(name := value.get(key), str):
            yield (*steps, key), name
        for inner in ("if", "unless", "any", "all", "not"):
            if inner in value:
                yield from _named(value[inner], (*steps, inner), key)


def _undefined(document: Document, key: str, known: set[str]) -> Iterator[Mistake]:
    for part in ("segments", "messages"):
        for top, entry in _entries(document, part):
            for steps, name in _named(entry, top, key):
                if name not in known:
                    near = difflib.get_close_matches(name, sorted(known), n=1)
                    advice = f"did you mean '{near[0]}'?" if near else f"define it under `{key}s`."
                    message = f"there is no {key} '{name[:64]}'; {advice}"
                    yield Mistake(*locate(document, steps), owner(document, steps) + message)


def _circles(document: Document) -> Iterator[Mistake]:
    """Segments that are defined by themselves, each circle told once."""
    uses = {
        str(top[1]): [(steps, name) for steps, name in _named(entry, top, "segment")]
        for top, entry in _entries(document, "segments")
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> Iterator[Mistake]:
        for steps, used in uses.get(name, ()):
            if used in (*trail, name):
                round_trip = " -> ".join((*trail, name, used))
                yield Mistake(
                    *locate(document, steps), f"segment {name}: it is defined by itself: {round_trip}."
                )
            elif used not in done:
                yield from walk(used, (*trail, name))
        done.add(name)

    for name in uses:
        if name not in done:
            yield from walk(name, ())
