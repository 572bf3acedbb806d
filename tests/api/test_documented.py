"""What docs/http-api.md says about `/api` is so: its examples run and its tables are complete."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from story import Story

from server.model import person_id_of

DOCS = (Path(__file__).parents[2] / "docs" / "http-api.md").read_text()
API = DOCS.partition("## `/api`")[2]
CONTACT = "0346dc5d63886a10"


RULES = """segments: {interested: {if: [{viewed: /pricing}]}}
messages:
  - {id: pricing-help, if: [{viewed: /pricing, times: more than 3}], deliver: {page: {title: Hello}}}
"""


def examples() -> list[list[str]]:
    """The curl commands, split as a shell does."""
    blocks = re.findall(r"```sh\n(curl .*?)```", API, re.DOTALL)
    return [shlex.split(block.replace("\\\n", " ")) for block in blocks]


def answers() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", API, re.DOTALL)]


def run(api: Any, command: list[str]) -> dict[str, Any]:
    """The answer to a curl command of the docs; the client carries the token."""
    url = next(part for part in command if part.startswith("$LEADTRAIL"))
    assert "Authorization: Bearer $TOKEN" in command
    path = url.removeprefix("$LEADTRAIL")
    if "-d" in command:
        answer = api.client.post(path, content=command[command.index("-d") + 1])
    else:
        answer = api.client.get(path)
    assert answer.status_code == 200, path
    found: dict[str, Any] = answer.json()
    return found


def ada() -> Story:
    person_id = person_id_of(CONTACT)
    assert person_id is not None
    story = Story(person_id).viewed("/pricing", 0, "Pricing").viewed("/signup", 60_000)
    return story.did("identify", 61_000, traits={"email": "ada@example.com", "name": "Ada"})


def test_every_example_runs_and_answers_in_the_shape_that_is_shown(api: Any) -> None:
    api.tell(ada())
    api.configure(RULES)
    search, one, history, segment, _, explanation, backtest = (run(api, command) for command in examples())
    _, shown_search, shown_history, shown_explanation, shown_backtest = answers()
    assert segment["total_count"] == 1
    assert explanation == shown_explanation
    assert backtest.keys() == shown_backtest.keys()
    assert search.keys() == shown_search.keys()
    assert search["pages"] == shown_search["pages"]
    assert shown_search["data"][0].items() <= search["data"][0].items()
    assert one == search["data"][0]
    assert history.keys() == shown_history.keys()
    assert history["contact"] == shown_history["contact"]
    assert [item.keys() for item in history["data"]] == [item.keys() for item in shown_history["data"]]
    assert shown_history["totals"][0].keys() in [total.keys() for total in history["totals"]]
    shown_next, found_next = (urlsplit(answer["pages"]["next"]) for answer in (shown_history, history))
    assert parse_qs(found_next.query).keys() == parse_qs(shown_next.query).keys()
    assert found_next.path == shown_next.path


def test_every_route_of_the_api_is_documented(api: Any) -> None:
    [mount] = [route for route in api.app.routes if route.path == "/api"]
    routes = [
        f"{method} /api{route.path}"
        for route in mount.routes
        if "{path:path}" not in route.path
        for method in route.methods - {"HEAD"}
    ]
    assert len(routes) == len(examples())
    for route in routes:
        assert f"`{route}`" in API


def test_every_error_code_of_the_api_is_documented() -> None:
    sources = (Path(__file__).parents[2] / "server" / "api").glob("*.py")
    text = "".join(source.read_text() for source in sources)
    codes = set(re.findall(r'(?:Refused|Request|Found|Large|Requests|Unauthorized)\(\s*"([a-z_]+)"', text))
    codes |= set(re.findall(r'error_list\(\d+, "([a-z_]+)"', text))
    assert {"unauthorized", "parameter_invalid", "not_found", "server_error"} <= codes
    for code in codes:
        assert f"`{code}`" in API, code
