"""Identity on the wire: proofs, claims, taking over and signing out, as a browser meets them."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.settings import Settings
from tests.collect.test_routes import NOW, ORIGIN, Wrist, metric, send, uuid7, view

SECRET = "the secret of the server"
SHOP_SECRET = "the secret of the shop alone"

CONFIG = """
sites:
  - {key: main}
  - {key: shop, identity_secret_env: SHOP_SECRET}
  - {key: forgotten, identity_secret_env: NOT_SET}
"""

API = {"authorization": "Bearer an api token"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    settings = Settings(
        config=file,
        data_dir=tmp_path,
        secret_keys=("a signing key for tests",),
        api_tokens=("an api token",),
        identity_secret=SECRET,
        variables={"SHOP_SECRET": SHOP_SECRET},
    )
    with TestClient(create_app(settings, clock=Wrist())) as client:
        yield client


def hashed(value: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()


def identify(**traits: Any) -> dict[str, Any]:
    return {"id": uuid7(), "name": "identify", "at": NOW, "traits": traits}


def codes(answer: Any) -> list[str]:
    return [rejected["code"] for rejected in answer.json().get("rejected", [])]


def history(client: TestClient, person: str) -> Any:
    answer = client.get(f"/api/contacts/{person}/history", headers=API)
    assert answer.status_code == 200, answer.text
    return answer.json()


def visitor(answer: Any) -> str:
    return str(answer.json()["visitor"]).split(".")[0]


def test_a_proved_user_is_one_person_on_two_devices(client: TestClient) -> None:
    first = send(client, *(view(f"/a{n}") for n in range(4)))
    assert codes(send(client, identify(user_id="u-1", user_hash=hashed("u-1"), name="Ada"))) == []
    client.cookies.clear()
    second = send(client, view("/b"))
    old = history(client, visitor(second))["contact"]["id"]
    token = jwt.encode(
        {"user_id": "u-1", "email": "ada@example.com", "exp": NOW // 1000 + 9}, SECRET.ljust(64, "\0")
    )
    assert codes(send(client, identify(user_jwt=token), view("/b"))) == []
    one, other = history(client, visitor(first)), history(client, visitor(second))
    assert one["contact"] == other["contact"] == history(client, old)["contact"]
    assert one["contact"]["role"] == "user"
    assert [item["path"] for item in one["data"] if item.get("event_name") == "page_view"].count("/b") == 2
    assert {"merge", "became"} <= {item["type"] for item in one["data"]}
    [merge] = [item for item in one["data"] if item["type"] == "merge"]
    assert (merge["contact"], merge["by"]) == (old, "user_jwt")
    assert client.get(f"/api/contacts/{old}", headers=API).status_code == 404
    contact = client.get(f"/api/contacts/{one['contact']['id']}", headers=API).json()
    assert (contact["external_id"], contact["verified"], contact["email"]) == ("u-1", True, "ada@example.com")


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({"user_id": "u-1", "user_hash": ""}, "invalid_proof"),
        ({"user_id": "u-1", "user_hash": None}, "invalid_proof"),
        ({"user_id": "u-1", "user_hash": hashed("u-2")}, "invalid_proof"),
        ({"user_id": "u-1", "user_hash": hashed("u-1", SHOP_SECRET)}, "invalid_proof"),
        ({"user_hash": hashed("")}, "invalid_proof"),
        ({"user_jwt": "a.b.c"}, "invalid_proof"),
        ({"user_jwt": jwt.encode({"user_id": "u"}, None, algorithm="none")}, "invalid_proof"),
        (
            {"user_jwt": jwt.encode({"user_id": "u", "exp": NOW // 1000 - 1}, SECRET.ljust(64, "\0"))},
            "expired_proof",
        ),
        ({"user_id": "u" * 129}, "invalid_traits"),
    ],
)
def test_a_proof_that_does_not_hold_rejects_the_event_and_changes_nobody(
    client: TestClient, traits: dict[str, Any], code: str
) -> None:
    answer = send(client, view(), identify(email="ada@example.com", **traits))
    assert codes(answer) == [code]
    assert history(client, visitor(answer))["contact"]["role"] == "visitor"
    text = client.get("/metrics").text
    assert re.search(rf'^leadtrail_events_rejected_total{{reason="{code}"}} 1', text, re.MULTILINE)
    assert metric(client, "leadtrail_events_received_total") == 2


def test_each_site_proves_with_its_own_secret(client: TestClient) -> None:
    own = identify(user_id="u-1", user_hash=hashed("u-1", SHOP_SECRET))
    assert codes(send(client, own, site="shop")) == []
    assert codes(send(client, identify(user_id="u-1", user_hash=hashed("u-1")), site="shop")) == [
        "invalid_proof"
    ]
    for secret in (SECRET, ""):
        lost = identify(user_id="u-1", user_hash=hashed("u-1", secret))
        assert codes(send(client, lost, site="forgotten")) == ["invalid_proof"]


def test_nothing_of_a_user_is_readable_with_their_token(client: TestClient) -> None:
    send(
        client,
        view("/private-page"),
        identify(
            user_id="u-1", user_hash=hashed("u-1"), email="ada@example.com", name="Ada Lovelace", city="Porto"
        ),
    )
    seen = []
    for answer in (
        send(client, view()),
        send(client, identify(email="eve@example.com")),
        send(client, {"id": uuid7(), "name": "reset"}),
        client.get("/p.gif", params={"site": "main", "url": f"{ORIGIN}/x"}),
        client.get("/t.js"),
        client.get("/e"),
        client.get("/api/me"),
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/metrics"),
        client.get("/dashboard/people", follow_redirects=True),
    ):
        seen.append(answer.text + json.dumps(dict(answer.headers)))
    for secret in ("ada@example.com", "Lovelace", "Porto", "private-page", "u-1"):
        assert not any(secret in text for text in seen), secret


def test_after_a_reset_the_next_one_at_the_browser_is_nobody(client: TestClient) -> None:
    before = send(client, view(), identify(user_id="u-1", user_hash=hashed("u-1"), name="Ada"))
    after = send(client, {"id": uuid7(), "name": "reset"})
    assert visitor(after) != visitor(before)
    assert after.cookies["lt"] == after.json()["visitor"]
    next_one = send(client, view("/next"))
    assert visitor(next_one) == visitor(after)
    assert history(client, visitor(next_one))["contact"]["role"] == "visitor"
    again = send(client, identify(user_id="u-1", user_hash=hashed("u-1")))
    assert history(client, visitor(again))["contact"]["role"] == "user"
    assert len(history(client, visitor(before))["data"]) == len(history(client, visitor(again))["data"])
