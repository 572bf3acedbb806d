"""Where a visitor is: told by a proxy in the header that the site names, and believed from no other."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.collect.request import Request
from server.settings import Settings

CONFIG = """
sites: [{key: main, country_header: CF-IPCountry}, {key: other}]
messages: [{id: ola, if: [{country: PT}], deliver: {page: {title: Olá}}}]
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    settings = Settings(config=file, data_dir=tmp_path, secret_keys=("a signing key for tests",))
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.mark.parametrize(
    ("site", "header", "country", "answered"),
    [
        ("main", "CF-IPCountry", "pt", ["ola"]),
        ("main", "CF-IPCountry", "BR", []),
        ("main", "X-Country-Code", "PT", []),
        ("other", "CF-IPCountry", "PT", []),
    ],
)
def test_a_rule_asks_for_the_country_that_the_named_header_tells(
    client: TestClient, site: str, header: str, country: str, answered: list[str]
) -> None:
    view = {"id": secrets.token_hex(8), "name": "page_view", "url": "http://testserver/a"}
    body = json.dumps({"site": site, "events": [view]})
    answer = client.post("/e", content=body, headers={header: country}).json()
    assert [message["id"] for message in answer.get("messages", [])] == answered


@pytest.mark.parametrize(
    ("said", "country"), [("pt", "PT"), ("XX", ""), ("T1", ""), ("Portugal", ""), ("", ""), ("éa", "")]
)
def test_only_two_letters_are_a_country(said: str, country: str) -> None:
    request = Request(
        method="POST", path="/e", query=b"", https=True, address="", cloudfront_viewer_country=said
    )
    assert request.country("cloudfront-viewer-country") == country
    assert request.country("") == request.country("x-country-code") == ""
