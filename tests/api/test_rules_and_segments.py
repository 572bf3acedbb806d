"""Rules by the API: counts, explanations, back-tests and segments."""

from typing import Any

import pytest
from msgspec import structs

from server.clock import DAY, HOUR, MINUTE
from server.identity import letters_ident
from server.ids import public_id
from server.model import Hold, Offer
from server.store.base import Changes
from tests.story import NOON, Story

RULES = """
segments:
  keen: {if: [{viewed: /pricing, times: at least 2}], unless: [{did: purchase}]}
messages:
  - id: pricing-help
    to: [visitors, leads]
    when: {page: /pricing}
    if:
      - {viewed: /pricing, times: more than 3}
      - any: [{last_seen: within 7 days}, {sessions: 1}]
    unless: [{did: purchase}]
    goal: {did: signed_up, within: 1 day}
    control: 10%
    deliver: {page: {title: Hello}}
  - id: quiet
    deliver: {page: {title: Quiet}}
"""


def viewer(person_id: int, views: int, *, start: int = 0) -> Story:
    story = Story(person_id)
    for number in range(views):
        story.viewed("/pricing", start + number * MINUTE)
    return story


@pytest.fixture
def rules(api: Any) -> Any:
    api.now = NOON + HOUR
    api.configure(RULES)
    return api


def offer(person_id: int, **fields: Any) -> Offer:
    return structs.replace(Offer(person_id, "pricing-help", 1, "e1", NOON, NOON, {"id": "x"}), **fields)


def test_every_message_is_listed_with_its_counts(rules: Any) -> None:
    rules.save(
        Changes(
            offers=[
                offer(1, shown=NOON, clicked=NOON, goal=NOON),
                offer(2, shown=NOON, dismissed=NOON),
                offer(2, nth=2, shown=NOON),
                offer(3),
                offer(4, control=True, message={}, goal=NOON),
                offer(5, control=True, message={}),
            ],
            holds=[Hold(3, "pricing-help", "cap", NOON), Hold(6, "pricing-help", "cap", NOON)],
        )
    )
    answer = rules.client.get("/api/rules").json()
    assert answer["type"] == "list"
    told = {rule["id"]: rule for rule in answer["data"]}
    assert told["pricing-help"]["counts"] == {
        "matched": 6,
        "held_back": 2,
        "shown": 2,
        "clicked": 1,
        "dismissed": 1,
        "goal": 1,
        "control": 2,
        "control_goal": 1,
    }
    assert told["pricing-help"]["held_back_by"] == {"cap": 2}
    assert told["pricing-help"]["lift"]["low"] < told["pricing-help"]["lift"]["difference"] < 0
    assert set(told["quiet"]["counts"].values()) == {0}
    assert told["quiet"]["lift"] is None


def test_an_explanation_gives_each_condition_its_value_and_verdict(rules: Any) -> None:
    rules.tell(viewer(1, 3))
    answer = rules.client.get(f"/api/rules/pricing-help/explain?contact={public_id(1)}").json()
    assert (answer["type"], answer["rule"], answer["matches"]) == ("explanation", "pricing-help", False)
    assert [(found["text"], found["value"], found["holds"]) for found in answer["conditions"]] == [
        ("to visitors, leads", "visitor", True),
        ("viewed /pricing more than 3 times", 3, False),
        ("any (last_seen within 7 days; sessions exactly 1 time)", 2, True),
        ("unless did purchase", 0, True),
        ("goal did signed_up not reached", 0, True),
    ]
    assert len(answer["conditions"][2]["conditions"]) == 2


def test_a_match_that_is_held_back_says_by_what(rules: Any) -> None:
    rules.tell(viewer(1, 4))
    rules.save(Changes(offers=[offer(1, shown=NOON)]))
    by_visitor = f"/api/rules/pricing-help/explain?contact={1:032x}"
    answer = rules.client.get(by_visitor).json()
    assert answer["matches"] is True
    assert [held["reason"] for held in answer["held_back"]] == ["send"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/rules/none/explain?contact=0000000000000001", 404),
        ("/api/rules/pricing-help/explain?contact=nobody", 404),
        ("/api/rules/pricing-help/explain", 400),
        ("/api/segments/none/contacts", 404),
        ("/api/segments/keen/contacts?sort=beauty", 400),
        ("/api/segments/keen/contacts?starting_after=2", 400),
    ],
)
def test_what_is_not_there_is_refused(rules: Any, path: str, status: int) -> None:
    answer = rules.client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (status, "error.list")


