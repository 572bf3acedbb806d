"""The collector's addresses as browsers and other programs use them."""

import gzip
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.settings import Rate, Settings

NOW = 1_790_000_000_000
KEY = "a signing key for tests"
ORIGIN = "https://www.example.com"

CONFIG = """
sites:
  - {key: main, origins: ["https://www.example.com"], webdriver: allow}
  - {key: strict, origins: ["https://strict.example.com"]}
  - {key: open, gpc: ignore, dnt: honour}
  - {key: shared, cookie_domain: example.com}
messages:
  - id: pricing-help
    when: {page: /pricing}
    if: [{viewed: /pricing, times: more than 3}]
    send: once
    deliver: {page: {title: "Questions?", body: We answer., button: {label: Talk to us, url: /contact}}}
"""


class Wrist:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Wrist:
    return Wrist()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    return Settings(config=file, data_dir=tmp_path, secret_keys=(KEY,), api_tokens=("an api token",))


@pytest.fixture
def client(settings: Settings, clock: Wrist) -> Iterator[TestClient]:
    with TestClient(create_app(settings, clock=clock)) as client:
        yield client


def uuid7(at: int = NOW) -> str:
    rest = secrets.token_hex(8)
    return f"{at:012x}"[:8] + "-" + f"{at:012x}"[8:] + f"-7{rest[:3]}-9{rest[3:6]}-{secrets.token_hex(6)}"


def view(page: str = "/a", **fields: Any) -> dict[str, Any]:
    return {"id": uuid7(), "name": "page_view", "at": NOW, "url": f"{ORIGIN}{page}", **fields}


def send(
    client: TestClient, *events: dict[str, Any], site: str = "main", headers: Any = None, **members: Any
) -> Any:
    body = {"site": site, "sent_at": NOW, "events": list(events), **members}
    return client.post(
        "/e", content=json.dumps(body), headers={"content-type": "text/plain", **(headers or {})}
    )


def metric(client: TestClient, name: str) -> float:
    found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return sum(map(float, found))


def test_a_visitor_is_known_again_by_the_cookie(client: TestClient) -> None:
    first = send(client, view())
    assert first.status_code == 200
    token = first.json()["visitor"]
    assert first.cookies["lt"] == token
    assert send(client, view()).json()["visitor"] == token
    client.cookies.clear()
    assert send(client, view()).json()["visitor"] != token
    client.cookies.clear()
    assert send(client, view(), visitor=token).json()["visitor"] == token


def test_the_fourth_view_is_answered_with_the_message(client: TestClient) -> None:
    answers = [send(client, view("/pricing")).json() for _ in range(4)]
    assert [len(answer.get("messages", [])) for answer in answers] == [0, 0, 0, 1]
    message = answers[3]["messages"][0]
    assert message["id"] == "pricing-help"
    assert message["path"] == "/pricing"
    assert message["button"] == {"label": "Talk to us", "url": "/contact"}


def test_one_bad_event_is_rejected_and_the_others_are_stored(client: TestClient) -> None:
    bad = {"id": "bad-1", "name": "x" * 121}
    answer = send(
        client,
        view(),
        bad,
        view(),
        {"id": "bad-2", "name": "bought", "metadata": {"a": [1]}},
        {"id": "bad-3"},
    )
    assert answer.status_code == 200
    assert [(r["id"], r["code"]) for r in answer.json()["rejected"]] == [
        ("bad-1", "invalid_name"),
        ("bad-2", "invalid_metadata"),
        ("bad-3", "wrong_shape"),
    ]
    assert all(r["message"] for r in answer.json()["rejected"])
    assert metric(client, "leadtrail_events_stored_total") == 2


