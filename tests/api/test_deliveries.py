"""The outbox by the API: what is parked and why, sent again or discarded."""

from typing import Any

import pytest
from msgspec import structs

from server.clock import SECOND
from server.model import Delivery
from server.store.base import Changes
from tests.story import NOON


def delivery(number: int = 1, **fields: Any) -> Delivery:
    plain = Delivery(
        7,
        f"msg_{number:032x}",
        "main",
        "pricing-help",
        1,
        "webhook",
        NOON,
        NOON,
        tries=10,
        state="parked",
        content={"url": "https://crm.example.com/hook", "data": {"rule": "pricing-help"}},
        error="answered 500; given up after 10 tries",
    )
    return structs.replace(plain, **fields)


@pytest.fixture
def parked(api: Any) -> Any:
    waiting = delivery(4, state="waiting", tries=0, error="")
    api.save(Changes(deliveries=[delivery(1), delivery(2), delivery(3), waiting]))
    return api


def test_what_is_parked_is_listed_newest_first_and_by_the_page(parked: Any) -> None:
    first = parked.client.get("/api/deliveries?per_page=2").json()
    assert [item["id"] for item in first["data"]] == [delivery(3).id, delivery(2).id]
    assert first["total_count"] == 3
    assert first["data"][0] == {
        "type": "delivery",
        "id": delivery(3).id,
        "state": "parked",
        "channel": "webhook",
        "rule": "pricing-help",
        "nth": 1,
        "site": "main",
        "contact": "0000000000000007",
        "created_at": NOON // SECOND,
        "next_try_at": None,
        "tries": 10,
        "error": "answered 500; given up after 10 tries",
        "content": {"url": "https://crm.example.com/hook", "data": {"rule": "pricing-help"}},
    }
    second = parked.client.get(first["pages"]["next"]).json()
    assert [item["id"] for item in second["data"]] == [delivery(1).id]
    assert second["pages"] == {"next": None}


def test_what_waits_says_when_it_is_tried(parked: Any) -> None:
    [item] = parked.client.get("/api/deliveries?state=waiting").json()["data"]
    assert (item["id"], item["next_try_at"], item["error"]) == (delivery(4).id, NOON // SECOND, None)


def test_a_parked_one_is_sent_again_from_the_first_try_on(parked: Any) -> None:
    path = f"/api/deliveries/{delivery(1).id}/retry"
    answer = parked.client.post(path)
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["tries"]) == ("waiting", 0)
    assert parked.client.post(path).status_code == 404
    assert parked.client.get("/api/deliveries").json()["total_count"] == 2
    assert parked.client.get("/api/deliveries?state=waiting").json()["total_count"] == 2


def test_a_parked_one_is_discarded(parked: Any) -> None:
    path = f"/api/deliveries/{delivery(1).id}"
    assert parked.client.delete(path).json() == {"type": "delivery", "id": delivery(1).id, "deleted": True}
    assert parked.client.delete(path).status_code == 404


@pytest.mark.parametrize("query", ["state=delivered", "per_page=0", "per_page=151", "before=x", "before=%00"])
def test_what_is_asked_wrongly_is_refused(api: Any, query: str) -> None:
    assert api.client.get(f"/api/deliveries?{query}").status_code == 400


@pytest.mark.parametrize("delivery_id", ["msg_unheard_of", delivery(4).id, "%00"])
def test_only_what_is_parked_can_be_sent_again_or_discarded(parked: Any, delivery_id: str) -> None:
    assert parked.client.post(f"/api/deliveries/{delivery_id}/retry").status_code == 404
    assert parked.client.delete(f"/api/deliveries/{delivery_id}").status_code == 404
