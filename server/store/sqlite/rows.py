"""How types and rows correspond: a struct's fields are its table's columns, in order; dicts are JSON text.

Three fields of a person are no columns: they are read from the totals of their events.
"""

from typing import Any, get_origin, get_type_hints

import msgspec

from server.model import Metadata, Person

_EVENT_TOTALS = (
    "(SELECT coalesce({aggregate}, {none}) FROM totals AS t"
    " WHERE t.person_id = people.person_id AND t.kind = 1)"
)

DERIVED = {
    "first_seen": _EVENT_TOTALS.format(aggregate="min(t.first)", none="session_start"),
    "last_seen": _EVENT_TOTALS.format(aggregate="max(t.last)", none="session_start"),
    "events": _EVENT_TOTALS.format(aggregate="sum(t.count)", none="0"),
}
"""A person's fields that are no columns, and how they are read."""


def columns(row: type[msgspec.Struct]) -> dict[str, int]:
    """The columns of the struct's table, each with its field's place in the struct."""
    derived = DERIVED if row is Person else {}
    return {field: place for place, field in enumerate(row.__struct_fields__) if field not in derived}


def json_row(row: type[msgspec.Struct]) -> str:
    """`json_array(person_id, site, …, json(traits))`: one row as JSON, decodable as the struct."""
    hints = get_type_hints(row)
    derived = DERIVED if row is Person else {}
    values = (derived.get(f) or (f"json({f})" if _is_json(hints[f]) else f) for f in row.__struct_fields__)
    return f"json_array({', '.join(values)})"


def _is_json(hint: Any) -> bool:
    return hint is Metadata or get_origin(hint) is dict
