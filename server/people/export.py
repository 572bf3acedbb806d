"""Everything that is stored of a person as one JSON document or one CSV table. Pure.

The document has each table's rows under its name, field by field, times in Unix milliseconds. The table has a
line for each row, with what most of them have in columns of their own and everything in `details`.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from server.clock import SECOND
from server.ids import public_id
from server.model import Person, Role

Everything = Mapping[str, list[dict[str, Any]]]
"""The rows of each table, as `store.base.Reads.everything` answers them."""

COLUMNS = ("record", "at", "name", "page", "count", "first", "last", "details")

_TIMES = ("at", "made", "applied", "claimed", "first_seen")
_NAMES = ("name", "event_name", "rule", "kind", "tag", "ident", "key", "merged", "id")

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a spreadsheet may run when a cell begins with it."""


def as_document(person: Person, everything: Everything, now: int) -> dict[str, Any]:
    """The export as JSON has it; `now` in ms."""
    return {
        "type": "export",
        "exported_at": _iso(now),
        "contact": {
            "type": "contact",
            "id": public_id(person.person_id),
            "role": Role(person.role).name,
        },
        "rows": {table: len(rows) for table, rows in everything.items()},
        "data": everything,
    }


def as_json(person: Person, everything: Everything, now: int) -> bytes:
    """The document, readable by people."""
    return msgspec.json.format(msgspec.json.encode(as_document(person, everything, now)), indent=2) + b"\n"


def as_csv(everything: Everything) -> str:
    """The table, as RFC 4180 has it. No cell begins with what a spreadsheet would run."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for table, rows in everything.items():
        for row in rows:
            writer.writerow(map(safe_cell, _line(table, row)))
    return text.getvalue()


def safe_cell(value: str) -> str:
    """The text, marked as text where a spreadsheet would take it for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _line(table: str, row: Mapping[str, Any]) -> Iterable[str]:
    named = _first(row, _NAMES)
    return (
        table,
        _iso(at) if (at := _first(row, _TIMES)) else "",
        str(named or ""),
        str(row.get("url") or row.get("path") or ""),
        str(row["count"]) if "count" in row else "",
        _iso(row["first"]) if "first" in row else "",
        _iso(row["last"]) if "last" in row else "",
        msgspec.json.encode(row).decode(),
    )


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds")
