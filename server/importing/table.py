"""A file of people or events as rows: CSV with a header, or NDJSON. Pure but for reading lines.

Columns of Intercom's own exports are known by their names there; names in the forms `metadata.plan` and
`custom_attributes.plan` make objects.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

MAX_LINE = 64 * 1024
"""Bytes of one row; a longer one is not readable."""


class Row(NamedTuple):
    """One row of the file, ending on the line of this number. `values` is None where it is not readable."""

    number: int
    values: dict[str, Any] | None


_NAMES = {
    "user id": "user_id",
    "external id": "user_id",
    "external_id": "user_id",
    "userid": "user_id",
    "contact id": "id",
    "intercom id": "id",
    "intercom_id": "id",
    "intercom_user_id": "id",
    "e-mail": "email",
    "email address": "email",
    "first seen": "created_at",
    "created": "created_at",
    "created at": "created_at",
    "signed up": "signed_up_at",
    "signed up at": "signed_up_at",
    "last seen": "last_seen_at",
    "last seen at": "last_seen_at",
    "type": "role",
    "user type": "role",
    "unsubscribed from emails": "unsubscribed_from_emails",
    "event": "event_name",
    "event name": "event_name",
    "name of event": "event_name",
}
"""What columns are called elsewhere, in lower case, and here."""

_GROUPS = ("metadata", "custom_attributes")


def rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """The rows of the file, by what its first line looks like."""
    lines = iter(lines)
    first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
    if first.lstrip().startswith(b"{"):
        yield from _objects(first, lines)
    elif first.strip():
        yield from _table(first, lines)


def _objects(first: bytes, lines: Iterator[bytes]) -> Iterator[Row]:
    number = 0
    line: bytes | None = first
    while line is not None:
        number += 1
        if line.strip():
            try:
                value = json.loads(line) if len(line) < MAX_LINE else None
            except (ValueError, RecursionError):
                value = None
            yield Row(number, _named(value) if isinstance(value, dict) else None)
        line = next(lines, None)


def _table(first: bytes, lines: Iterator[bytes]) -> Iterator[Row]:
    def texts() -> Iterator[str]:
        yield first.decode("utf-8", "replace") + "\n"
        for line in lines:
            yield line.decode("utf-8", "replace") + "\n"

    separator = max(",;\t", key=first.decode("utf-8", "replace").count)
    reader = csv.reader(texts(), delimiter=separator, strict=True)
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Row(reader.line_num, None)
            continue
        if cells is None:
            return
        if names is None:
            names = cells
        elif any(cells):
            fits = len(cells) <= len(names)
            values = {
                name: cell for name, cell in zip(names, cells, strict=False) if name.strip() and cell.strip()
            }
            yield Row(reader.line_num, _named(values) if fits else None)


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """The row under the names that we have for its columns."""
    named: dict[str, Any] = {}
    for name, value in values.items():
        group, _, rest = name.partition(".")
        # Intercom writes the time zone behind it: "Signed up (Europe/Lisbon)".
        plain = re.sub(r"\s*\([^)]*\)$", "", name.strip())
        known = _NAMES.get(plain.lower(), plain)
        if group in _GROUPS and rest:
            inside = named.setdefault(group, {})
            if isinstance(inside, dict):
                inside[rest] = value
        else:
            known = known.lower() if known.lower() in ("email", "name", "phone", "id", "role") else known
            named.setdefault(known, value)
    return named


def seconds(value: Any) -> int | None:
    """A time as Unix seconds: a number of seconds or milliseconds, or ISO 8601, UTC where it says nothing."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        return None
    if re.fullmatch(r"[0-9]{1,13}(\.[0-9]+)?", text):
        number = int(float(text))
        return number // 1_000 if number > 1 << 33 else number
    try:
        moment = datetime.fromisoformat(re.sub(r"\s*(UTC|Z)$", "+00:00", text))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def scalar(text: Any) -> Any:
    """What a cell of a CSV means: a number, true, false, an object, or its text."""
    if not isinstance(text, str):
        return text
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?", text):
        return float(text) if "." in text else int(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
