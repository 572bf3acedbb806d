"""`/intercom.js` as it is given out."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from server import assets
from server.collect.face import PLACE, Face
from server.rules.reload import Live


class Given:
    """The script of a configuration."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "leadtrail.yaml"
        self.sites("main")
        self.live = Live(self._file)
        face = Face(assets.path("static", "intercom.min.js"), self.live)
        self.client = TestClient(Starlette(routes=[face.route()]))

    def sites(self, *keys: str) -> None:
        self._file.write_text("sites:\n" + "".join(f"  - key: {key}\n" for key in keys))


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Given]:
    made = Given(tmp_path)
    with made.client:
        yield made


def test_the_keys_of_the_sites_are_written_into_it(given: Given) -> None:
    first = given.client.get("/intercom.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert '"main".split(" ")' in first.text
    assert PLACE.decode() not in first.text
    given.sites("main", "shop-2")
    given.live.reload()
    second = given.client.get("/intercom.js")
    assert '"main shop-2".split(" ")' in second.text
    assert first.headers["etag"] != second.headers["etag"]


def test_it_is_compressed_for_those_who_take_it(given: Given) -> None:
    plain = given.client.get("/intercom.js", headers={"accept-encoding": "identity"})
    packed = given.client.get("/intercom.js", headers={"accept-encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert len(gzip.compress(plain.content, 9)) < 6_000


def test_a_browser_that_has_it_is_told_so(given: Given) -> None:
    etag = given.client.get("/intercom.js").headers["etag"]
    again = given.client.get("/intercom.js", headers={"if-none-match": f'W/"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert "max-age=3600" in again.headers["cache-control"]


def test_it_takes_no_other_method(given: Given) -> None:
    assert given.client.post("/intercom.js").status_code == 405
