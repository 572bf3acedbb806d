"""YAML text as plain data that remembers where each piece stands. What it means is not known here.

Every scalar stays the text that was written; nothing but an empty one is special. There are no aliases,
anchors, tags and duplicate keys: each of those is a mistake with its place. Depth is bounded while parsing,
so that no nesting costs more than reading it.
"""

from typing import Any, NamedTuple

import yaml
from yaml.reader import Reader

from server.errors import Mistake

MAX_BYTES = 256 * 1024
MAX_DEPTH = 10

_TOO_DEEP = f"this is nested deeper than {MAX_DEPTH}; give what is inside a name under `segments`."

# The parser in C where there is one, in nearly every wheel: ten times as fast, and bounded in its nesting.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Step = str | int
Place = tuple[int, int]
"""Line and column, counted from 1."""


class Document(NamedTuple):
    """The data and the places of its keys and values, by the steps that lead to them."""

    data: Any
    keys: dict[tuple[Step, ...], Place]
    values: dict[tuple[Step, ...], Place]
    mistakes: list[Mistake]
    readable: bool
    """False when the text is no YAML at all; then there is no data."""


def read_document(text: str) -> Document:
    """Parse one YAML document. Never raises; what is wrong is in `mistakes`."""
    if mistake := _unreadable(text):
        return Document(None, {}, {}, [mistake], False)
    reader = _Reader()
    try:
        reader.read(yaml.parse(text, Loader=_Loader))
    except _TooDeep as error:
        return Document(None, {}, {}, [*reader.mistakes, error.mistake], False)
    except yaml.MarkedYAMLError as error:
        return Document(None, {}, {}, [*reader.mistakes, _explained(error, text)], False)
    return Document(reader.root, reader.keys, reader.values, reader.mistakes, True)


class _TooDeep(Exception):
    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake


class _Reader:
    """Builds the data from the parser's events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.keys: dict[tuple[Step, ...], Place] = {}
        self.values: dict[tuple[Step, ...], Place] = {}
        self.mistakes: list[Mistake] = []
        self._documents = 0

    def read(self, events: Any) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    self._mistake(event, "a second document begins; the whole file is one.")
                    return
                self.root = self._node(next(events), events, ())

    def _node(self, event: Any, events: Any, steps: tuple[Step, ...]) -> Any:
        self.values[steps] = _place(event)
        if isinstance(event, yaml.AliasEvent):
            self._mistake(
                event, f"`*{event.anchor}` is an alias; write out what it means, or put the text in quotes."
            )
            return None
        if event.anchor is not None:
            self._mistake(event, f"`&{event.anchor}` is an anchor; leave it out, or put the text in quotes.")
        if event.tag is not None:
            self._mistake(event, "a tag (`!…`) is not taken; a text that begins with ! needs quotes.")
        if isinstance(event, yaml.ScalarEvent):
            return None if event.implicit[0] and event.value in ("", "~", "null") else event.value
        if len(steps) >= MAX_DEPTH:
            raise _TooDeep(Mistake(*_place(event), _TOO_DEEP))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, steps)
        return self._mapping(events, steps)

    def _list(self, events: Any, steps: tuple[Step, ...]) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*steps, len(items))))
        return items

    def _mapping(self, events: Any, steps: tuple[Step, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            name = self._key(event, events, steps)
            taken = name in mapping
            if taken:
                first = self.keys[(*steps, name)][0]
                self._mistake(event, f"`{name[:60]}` stands here twice; the first is in line {first}.")
            # What stands under a repeated key is read for its own mistakes, and then left aside.
            place = (*steps, f"{name}\n{len(self.mistakes)}") if taken else (*steps, name)
            self.keys[place] = _place(event)
            value = self._node(next(events), events, place)
            if not taken:
                mapping[name] = value
        return mapping

    def _key(self, event: Any, events: Any, steps: tuple[Step, ...]) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.tag is not None or event.anchor is not None:
                self._mistake(event, "a key is a plain text, without tag and anchor.")
            return str(event.value)
        self._mistake(event, "a key is a text; one that begins with [, { or * needs quotes.")
        self._node(event, events, (*steps, "\n"))
        return "\n"

    def _mistake(self, event: Any, message: str) -> None:
        self.mistakes.append(Mistake(*_place(event), message))


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _unreadable(text: str) -> Mistake | None:
    """Why the text should not even be parsed."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return Mistake(1, 1, f"the file has {size:,} bytes; at most {MAX_BYTES:,} (256 KiB) are read.")
    if found := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        return Mistake(line, column, f"the character U+{ord(found[0]):04X} cannot stand in YAML; remove it.")
    return None


def _explained(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """What is wrong with a text that is no YAML."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Mistake(1, 1, "this is no YAML.")
    if mark.index >= len(text.rstrip()):
        lines = text.rstrip().split("\n")
        advice = "the file ends too early: a bracket, brace or quote is not closed."
        return Mistake(len(lines), len(lines[-1]) + 1, advice)
    return Mistake(mark.line + 1, mark.column + 1, _advice(error, text[mark.index]))


def _advice(error: yaml.MarkedYAMLError, character: str) -> str:
    problem, context = error.problem or "", error.context or ""
    if character == "\t":
        return "a tab cannot indent YAML; use spaces."
    if "nesting" in problem:
        return _TOO_DEEP
    if "cannot start any token" in problem:
        return f"a text that begins with {character} needs quotes."
    if "alias" in context or "anchor" in context:
        return "a text that begins with * or & needs quotes."
    if "mapping values" in problem:
        return "a second `:` in one line; put a text that holds ': ' in quotes, or check the indentation."
    if "expected ':'" in problem:
        return "the key before this has no `:`; write `key: value`."
    if "quoted scalar" in context:
        return "a backslash in double quotes begins an escape; write \\\\, or put the text in single quotes."
    if "flow" in context:
        return "a comma, a closing bracket or a closing brace is missing before this."
    if "block" in context:
        return (
            "this does not fit what stands above: check the indentation, and put texts with quotes in quotes."
        )
    return f"this is no YAML: {problem}."
