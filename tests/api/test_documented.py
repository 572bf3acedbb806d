"""What docs/http-api.md says about `/api` is so: its examples run and its tables are complete."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from server.api.query import FIELDS
from server.ids import person_id_of
from tests.story import Story

DOCS = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text()
API = DOCS.partition("## `/api`")[2]
CONTACT = "0346dc5d63886a10"

BLOCKS = re.findall(r"```(sh|json)\n(.*?)```", API, re.DOTALL)
EXAMPLES = [
    (text, BLOCKS[place + 1][1] if BLOCKS[place + 1 : place + 2] and BLOCKS[place + 1][0] == "json" else "")
    for place, (language, text) in enumerate(BLOCKS)
    if language == "sh" and text.startswith("curl")
]


RULES = """segments: {interested: {if: [{viewed: /pricing}]}}
messages:
  - {id: pricing-help, if: [{viewed: /pricing, times: more than 3}], deliver: {page: {title: Hello}}}
"""


def run(api: Any, example: str) -> Any:
    """The answer to a curl command of the docs; the client carries the token."""
    command = shlex.split(example.replace("\\\n", " "))
    url = next(part for part in command if part.startswith("$LEADTRAIL"))
    assert "Authorization: Bearer $TOKEN" in command
    path = url.removeprefix("$LEADTRAIL")
    if "-d" in command:
        return api.client.post(path, content=command[command.index("-d") + 1])
    return api.client.get(path)


def ada() -> Story:
    person_id = person_id_of(CONTACT)
    assert person_id is not None
    story = Story(person_id).viewed("/pricing", 0, "Pricing").viewed("/signup", 60_000)
    story.did("identify", 61_000, traits={"email": "ada@example.com", "name": "Ada"})
    price = {"amount": 4900, "currency": "eur"}
    return story.did("invoice.paid", 62_000, metadata={"plan": "Pro", "price": price})


def test_the_examples_are_found() -> None:
    assert len(EXAMPLES) == 14


@pytest.mark.parametrize(("example", "shown"), EXAMPLES)
def test_an_example_runs_and_answers_in_the_shape_that_is_shown(api: Any, example: str, shown: str) -> None:
    api.tell(ada())
    api.configure(RULES)
    answer = run(api, example)
    if "event_name" in example:
        assert (answer.status_code, answer.content) == (202, b"")
        return
    assert answer.status_code == 200, answer.text
    if shown:
        same_shape(json.loads(shown), answer.json())


def same_shape(shown: Any, found: Any) -> None:
    """Every member that is shown is there; of URLs the path and parameters, of null nothing."""
    if isinstance(shown, dict):
        assert shown.keys() <= found.keys()
        for name, value in shown.items():
            same_shape(value, found[name])
    elif isinstance(shown, list):
        of_type = {item.get("type"): item for item in found if isinstance(item, dict)}
        for item, other in zip(shown, found, strict=False):
            same_shape(item, of_type.get(item.get("type"), other) if isinstance(item, dict) else other)
    elif isinstance(shown, str) and shown.startswith("http://127.0.0.1:8000"):
        ours, theirs = urlsplit(shown), urlsplit(found)
        assert (ours.path, parse_qs(ours.query).keys()) == (theirs.path, parse_qs(theirs.query).keys())
    elif found is not None:
        assert type(shown) is type(found)


def routes(api: Any) -> list[str]:
    [mount] = [route for route in api.app.routes if route.path == "/api"]
    return [
        f"{method} /api{route.path}"
        for route in mount.routes
        if "{path:path}" not in route.path
        for method in route.methods - {"HEAD"}
    ]


def test_every_route_of_the_api_is_documented(api: Any) -> None:
    assert len(routes(api)) > 25
    for route in routes(api):
        assert f"`{route}`" in API


def test_every_scope_that_is_documented_is_the_routes(api: Any) -> None:
    described = api.client.get("/api/openapi.json").json()["paths"]
    for route, scope in re.findall(r"^\| \[?`(\w+ /api/[^`]+)`.*?\| (read|write) \|", API, re.MULTILINE):
        method, path = route.split()
        assert described[path][method.lower()]["x-scope"] == scope


def test_every_error_code_of_the_api_is_documented() -> None:
    sources = (Path(__file__).parents[2] / "server" / "api").glob("*.py")
    text = "".join(source.read_text() for source in sources)
    codes = set(
        re.findall(
            r'(?:Refused|Request|Found|Large|Requests|Unauthorized|Conflict|Forbidden)\(\s*"([a-z_]+)"', text
        )
    )
    codes |= set(re.findall(r'error_list\(\d+, "([a-z_]+)"', text))
    assert {"unauthorized", "parameter_invalid", "not_found", "server_error", "forbidden"} <= codes
    for code in codes:
        assert f"`{code}`" in API, code


def test_every_field_of_the_search_is_documented() -> None:
    never_known = {"last_contacted_at", "last_replied_at", "last_email_opened_at", "last_email_clicked_at"}
    for field in FIELDS.keys() - never_known - {"location.country_code"}:
        assert f"`{field}`" in API, field
