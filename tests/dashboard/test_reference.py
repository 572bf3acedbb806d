"""The API's reference, as people read it."""

import re
from pathlib import Path

import pytest

from server import assets
from server.app import open_app
from server.dashboard.reference import calls
from server.settings import Settings

DESCRIPTION = {
    "paths": {
        "/api/things/{id}": {
            "get": {
                "operationId": "things_find",
                "summary": "One thing",
                "x-scope": "read",
                "tags": ["native"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "page", "in": "query", "required": False, "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
                    },
                    "404": {},
                },
            },
            "delete": {
                "operationId": "things_delete",
                "summary": "Delete a thing",
                "x-scope": "write",
                "tags": ["things"],
                "responses": {"202": {"description": "Done"}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "properties": {
                    "id": {"type": "string", "description": "What it is called"},
                    "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                    "kind": {"enum": ["a", "b"]},
                    "any": {},
                },
                "required": ["id"],
            }
        }
    },
}


def test_types_are_said_in_words() -> None:
    find, delete = calls(DESCRIPTION)
    assert (find.method, find.path, find.scope, find.native) == ("GET", "/api/things/{id}", "read", True)
    assert [(member.name, member.of_type, member.required) for member in find.parameters] == [
        ("id", "text", True),
        ("page", "whole number", False),
    ]
    assert find.answer == "Thing"
    assert [member.of_type for member in find.members] == [
        "text",
        "whole number or null",
        "list of Thing",
        "one of a, b",
        "anything",
    ]
    assert find.members[0].said == "What it is called"
    assert (delete.answer, delete.members, delete.native) == ("nothing", [], False)


@pytest.mark.anyio
async def test_every_call_of_the_api_stands_in_it(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    settings = Settings(
        config=assets.path("examples", "leadtrail.yaml"),
        data_dir=tmp_path,
        secret_keys=("k" * 32,),
        password="a password for this test",
    )
    async with open_app(settings) as app:
        client = TestClient(app)
        described = client.get("/api/openapi.json").json()
        form = client.get("/dashboard/sign-in").text
        csrf = re.search('name="csrf" value="([^"]+)"', form)
        assert csrf is not None
        client.post("/dashboard/sign-in", data={"csrf": csrf[1], "password": "a password for this test"})
        shown = client.get("/dashboard/api")
    assert shown.status_code == 200
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in shown.text