def test_received_is_stored_plus_repeated_plus_rejected_plus_shed(client: TestClient) -> None:
    same = view()
    send(client, same, view(), {"name": ""})
    send(client, same)
    send(client, view(), headers={"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
    parts = [
        metric(client, f"leadtrail_events_{part}_total")
        for part in ("stored", "repeated", "rejected", "shed")
    ]
    assert parts == [2, 1, 2, 0]
    assert metric(client, "leadtrail_events_received_total") == sum(parts)


def test_a_first_request_that_is_repeated_without_its_cookie_is_the_same_visitor(client: TestClient) -> None:
    views = [view("/pricing") for _ in range(4)]
    first = send(client, *views).json()
    client.cookies.clear()
    assert send(client, *views).json() == first


def test_an_id_that_somebody_else_could_guess_opens_nothing(client: TestClient) -> None:
    tokens = set()
    for _ in range(2):
        tokens.add(send(client, view(id="1")).json()["visitor"])
        client.cookies.clear()
    assert len(tokens) == 2


@pytest.mark.parametrize("cookie", ["lt=forged.token", "lt=a; lt=b", "lt=" + "x" * 600, "lt="])
def test_a_bad_cookie_is_no_cookie(client: TestClient, cookie: str) -> None:
    answer = send(client, view(), headers={"cookie": cookie})
    assert answer.status_code == 200
    assert re.fullmatch(r"[0-9a-f]{32}\.[\w-]+", answer.json()["visitor"])


def test_another_sites_token_is_no_token(client: TestClient) -> None:
    token = send(client, view()).json()["visitor"]
    client.cookies.clear()
    answer = send(client, view(), site="open", visitor=token)
    assert answer.json()["visitor"].split(".")[0] != token.split(".")[0]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_body"),
        (b"hello", 400, "invalid_json"),
        (b"[]", 400, "wrong_shape"),
        (b'{"site":"main","events":[]}', 400, "no_events"),
        (b'{"site":"nowhere","events":[{"name":"x"}]}', 404, "no_such_site"),
        (b'{"site":"main","pad":"' + b"x" * 65536 + b'"}', 413, "body_too_large"),
    ],
)
def test_a_request_that_cannot_be_taken_says_why(
    client: TestClient, content: bytes, status: int, code: str
) -> None:
    answer = client.post("/e", content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.content) <= 1024
    assert "x" * 50 not in answer.text


