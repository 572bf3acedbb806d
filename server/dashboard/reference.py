"""The API's reference as a page: what `/api/openapi.json` says, for people."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.dashboard.pages import page


class Member(NamedTuple):
    """A parameter, or a member of a body. `of_type` is in words."""

    name: str
    of_type: str
    required: bool
    said: str


class Call(NamedTuple):
    """One method of one path."""

    anchor: str
    method: str
    path: str
    summary: str
    scope: str
    native: bool
    parameters: list[Member]
    body: list[Member]
    answer: str
    """The name of what is answered, and its members."""
    members: list[Member]


class Reference:
    """The route of the reference."""

    def __init__(self, description: bytes) -> None:
        self._calls = list(calls(msgspec.json.decode(description)))

    async def show(self, request: Request) -> Response:
        """GET /dashboard/api"""
        base = f"{request.url.scheme}://{request.url.netloc}"
        return page(request, "reference.html", calls=self._calls, base=base)


def calls(description: Mapping[str, Any]) -> Iterator[Call]:
    """The calls of an OpenAPI description, in its order. Pure."""
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            success = next(
                answer for status, answer in operation["responses"].items() if status.startswith("2")
            )
            answered = _schema(success)
            yield Call(
                anchor=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                scope=operation["x-scope"],
                native="native" in operation["tags"],
                parameters=[
                    Member(each["name"], _type(each["schema"], schemas), each["required"], each["in"])
                    for each in operation.get("parameters", ())
                ],
                body=_members(_schema(operation.get("requestBody")), schemas),
                answer=_type(answered, schemas) if answered else "nothing",
                members=_members(answered, schemas),
            )


def _schema(holder: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    content = (holder or {}).get("content", {}).get("application/json")
    schema: Mapping[str, Any] | None = content["schema"] if content else None
    return schema


def _members(schema: Mapping[str, Any] | None, schemas: Mapping[str, Any]) -> list[Member]:
    shape = _named(schema, schemas) if schema else {}
    required = shape.get("required", ())
    return [
        Member(name, _type(member, schemas), name in required, member.get("description", ""))
        for name, member in shape.get("properties", {}).items()
    ]


def _named(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        shape: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return shape
    return schema


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """The type in words: `text or null`, `list of Contact`, `one of user, lead`."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(part, schemas) for part in schema["anyOf"])
    if "enum" in schema:
        named = ["null" if value is None else str(value) for value in schema["enum"]]
        return f"one of {', '.join(named)}" if len(named) > 1 else named[0]
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), schemas)}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", None: "anything"}
    of_type = schema.get("type")
    return words.get(of_type, str(of_type))
