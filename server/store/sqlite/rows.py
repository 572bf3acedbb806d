"""How types and rows correspond: a struct's fields are its table's columns, in order; dicts are JSON text."""

from typing import Any, get_origin, get_type_hints

import msgspec

from server.model import Metadata


def column_list(row: type[msgspec.Struct]) -> str:
    """`person_id, site, …`"""
    return ", ".join(row.__struct_fields__)


def json_row(row: type[msgspec.Struct]) -> str:
    """`json_array(person_id, site, …, json(traits))`: one row as JSON, decodable as the struct."""
    hints = get_type_hints(row)
    return "json_array(" + ", ".join(f"json({f})" if _is_json(hints[f]) else f for f in row.__struct_fields__) + ")"


def _is_json(hint: Any) -> bool:
    return hint is Metadata or get_origin(hint) is dict
