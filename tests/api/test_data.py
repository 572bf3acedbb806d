"""Export, erasure and merges by the API. On every engine."""

from typing import Any

import pytest

from server.ids import public_id
from tests.story import NOON, Story

LEAD = public_id(1)
USER = public_id(2)


@pytest.fixture
def merged(api: Any) -> Any:
    """A lead who was merged into a user."""
    lead = Story(1).viewed("/pricing", 0).did("identify", 1_000, traits={"email": "ada@example.com"})
    api.tell(lead, Story(2).viewed("/", 5_000))
    made = api.client.put(f"/api/contacts/{USER}", json={"external_id": "u-1"})
    assert made.status_code == 200, made.text
    answer = api.client.post("/api/contacts/merge", json={"from": LEAD, "into": USER})
    assert answer.status_code == 200, answer.text
    return api


def test_the_export_holds_every_row_of_both(merged: Any) -> None:
    for name in (USER, LEAD, f"{1:032x}"):
        export = merged.client.get(f"/api/contacts/{name}/export").json()
        assert (export["type"], export["contact"]["id"]) == ("export", USER)
        assert export["rows"] == {table: len(rows) for table, rows in export["data"].items()}
        assert export["rows"]["people"] == 2
        assert sorted(row["path"] for row in export["data"]["events"]) == ["", "/", "/pricing"]
    table = merged.client.get(f"/api/contacts/{USER}/export?format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.count("\r\n") == 1 + sum(export["rows"].values())


def test_an_erased_person_is_not_found_by_any_id(merged: Any) -> None:
    assert merged.client.delete(f"/api/contacts/{LEAD}").status_code == 404
    erased = merged.client.delete(f"/api/contacts/{USER}")
    assert (erased.status_code, erased.json()) == (
        200,
        {"type": "contact", "id": USER, "external_id": "u-1", "deleted": True},
    )
    for path in (
        USER,
        LEAD,
        f"{USER}/export",
        f"{LEAD}/history",
        f"{1:032x}/history",
        "find_by_external_id/u-1",
    ):
        assert merged.client.get(f"/api/contacts/{path}").status_code == 404, path
    assert merged.client.delete(f"/api/contacts/{USER}").status_code == 404


def test_a_merge_is_listed_and_taken_back(merged: Any) -> None:
    [merge] = merged.client.get(f"/api/contacts/{USER}/merges").json()["data"]
    assert (merge["contact"], merge["by"], merge["event"], merge["undone"]) == (LEAD, "api", None, False)
    undone = merged.client.delete(f"/api/contacts/{USER}/merges/{LEAD}")
    assert (undone.status_code, undone.json()["undone"]) == (200, True)
    lead = merged.client.get(f"/api/contacts/{LEAD}").json()
    assert (lead["role"], lead["email"]) == ("lead", "ada@example.com")
    assert merged.client.get(f"/api/contacts/{USER}").json()["email"] is None
    history = merged.client.get(f"/api/contacts/{LEAD}/history").json()
    assert [item["type"] for item in history["data"]] == ["separated", "became", "event", "event"]
    assert history["data"][-1]["created_at"] == NOON // 1000
    assert merged.client.delete(f"/api/contacts/{USER}/merges/{LEAD}").status_code == 409
    assert merged.client.delete(f"/api/contacts/{USER}/merges/{USER}").status_code == 404


def test_whoever_may_only_read_erases_nobody(merged: Any) -> None:
    assert merged.client.get(f"/api/contacts/{USER}/export?format=xml").status_code == 400
    merged.client.headers["authorization"] = "Bearer nobody's token at all"
    assert merged.client.delete(f"/api/contacts/{USER}").status_code == 401
    assert merged.client.get(f"/api/contacts/{USER}/export").status_code == 401
