"""The API's description, OpenAPI 3.1, made of the endpoints and their types. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from server import __version__
from server.api.endpoint import Endpoint
from server.api.errors import ErrorList
from server.model import encode_json

_REF = "#/components/schemas/{name}"

_REFUSALS = {
    "400": "What is wrong stands in `field`.",
    "401": "No token, or a wrong one.",
    "403": "The token may not do this.",
    "404": "There is no such thing.",
    "405": "The path takes other methods.",
    "409": "Somebody else is known by that already; the message names them.",
    "413": "The body is too large.",
    "422": "It cannot be done with this person.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}


def describe(endpoints: Sequence[Endpoint], prefix: str) -> bytes:
    """The description as JSON."""
    shapes = [ErrorList, *(shape for endpoint in endpoints for shape in (endpoint.takes, endpoint.gives))]
    known = [shape for shape in shapes if shape is not None]
    schemas, components = msgspec.json.schema_components(known, ref_template=_REF)
    named = dict(zip(map(repr, known), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        described = paths.setdefault(f"{prefix}{endpoint.path}", {})
        described[endpoint.method.lower()] = _operation(endpoint, named)
    return encode_json(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Leadtrail",
                "version": __version__,
                "description": "The server-side API, in the shapes of Intercom's REST API 2.14;"
                " what is marked native is Leadtrail's own.",
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(endpoint: Endpoint, named: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": (endpoint.handler.__doc__ or "").strip(),
        "tags": ["native" if endpoint.native else endpoint.path.split("/")[1]],
        "x-scope": endpoint.scope.value,
        "responses": {
            str(endpoint.status): _success(endpoint, named),
            **{status: _refusal(said, named) for status, said in _REFUSALS.items()},
            "default": _refusal("The server is full, broken or away.", named),
        },
    }
    parameters = [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": named[repr(endpoint.takes)]}},
        }
    return operation


def _success(endpoint: Endpoint, named: dict[str, Any]) -> dict[str, Any]:
    if endpoint.gives is None:
        return {"description": "Done; the body is empty."}
    content: dict[str, Any] = {"application/json": {"schema": named[repr(endpoint.gives)]}}
    if endpoint.also:
        content[endpoint.also] = {"schema": {"type": "string"}}
    return {"description": "What was asked for.", "content": content}


def _refusal(said: str, named: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": said,
        "content": {"application/json": {"schema": named[repr(ErrorList)]}},
    }


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }


def _query_parameters(query: type[Struct] | None) -> Iterable[dict[str, Any]]:
    if query is None:
        return
    [schema], components = msgspec.json.schema_components([query], ref_template="{name}")
    described = components[schema["$ref"]]
    for name, of_parameter in described["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in described.get("required", ()),
            "schema": _plain(of_parameter),
        }


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without null, which no query string can say."""
    one_of = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    if len(one_of) == 1:
        schema = {**one_of[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
    return {key: value for key, value in schema.items() if key != "default" or value is not None}
