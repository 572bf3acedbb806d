"""The JSON Schema for editors: generated, current, and of one mind with what reads the file."""

import json
from typing import Any

from server import assets
from server.rules.editor import json_schema, schema_text
from server.rules.registry import FORMS, document


def test_the_file_is_what_the_types_say() -> None:
    """`scripts/build-schema` writes it anew."""
    assert assets.path("static", "leadtrail.schema.json").read_bytes() == schema_text()


def test_every_condition_is_in_it_with_its_documentation() -> None:
    definitions = json_schema()["$defs"]
    for name, form in FORMS.items():
        condition = definitions[form.__name__]
        assert condition["description"] == document(name)
        assert condition["additionalProperties"] is False
        assert name in condition["properties"]


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere_and_nothing_internal_shows() -> None:
    schema = json_schema()
    assert references(schema) <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert "default" not in json.dumps(schema)
    assert "null" not in json.dumps(schema)