def test_a_compressed_body_is_refused(client: TestClient) -> None:
    answer = client.post("/e", content=gzip.compress(b"{}"), headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")


def test_only_the_sites_origins_and_its_own_may_send(client: TestClient) -> None:
    allowed = send(client, view(), headers={"origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in allowed.headers["vary"]
    assert send(client, view(), headers={"origin": "http://testserver"}).status_code == 200
    for foreign in (
        "https://evil.example",
        "null",
        "https://www.example.com.evil.example",
        "https://strict.example.com",
    ):
        refused = send(client, view(), headers={"origin": foreign})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in refused.headers


def test_a_preflight_is_answered_for_a_known_origin_only(client: TestClient) -> None:
    known = client.options("/e", headers={"origin": ORIGIN, "access-control-request-method": "POST"})
    assert (known.status_code, known.headers["access-control-allow-origin"]) == (204, ORIGIN)
    unknown = client.options("/e", headers={"origin": "https://evil.example"})
    assert unknown.status_code == 403
    assert "access-control-allow-origin" not in unknown.headers


def test_other_methods_are_refused(client: TestClient) -> None:
    assert client.get("/e").status_code == 405
    assert client.post("/p.gif").status_code == 405
    assert client.delete("/t.js").status_code == 405


def test_crawlers_and_driven_browsers_are_not_counted(client: TestClient) -> None:
    crawler = send(
        client, view(), view(), headers={"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
    )
    assert crawler.status_code == 200
    assert [r["code"] for r in crawler.json()["rejected"]] == ["bot", "bot"]
    assert "set-cookie" not in crawler.headers
    driven = send(client, view(), site="open", webdriver=True)
    assert [r["code"] for r in driven.json()["rejected"]] == ["bot"]
    assert "rejected" not in send(client, view(), webdriver=True).json()


def test_a_browser_that_asks_not_to_be_tracked_is_not(client: TestClient) -> None:
    for headers, site in (({"sec-gpc": "1"}, "main"), ({"dnt": "1"}, "open")):
        answer = send(client, view(), site=site, headers=headers)
        assert [r["code"] for r in answer.json()["rejected"]] == ["consent"]
        assert "set-cookie" not in answer.headers
    assert "rejected" not in send(client, view(), site="open", headers={"sec-gpc": "1"}).json()
    assert "rejected" not in send(client, view(), headers={"dnt": "1"}).json()


def test_consent_that_is_taken_back_expires_the_cookie(client: TestClient) -> None:
    send(client, view())
    answer = client.post("/e", json={"site": "main", "consent": "denied"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize("consent", ["denied", "pending"])
def test_events_without_consent_are_rejected_and_never_dropped_in_silence(
    client: TestClient, consent: str
) -> None:
    answer = send(client, view(), view(), consent=consent)
    assert [r["code"] for r in answer.json()["rejected"]] == ["consent", "consent"]
    assert "visitor" not in answer.json()
    assert ("set-cookie" in answer.headers) == (consent == "denied")
    assert metric(client, "leadtrail_events_received_total") == 2
    assert metric(client, "leadtrail_events_rejected_total") == 2


def test_consent_that_was_granted_is_taken(client: TestClient) -> None:
    assert "rejected" not in send(client, view(), consent="granted").json()


def test_the_cookie_follows_the_sites_set_up(settings: Settings, clock: Wrist) -> None:
    with TestClient(create_app(settings, clock=clock), base_url="https://t.example.com") as client:
        bound = send(client, view()).headers["set-cookie"]
        shared = send(client, view(), site="shared").headers["set-cookie"]
    assert bound.startswith("__Host-lt=")
    assert "Secure" in bound
    assert "Domain" not in bound
    assert shared.startswith("lt=")
    assert "Domain=example.com" in shared
    assert "Max-Age=34214400" in bound


def test_on_a_page_of_another_site_the_cookie_is_that_sites_alone(settings: Settings, clock: Wrist) -> None:
    foreign = {"origin": ORIGIN, "sec-fetch-site": "cross-site"}
    with TestClient(create_app(settings, clock=clock), base_url="https://tracker.example.net") as client:
        first = send(client, view(), headers=foreign)
        again = send(client, view(), headers=foreign)
    assert first.headers["set-cookie"].endswith("SameSite=None; Secure; Partitioned")
    assert again.json()["visitor"] == first.json()["visitor"]
    with TestClient(create_app(settings, clock=clock)) as client:
        plain = send(client, view(), headers=foreign)
    assert "Partitioned" not in plain.headers["set-cookie"]
    assert "SameSite=Lax" in plain.headers["set-cookie"]


def test_a_reset_answers_with_a_new_visitor_to_whom_nothing_is_shown(client: TestClient) -> None:
    before = send(client, *(view("/pricing") for _ in range(3))).json()["visitor"]
    answer = send(client, view("/pricing"), {"id": uuid7(), "name": "reset"}).json()
    assert answer["visitor"] != before
    assert "messages" not in answer
    assert send(client, view()).json()["visitor"] == answer["visitor"]


def test_what_follows_a_reset_in_one_batch_belongs_to_the_new_visitor(client: TestClient) -> None:
    old = send(client, view()).json()["visitor"]
    new = send(client, view("/old"), {"id": uuid7(), "name": "reset"}, view("/new")).json()["visitor"]
    seen = {}
    for name, token in (("old", old), ("new", new)):
        visitor = token.split(".")[0]
        history = client.get(
            f"/api/contacts/{visitor}/history", headers={"authorization": "Bearer an api token"}
        ).json()
        seen[name] = sorted(item["path"] for item in history["data"] if item.get("event_name") == "page_view")
    assert seen == {"old": ["/a", "/old"], "new": ["/new"]}


def test_the_pixel_counts_and_is_always_a_picture(client: TestClient) -> None:
    answer = client.get("/p.gif", params={"site": "main", "url": f"{ORIGIN}/a", "title": "A"})
    assert (answer.status_code, len(answer.content), answer.headers["content-type"]) == (200, 43, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert "x-leadtrail" not in answer.headers
    assert answer.cookies["lt"]
    assert metric(client, "leadtrail_events_stored_total") == 1


@pytest.mark.parametrize(
    ("query", "headers", "reason"),
    [
        ({"site": "nowhere", "url": f"{ORIGIN}/"}, {}, "no_such_site"),
        ({"site": "main", "url": "javascript:alert(1)"}, {}, "invalid_url"),
        ({"site": "main"}, {}, "invalid_url"),
        ({"site": "main", "url": f"{ORIGIN}/", "event": "x" * 121}, {}, "invalid_name"),
        (
            {"site": "main", "url": f"{ORIGIN}/"},
            {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
            "bot",
        ),
        ({"site": "main", "url": f"{ORIGIN}/"}, {"sec-gpc": "1"}, "consent"),
    ],
)
def test_the_pixel_says_in_a_header_what_it_ignored(
    client: TestClient, query: Any, headers: Any, reason: str
) -> None:
    answer = client.get("/p.gif", params=query, headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, 43)
    assert answer.headers["x-leadtrail"] == f"ignored; reason={reason}"


def test_the_pixel_takes_its_page_from_the_referer(client: TestClient) -> None:
    visitor = (
        client.get("/p.gif", params={"site": "main"}, headers={"referer": f"{ORIGIN}/from"})
        .cookies["lt"]
        .split(".")[0]
    )
    history = client.get(
        f"/api/contacts/{visitor}/history", headers={"authorization": "Bearer an api token"}
    ).json()
    assert [item["path"] for item in history["data"]] == ["/from"]


def test_a_message_that_the_pixel_won_comes_with_the_next_page_view(client: TestClient) -> None:
    for _ in range(4):
        client.get("/p.gif", params={"site": "main", "url": f"{ORIGIN}/pricing"})
    assert [m["id"] for m in send(client, view("/pricing")).json()["messages"]] == ["pricing-help"]


def test_the_snippet_is_the_same_for_everybody_and_named_by_its_hash(client: TestClient) -> None:
    plain = client.get("/t.js", headers={"accept-encoding": "identity"})
    assert plain.headers["cache-control"] == "public, max-age=3600, stale-while-revalidate=86400"
    twin = plain.headers["content-location"]
    assert re.fullmatch(r"/t\.[0-9a-f]{12}\.js", twin)
    immutable = client.get(twin, headers={"cookie": "lt=x", "user-agent": "other"})
    assert immutable.content == plain.content
    assert "immutable" in immutable.headers["cache-control"]
    assert "set-cookie" not in plain.headers
    small = client.get("/t.js", headers={"accept-encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    again = client.get("/t.js", headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/t.000000000000.js").status_code == 404


def test_too_many_requests_are_told_when_to_come_again(settings: Settings, clock: Wrist) -> None:
    limited = Settings(
        config=settings.config,
        data_dir=settings.data_dir,
        secret_keys=(KEY,),
        rate_limits={"address": Rate(0.001, 2)},
    )
    with TestClient(create_app(limited, clock=clock)) as client:
        assert [send(client, view()).status_code for _ in range(3)] == [200, 200, 429]
        refused = send(client, view())
        assert refused.json()["error"]["code"] == "rate_limited"
        assert int(refused.headers["retry-after"]) > 0


def test_the_clock_rule_holds_on_the_wire(client: TestClient, clock: Wrist) -> None:
    clock.now = NOW + 60_000
    answer = send(client, view(at=NOW - 5_000))
    visitor = answer.json()["visitor"].split(".")[0]
    history = client.get(
        f"/api/contacts/{visitor}/history", headers={"authorization": "Bearer an api token"}
    ).json()
    assert history["data"][0]["created_at"] == (NOW + 60_000 - 5_000) // 1000