def test_whoever_unsubscribed_is_held_back_from_letters(rules: Any) -> None:
    letter = "{subject: Hi, body: Hello, to_unverified: true}"
    rules.configure(f"messages:\n  - {{id: mail, to: [leads], deliver: {{email: {letter}}}}}\n")
    ada = Story(8).did("identify", 0, traits={"email": "ada@example.com"})
    rules.tell(ada)

    def held() -> list[str]:
        path = f"/api/rules/mail/explain?contact={public_id(8)}"
        return [why["reason"] for why in rules.client.get(path).json()["held_back"]]

    assert held() == []
    ident = letters_ident("main", "ada@example.com")
    rules.client.portal.call(rules.store.outbox.unsubscribe, ident, NOON)
    assert held() == ["consent"]


def test_a_back_test_tells_who_when_and_the_goal(rules: Any) -> None:
    bought = viewer(3, 5).did("purchase", -HOUR)
    signed = viewer(1, 4).did("signed_up", 30 * MINUTE)
    # What came before is stored in order.
    bought.moments.sort(key=lambda moment: moment.at)
    rules.tell(signed, viewer(2, 6), bought, viewer(4, 3))
    answer = rules.client.post("/api/rules/backtest", json={"rule": "pricing-help", "days": 30}).json()
    assert (answer["type"], answer["matched"], answer["goals"]) == ("backtest", 2, 1)
    at = (NOON + 3 * MINUTE) // 1000
    assert sorted(answer["people"], key=lambda person: person["contact"]) == [
        {"contact": public_id(1), "at": at, "times": 1, "goal": True},
        {"contact": public_id(2), "at": at, "times": 1, "goal": False},
    ]


@pytest.mark.parametrize(
    ("body", "status"), [({"rule": "none"}, 404), ({"rule": "quiet", "days": 0}, 400), ({"days": 3}, 400)]
)
def test_a_back_test_of_nothing_is_refused(rules: Any, body: dict[str, Any], status: int) -> None:
    assert rules.client.post("/api/rules/backtest", json=body).status_code == status


def test_a_segment_lists_its_people_the_most_recent_first(rules: Any) -> None:
    rules.tell(viewer(1, 2), viewer(2, 3, start=DAY), viewer(3, 1), viewer(4, 9).did("purchase", DAY))
    answer = rules.client.get("/api/segments/keen/contacts?sort=-last_seen").json()
    assert [contact["id"] for contact in answer["data"]] == [public_id(2), public_id(1)]
    assert (answer["type"], answer["total_count"], answer["data"][0]["role"]) == ("list", 2, "visitor")


def test_a_segment_is_sorted_by_the_count_of_an_event_and_paged(rules: Any) -> None:
    def clicker(person_id: int, clicks: int) -> Story:
        story = viewer(person_id, 2)
        for number in range(clicks):
            story.did("click", HOUR + number)
        return story

    rules.tell(*(clicker(person_id, clicks) for person_id, clicks in enumerate([3, 0, 7, 1, 5], start=1)))
    path, seen = "/api/segments/keen/contacts?sort=-count:click&per_page=2", []
    first = rules.client.get(path).json()
    following = first
    while True:
        seen += [contact["id"] for contact in following["data"]]
        if following["pages"]["next"] is None:
            break
        after = following["pages"]["next"]["starting_after"]
        following = rules.client.get(f"{path}&starting_after={after}").json()
    assert seen == [public_id(person_id) for person_id in (3, 5, 1, 4, 2)]
    assert (first["total_count"], first["pages"]["total_pages"]) == (5, 3)


def test_a_segment_may_look_at_pages_and_windows(rules: Any) -> None:
    rules.configure("segments: {docs: {if: [{viewed: '/docs/*', times: 2}, {did: click, in: 1 hour}]}}\n")
    reader = Story(1).viewed("/docs/a", 0).viewed("/docs/b", MINUTE).did("click", 30 * MINUTE)
    rules.tell(reader, Story(2).viewed("/docs/a", 0).did("click", 0))
    answer = rules.client.get("/api/segments/docs/contacts").json()
    assert [contact["id"] for contact in answer["data"]] == [public_id(1)]
