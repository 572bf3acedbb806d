"""Who may use the API, and in which shape it refuses."""

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

TOKEN = "first token of this test"

ROUTES = [
    ("GET", "/api/contacts/0000000000000001"),
    ("GET", "/api/contacts/0000000000000001/history"),
    ("POST", "/api/contacts/search"),
    ("GET", "/api/nowhere"),
    ("GET", "/api/"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer " + "x" * 5_000,
    ],
)
def test_nobody_comes_in_without_a_token(api: Any, method: str, path: str, authorization: str | None) -> None:
    headers = {"Authorization": ""} if authorization is None else {"Authorization": authorization}
    answer = api.client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    body = answer.json()
    assert body["type"] == "error.list"
    assert body["request_id"]
    assert body["errors"] == [{"code": "unauthorized", "message": "Access Token Invalid"}]


def test_a_token_in_the_query_is_never_looked_at(api: Any) -> None:
    answer = api.client.get(
        f"/api/contacts/1?api_key={TOKEN}&access_token={TOKEN}", headers={"Authorization": ""}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_every_token_of_the_list_opens(api: Any, scheme: str) -> None:
    answer = api.client.get("/api/contacts/1", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.status_code == 404


def test_without_tokens_nobody_comes_in(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from server.api.door import Door
    from server.limits import Limits

    app = Starlette(middleware=[Middleware(Door, tokens=(), limits=Limits(None))])
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        assert TestClient(app).get("/", headers=headers).status_code == 401


def test_what_is_not_there_is_an_error_list_too(api: Any) -> None:
    answer = api.client.get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": "not_found", "message": "Resource Not Found"}]


def test_every_answer_forbids_caching_and_sniffing(api: Any) -> None:
    for method, path in ROUTES:
        answer = api.client.request(method, path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


def test_too_many_requests_of_a_token_are_told_when_to_come_back(limited_api: Any) -> None:
    assert [limited_api.client.get("/api/contacts/1").status_code for _ in range(3)] == [404, 404, 429]
    refused = limited_api.client.get("/api/contacts/1")
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["errors"][0]["code"] == "rate_limit_exceeded"


def test_a_database_that_fails_is_an_error_list_without_its_words(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.errors import StoreUnavailable

    async def away(person_id: int) -> None:
        raise StoreUnavailable("/secret/path is locked")

    monkeypatch.setattr(api.store.reads, "person", away)
    answer = api.client.get("/api/contacts/0000000000000001")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "secret" not in answer.text

    async def broken(person_id: int) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(api.store.reads, "person", broken)
    answer = api.client.get("/api/contacts/0000000000000001")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "server_error"
    assert "secret" not in answer.text


def test_answers_to_a_token_say_how_it_stands_with_its_limit(limited_api: Any) -> None:
    first, second, third = (limited_api.client.get("/api/me") for _ in range(3))
    assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-limit"] for answer in (first, third)] == ["2", "2"]
    assert [answer.headers["x-ratelimit-remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
    assert abs(int(first.headers["x-ratelimit-reset"]) - time.time()) < 60
    assert third.json()["errors"][0]["code"] == "rate_limit_exceeded"
    assert int(third.headers["retry-after"]) <= 101


def test_who_has_no_token_is_told_of_no_limit(limited_api: Any) -> None:
    answer = limited_api.client.get("/api/me", headers={"Authorization": "Bearer wrong"})
    assert "x-ratelimit-limit" not in answer.headers


def test_no_endpoint_is_without_a_scope(api: Any) -> None:
    described = api.client.get("/api/openapi.json", headers={"Authorization": ""}).json()
    for methods in described["paths"].values():
        for method, operation in methods.items():
            assert operation["x-scope"] in ("read", "write")
            assert operation["x-scope"] == "write" or method in ("get", "post")


@pytest.mark.parametrize("token", ["a token that reads"])
def test_a_token_that_reads_does_not_write(api: Any, token: str) -> None:
    api.client.headers["Authorization"] = f"Bearer {token}"
    assert api.client.get("/api/me").status_code == 200
    refused = api.client.post("/api/tags", json={"name": "vip"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "forbidden")
    assert api.client.get("/api/me", headers={"Authorization": f"Bearer read:{token}"}).status_code == 401


def test_a_path_names_every_method_that_it_takes(api: Any) -> None:
    answer = api.client.patch("/api/contacts/0000000000000001")
    assert answer.status_code == 405
    assert {method.strip() for method in answer.headers["allow"].split(",")} >= {"GET", "PUT", "DELETE"}
    assert answer.json()["errors"][0]["code"] == "method_not_allowed"
