"""Contacts: one by id, and the search by e-mail, in Intercom's shapes."""

from typing import Any

import pytest
from msgspec import structs

from server.clock import SECOND
from server.store.base import Changes
from tests.story import NOON, Story


def lead(person_id: int = 1, email: str = "ada@example.com", **traits: object) -> Story:
    story = Story(person_id).viewed("/?utm_source=news&utm_medium=email", 0, referrer="https://x.example/")
    return story.did("identify", 60 * SECOND, traits={"email": email, **traits})


def by_email(value: object, **pagination: object) -> dict[str, object]:
    body: dict[str, object] = {"query": {"field": "email", "operator": "=", "value": value}}
    return {**body, "pagination": pagination} if pagination else body


def test_a_contact_has_intercoms_members(api: Any) -> None:
    api.tell(lead(name="Ada", plan="Pro", seats=3))
    contact = api.client.get("/api/contacts/0000000000000001").json()
    assert contact["type"] == "contact"
    assert contact["id"] == "0000000000000001"
    assert contact["role"] == "lead"
    assert (contact["email"], contact["name"], contact["external_id"]) == ("ada@example.com", "Ada", None)
    assert contact["custom_attributes"] == {"plan": "Pro", "seats": 3}
    assert contact["created_at"] == NOON // 1000
    assert contact["last_seen_at"] == NOON // 1000 + 60
    assert (contact["utm_source"], contact["utm_medium"], contact["utm_term"]) == ("news", "email", None)
    assert contact["referrer"] == "https://x.example/"
    assert (contact["browser"], contact["os"], contact["browser_language"]) == ("Firefox", "Linux", "pt")
    assert contact["tags"] == {
        "type": "list",
        "data": [],
        "url": "/contacts/0000000000000001/tags",
        "total_count": 0,
        "has_more": False,
    }
    assert contact["location"]["type"] == "location"


@pytest.mark.parametrize(
    "wrong", ["1", "00000000000000FF", "x" * 16, "9" * 23, "..%2f..%2fetc", "ffffffffffffffff"]
)
def test_nobody_stands_behind_a_wrong_id(api: Any, wrong: str) -> None:
    answer = api.client.get(f"/api/contacts/{wrong}")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "not_found"


def test_a_merged_persons_old_id_is_not_found(api: Any) -> None:
    old = Story(5).viewed("/", 0)
    api.tell(lead(), old)
    api.save(Changes(people=[structs.replace(old.person, merged_into=1)]))
    answer = api.client.get("/api/contacts/0000000000000005")
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (404, "User Not Found")


def test_the_search_finds_an_email_in_any_case(api: Any) -> None:
    api.tell(lead(), lead(2, "bob@example.com"), Story(3).viewed("/", 0))
    found = api.search(by_email(" Ada@Example.com ")).json()
    assert [contact["id"] for contact in found["data"]] == ["0000000000000001"]
    assert (found["type"], found["total_count"]) == ("list", 1)
    assert found["pages"] == {"type": "pages", "page": 1, "next": None, "per_page": 50, "total_pages": 1}


def test_nobody_found_is_an_empty_list(api: Any) -> None:
    found = api.search(by_email("nobody@example.com")).json()
    assert (found["data"], found["total_count"], found["pages"]["total_pages"]) == ([], 0, 0)


def test_the_search_goes_page_by_page(api: Any) -> None:
    api.tell(*(lead(number) for number in range(1, 6)))
    found, cursor, pages = [], None, []
    for _ in range(3):
        answer = api.search(by_email("ada@example.com", per_page=2, starting_after=cursor)).json()
        found += [int(contact["id"], 16) for contact in answer["data"]]
        pages.append(answer["pages"]["page"])
        assert (answer["total_count"], answer["pages"]["total_pages"]) == (5, 3)
        cursor = answer["pages"]["next"] and answer["pages"]["next"]["starting_after"]
    assert (found, pages, cursor) == ([5, 4, 3, 2, 1], [1, 2, 3], None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": {"field": "password", "operator": "=", "value": "Ada"}}, "field"),
        ({"query": {"field": "email", "operator": "<", "value": "ada"}}, "operator"),
        ({"query": {"operator": "AND", "value": []}}, "value"),
        (by_email({}), "value"),
        (by_email(" "), "value"),
        (by_email("a@b.example", per_page=0), "per_page"),
        (by_email("a@b.example", per_page=151), "per_page"),
        (by_email("a@b.example", starting_after="2-zz"), "starting_after"),
        (by_email("a@b.example", starting_after="' OR 1=1"), "starting_after"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_name(api: Any, body: object, field: str) -> None:
    answer = api.search(body)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["code"], error["field"]) == ("parameter_invalid", field)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"{}", b'{"query":7}', b'{"query":{}}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_body_that_is_no_search_is_refused(api: Any, body: bytes) -> None:
    answer = api.client.post("/api/contacts/search", content=body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "error.list"


def test_a_page_of_the_list_is_asked_by_its_cursor(api: Any) -> None:
    api.tell(lead(1), lead(2), Story(3).viewed("/", 0))
    first = api.client.get("/api/contacts?per_page=1&page=1").json()
    assert [contact["id"] for contact in first["data"]] == ["0000000000000002"]
    after = first["pages"]["next"]["starting_after"]
    second = api.client.get(f"/api/contacts?per_page=1&page=2&starting_after={after}").json()
    assert [contact["id"] for contact in second["data"]] == ["0000000000000001"]
    refused = api.client.get("/api/contacts?page=2")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "page")


def test_a_body_is_read_up_to_its_limit(api: Any) -> None:
    assert api.client.post("/api/contacts/search", content=b" " * (256 * 1024)).status_code == 400
    assert api.client.post("/api/contacts/search", content=b" " * (256 * 1024 + 1)).status_code == 413
