"""The JSON Schema of leadtrail.yaml, with which editors complete and check it. Generated from the very types
that read the file; `scripts/build-schema` writes it to `static/leadtrail.schema.json`.
"""

from collections.abc import Mapping
from typing import Any

from server.model import encode_json
from server.rules.registry import FORMS, document
from server.rules.schema import File

ID = "https://leadtrail.example/leadtrail.schema.json"
SCALAR = ["string", "number", "boolean"]
"""A value that is read as text may be written as a number, a date or a boolean of YAML."""


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, as plain data."""
    schema = _adapted(File.model_json_schema())
    definitions = schema["$defs"]
    for name, form in FORMS.items():
        of_form = definitions[form.__name__]
        of_form["description"] = document(name)
        of_form["properties"][name]["description"] = document(name)
    one_or_many = definitions[FORMS["not"].__name__]["properties"]["not"]
    definitions[FORMS["not"].__name__]["properties"]["not"] = {
        "description": document("not"),
        "anyOf": [one_or_many["items"], {**one_or_many}],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **schema}


def schema_text() -> bytes:
    """The schema as the file has it."""
    return encode_json(json_schema()) + b"\n"


def _adapted(value: Any) -> Any:
    """Without the nulls and defaults that only stand for what is left out, and titles that repeat a key."""
    if isinstance(value, list):
        return [_adapted(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    adapted = {
        key: {name: _adapted(inner) for name, inner in part.items()}
        if key in ("properties", "$defs")
        else _adapted(part)
        for key, part in value.items()
        if key not in ("title", "default")
    }
    if adapted.get("type") == "string" and "enum" not in adapted and "const" not in adapted:
        adapted["type"] = SCALAR
    if "anyOf" in adapted:
        options = [option for option in adapted["anyOf"] if option != {"type": "null"}]
        if len(options) == 1:
            del adapted["anyOf"]
            adapted = {**options[0], **adapted}
        else:
            adapted["anyOf"] = options
    return adapted
