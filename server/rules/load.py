"""leadtrail.yaml from text to `Config`, or every mistake in it at once, each with its line and column."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from server.errors import ConfigError, Mistake
from server.rules.conditions.logic import InSegment
from server.rules.document import MAX_BYTES, Document, read_document
from server.rules.index import RuleSet
from server.rules.links import find_broken_links, find_empty
from server.rules.mistakes import explain_errors
from server.rules.registry import Form
from server.rules.schema import MAX_RULES, Config, File

MAX_MISTAKES = 100


def load_file(path: Path, webhook_allow: Sequence[str] = ()) -> Config:
    """The configuration in this file. Raises ConfigError, also where the file cannot be read.

    `webhook_allow` is the setting of that name: private addresses that webhooks may name.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        advice = (
            "there is no such file; begin with a copy of examples/leadtrail.yaml, or set LEADTRAIL_CONFIG."
        )
        raise ConfigError(str(path), [Mistake(1, 1, advice)]) from None
    except OSError as error:
        raise ConfigError(
            str(path), [Mistake(1, 1, f"the file cannot be read ({error.strerror}).")]
        ) from None
    if len(content) > MAX_BYTES:
        size = f"the file has more than {MAX_BYTES:,} bytes (256 KiB), which is as much as is read."
        raise ConfigError(str(path), [Mistake(1, 1, size)])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigError(
            str(path), [Mistake(line, column, "this is no UTF-8; save the file in that encoding.")]
        ) from None
    return load(text, str(path), webhook_allow)


def load(text: str, filename: str, webhook_allow: Sequence[str] = ()) -> Config:
    """The configuration that the text says. Raises ConfigError with all its mistakes."""
    document = read_document(text)
    file, groups = _read(document, webhook_allow)
    told: list[Mistake] = []
    for group in (document.mistakes, *groups):
        # What is wrong with a place is told once, by whoever sees it first.
        places = {(mistake.line, mistake.column) for mistake in told}
        told += (mistake for mistake in group if (mistake.line, mistake.column) not in places)
    if told or file is None:
        raise ConfigError(filename, _in_order(told))
    return _config(file)


def _read(document: Document, webhook_allow: Sequence[str]) -> tuple[File | None, list[list[Mistake]]]:
    """The file, or the mistakes in it, those that explain others first."""
    if not document.readable:
        return None, []
    if mistake := _stranger(document):
        return None, [[mistake]]
    groups = [find_empty(document), find_broken_links(document)]
    try:
        return _validate(document.data, webhook_allow), groups
    except ValidationError as error:
        return None, [*groups, explain_errors(error.errors(include_url=False), document)]


def _stranger(document: Document) -> Mistake | None:
    """Why this is no leadtrail.yaml at all. Nothing of what is not ours is repeated."""
    data = document.data
    line, column = document.values.get((), (1, 1))
    if data is None:
        return Mistake(1, 1, "the file is empty; it begins with `sites:` and a site with its `key`.")
    if not isinstance(data, dict):
        return Mistake(
            line, column, "the file is a mapping with `sites`, `segments` and `messages` at the left edge."
        )
    if not any(difflib.get_close_matches(name, File.model_fields) for name in data):
        return Mistake(
            line, column, "none of `sites`, `segments` and `messages` stands here; is it the right file?"
        )
    messages = data.get("messages")
    if isinstance(messages, list) and len(messages) > MAX_RULES:
        line, column = document.values["messages", MAX_RULES]
        return Mistake(line, column, f"the file has {len(messages)} messages; at most {MAX_RULES} are read.")
    return None


def _validate(data: dict[str, Any], webhook_allow: Sequence[str]) -> File:
    """The data as types. Raises pydantic's ValidationError."""
    begun = {name: value for name, value in data.items() if value is not None}
    return File.model_validate(begun, context={"zones": _zones(data), "webhook_allow": webhook_allow})


def _in_order(mistakes: list[Mistake]) -> list[Mistake]:
    unique = sorted(set(mistakes))
    if len(unique) <= MAX_MISTAKES:
        return unique
    line, column, _ = unique[MAX_MISTAKES]
    rest = Mistake(line, column, f"and {len(unique) - MAX_MISTAKES} mistakes more from here on.")
    return [*unique[:MAX_MISTAKES], rest]


def _zones(data: dict[str, Any]) -> dict[str, ZoneInfo]:
    """The time zones of the sites, as far as they are right: dates in rules need them while they are read."""
    zones = {}
    sites = data.get("sites")
    for site in sites if isinstance(sites, list) else ():
        if (
            isinstance(site, dict)
            and isinstance(site.get("key"), str)
            and isinstance(site.get("timezone"), str)
        ):
            try:
                zones[site["key"]] = ZoneInfo(site["timezone"])
            except (ValueError, OSError, LookupError):
                continue
    return zones


def _config(file: File) -> Config:
    for audience in (*file.segments.values(), *file.messages):
        for condition in audience.conditions():
            _link(condition, file)
    return Config(
        sites={form.key: form.site() for form in file.sites},
        rules=RuleSet(file.messages),
        segments=file.segments,
        caps=file.caps,
        retention=file.retention,
        identity_secret_env={
            form.key: form.identity_secret_env for form in file.sites if form.identity_secret_env
        },
    )


def _link(condition: Form, file: File) -> None:
    if isinstance(condition, InSegment):
        segment = file.segments[condition.segment]
        condition.link(tuple(segment.if_), tuple(segment.unless))
        return
    for inner in condition.inner():
        _link(inner, file)
