"""What a body or a query of the wrong shape is answered: the member's name, in words of JSON."""

from typing import Any

import pytest

NOW = 1_790_000_000


@pytest.mark.parametrize(
    ("body", "code", "field", "message"),
    [
        (
            {"event_name": "x", "created_at": "soon"},
            "parameter_invalid",
            "created_at",
            "`created_at`: expected a whole number, got text.",
        ),
        ({"event_name": "x"}, "parameter_not_found", "created_at", "`created_at` is missing."),
        (
            {"event_name": 7, "created_at": NOW},
            "parameter_invalid",
            "event_name",
            "`event_name`: expected text, got a whole number.",
        ),
        (
            {"event_name": "x", "created_at": NOW, "metadata": []},
            "parameter_invalid",
            "metadata",
            "`metadata`: expected an object or null, got a list.",
        ),
        ([], "parameter_invalid", None, "expected an object, got a list."),
    ],
)
def test_a_wrong_body_is_told_by_its_member(
    api: Any, body: object, code: str, field: str | None, message: str
) -> None:
    answer = api.client.post("/api/events", json=body)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["code"], error.get("field"), error["message"]) == (code, field, message)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("type=user&per_page=many", "per_page"),
        ("type=user&per_page=0&user_id=x", "user_id"),
        ("type=company&user_id=x", "type"),
        ("user_id=x", "type"),
        ("type=user", "user_id"),
        ("type=user&user_id=a&user_id=b", "user_id"),
        ("type=user&email=null&summary=perhaps", "summary"),
    ],
)
def test_a_wrong_query_is_told_by_its_parameter(api: Any, query: str, field: str) -> None:
    answer = api.client.get(f"/api/events?{query}")
    assert answer.status_code in (400, 404)
    assert answer.json()["errors"][0]["field"] == field


def test_who_did_nothing_yet_can_be_polled(api: Any) -> None:
    made = api.client.post("/api/contacts", json={"external_id": "4711"}).json()
    page = api.client.get(f"/api/events?type=user&intercom_user_id={made['id']}").json()
    assert (page["events"], page["pages"]["next"]) == ([], None)
    api.client.post("/api/events", json={"user_id": "4711", "event_name": "x", "created_at": NOW})
    [event] = api.client.get(page["pages"]["since"]).json()["events"]
    assert event["event_name"] == "x"
