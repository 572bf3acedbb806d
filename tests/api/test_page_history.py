"""`GET /api/contacts/{id}/history`: the shape that other programs rely on (docs/http-api.md)."""

from typing import Any

import pytest
from msgspec import structs

from server.clock import HOUR, SECOND
from server.store.base import Changes
from tests.story import NOON, SHOP, Story

PATH = "/api/contacts/0000000000000001/history"
VISITOR = "c" * 32


def ada() -> Story:
    """Two sessions; a lead in the second."""
    story = Story(1, visitor=VISITOR).viewed("/pricing?x=1", 0, "Pricing", referrer="https://x.example/")
    story.left("/pricing?x=1", 42 * SECOND, 42).viewed("/pricing", 2 * HOUR, "Pricing")
    story.did("identify", 2 * HOUR + SECOND, "/signup", traits={"email": "ada@example.com"})
    return story.did("report.created", 2 * HOUR + 2 * SECOND, "/app", metadata={"plan": "Pro", "n": 1.5})


def test_a_page_view_is_told_whole(api: Any) -> None:
    api.tell(ada())
    history = api.client.get(PATH).json()
    assert history["type"] == "history"
    assert history["contact"] == {"type": "contact", "id": "0000000000000001", "role": "lead"}
    assert history["data"][-1] == {
        "type": "event",
        "id": "e1",
        "event_name": "page_view",
        "created_at": NOON // 1000,
        "url": f"{SHOP}/pricing?x=1",
        "path": "/pricing",
        "title": "Pricing",
        "referrer": "https://x.example/",
        "metadata": {},
        "role": "visitor",
        "session": 1,
        "seconds": 42,
    }
    assert history["pages"] == {"next": None}


def test_everything_comes_newest_first_with_the_role_of_its_moment(api: Any) -> None:
    api.tell(ada())
    data = api.client.get(PATH).json()["data"]
    assert [item.get("event_name", item["type"]) for item in data] == [
        "report.created", "became", "identify", "page_view", "page_leave", "page_view",
    ]  # fmt: skip
    assert [item["role"] for item in data] == ["lead", "lead", "visitor", "visitor", "visitor", "visitor"]
    assert [item["session"] for item in data if item["type"] == "event"] == [2, 2, 2, 1, 1]
    assert data[0]["metadata"] == {"plan": "Pro", "n": 1.5}
    assert data[1]["type"] == "became"
    assert data[1]["created_at"] == (NOON + 2 * HOUR) // 1000 + 1
    assert len({item["id"] for item in data}) == len(data)


def test_totals_carry_a_path_for_page_views_only(api: Any) -> None:
    api.tell(ada())
    assert api.client.get(PATH).json()["totals"] == [
        {"event_name": name, "count": 1, "first": first, "last": first}
        for name, first in (
            ("identify", "2026-09-23T14:00:01+00:00"),
            ("page_leave", "2026-09-23T12:00:42+00:00"),
            ("report.created", "2026-09-23T14:00:02+00:00"),
        )
    ] + [
        {
            "event_name": "page_view",
            "path": "/pricing",
            "count": 2,
            "first": "2026-09-23T12:00:00+00:00",
            "last": "2026-09-23T14:00:00+00:00",
        }
    ]


def test_following_next_tells_everything_once(api: Any) -> None:
    api.tell(ada())
    whole = [item["id"] for item in api.client.get(PATH).json()["data"]]
    for per_page in (1, 2, 5):
        found, url = [], f"{PATH}?per_page={per_page}"
        while url:
            history = api.client.get(url).json()
            assert 0 < len(history["data"]) <= per_page
            found += [item["id"] for item in history["data"]]
            url = history["pages"]["next"]
            assert url is None or url.startswith(f"http://testserver{PATH}?")
        assert found == whole


def test_a_visitors_id_and_a_merged_persons_old_id_lead_to_the_person(api: Any) -> None:
    old = Story(9, visitor="d" * 32).viewed("/", 0)
    api.tell(ada(), old)
    api.save(Changes(people=[structs.replace(old.person, merged_into=1)]))
    for name in (VISITOR, "0000000000000009", "d" * 32):
        assert api.client.get(f"/api/contacts/{name}/history").json()["contact"]["id"] == "0000000000000001"


def test_a_visitor_who_is_no_contact_yet_has_a_history_too(api: Any) -> None:
    api.tell(Story(1).viewed("/", 0))
    assert api.client.get(PATH).json()["contact"]["role"] == "visitor"


@pytest.mark.parametrize("name", ["0000000000000002", "e" * 32, "x", "%00", "1 OR 1=1"])
def test_nobody_has_no_history(api: Any, name: str) -> None:
    api.tell(ada())
    answer = api.client.get(f"/api/contacts/{name}/history")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": "not_found", "message": "User Not Found"}]


@pytest.mark.parametrize("per_page", ["1", "150"])
def test_a_page_has_up_to_150_items(api: Any, per_page: str) -> None:
    api.tell(ada())
    assert api.client.get(PATH, params={"per_page": per_page}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("per_page", wrong) for wrong in ("0", "151", "-1", "1.5", "１０", "", "x", "9" * 99)]
    + [("before", wrong) for wrong in ("x", "\x00\xff", "1; DROP TABLE events", "9" * 40, "1.Became")],
)
def test_a_wrong_parameter_is_refused_by_its_name(api: Any, name: str, value: str) -> None:
    api.tell(ada())
    answer = api.client.get(PATH, params={name: value})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["code"], error["field"]) == ("parameter_invalid", name)
