"""The pages about messages, why a person gets one, and the alarm while leadtrail.yaml is broken."""

import re

import pytest
from msgspec import structs

from server.clock import DAY, HOUR, MINUTE
from server.dashboard.verdicts import lift_verdict
from server.insight.measured import Measured, lift, wilson
from server.model import Hold, Offer
from server.store.base import Changes
from tests.dashboard.real_dashboard import SITES, Dashboard
from tests.dashboard.test_pages import ADA, ada, text_of
from tests.story import NOON, Story

RULES = """
messages:
  - id: pricing-help
    when: {page: /pricing}
    if: [{viewed: /pricing, times: at least 2}, {any: [{did: order}, {did: "<b>"}]}]
    unless: [{did: purchase}]
    goal: {did: order, within: 2 days}
    control: 20%
    deliver: {page: {title: Hello}}
  - id: welcome
    when: {page: /welcome}
    deliver: {page: {title: Welcome}}
  - id: hook
    to: [users]
    deliver: {webhook: {url: "https://crm.example.com/hook"}}
"""


@pytest.fixture
def with_rules(signed_in: Dashboard) -> Dashboard:
    signed_in.configure(SITES + RULES)
    return signed_in


def offers(*given: Offer) -> Changes:
    return Changes(offers=given, holds=[Hold(9, "pricing-help", "cap", NOON)])


def given(person_id: int, **fields: object) -> Offer:
    return structs.replace(
        Offer(person_id, "pricing-help", 1, "e1", NOON, NOON, {"id": "x", "title": "Hello"}), **fields
    )


def test_without_messages_the_page_says_how_to_begin(signed_in: Dashboard) -> None:
    assert "There is no message yet" in text_of(signed_in.client.get("/dashboard/messages").text)


def test_every_message_has_its_numbers_and_its_lift(with_rules: Dashboard) -> None:
    shown = [given(number, shown=NOON, goal=NOON if number < 10 else None) for number in range(1, 31)]
    control = [given(number, control=True, message={}) for number in range(31, 61)]
    with_rules.save(offers(*shown, given(70, shown=NOON, clicked=NOON), *control))
    text = text_of(with_rules.client.get("/dashboard/messages").text)
    assert "pricing-help page · to visitors, leads, users · once" in text
    assert "Matched 61 Held back 1 Shown 31 Clicked 1 Dismissed 0 Reached the goal 9" in text
    assert "Held back by a cap: 1." in text
    assert "The control, who never see it, are 30." in text
    assert re.search(r"Lift against the control: \+29.0 points, between \+1\d.\d and \+4\d.\d", text)
    assert "The message helps." in text
    assert "hook webhook · to users · once Matched 0 Held back 0 Given 0" in text


def test_a_message_is_tried_on_what_is_stored(with_rules: Dashboard) -> None:
    story = Story(1).did("order", -3 * DAY).viewed("/pricing", 0).viewed("/pricing", MINUTE)
    other = Story(2).viewed("/pricing", 0).viewed("/pricing", MINUTE)
    with_rules.configure(SITES + RULES.replace("    goal: {did: order, within: 2 days}\n", ""))
    with_rules.tell(story, other)
    plain = with_rules.client.get("/dashboard/messages/pricing-help").text
    assert "would have reached" not in plain
    assert "viewed /pricing at least 2 times" in text_of(plain)
    text = text_of(with_rules.client.get("/dashboard/messages/pricing-help?days=30").text)
    assert "In 30 days it would have reached 1 person , 1 time." in text
    assert "Visitor 000001 Visitor 59 minutes ago 1 –" in text


@pytest.mark.parametrize("query", ["days=31", "days=x", "days=-7"])
def test_only_the_days_that_are_offered_are_tried(with_rules: Dashboard, query: str) -> None:
    answer = with_rules.client.get(f"/dashboard/messages/pricing-help?{query}")
    assert (answer.status_code, "would have reached" in answer.text) == (200, False)


def test_a_message_that_is_not_there_is_not_found(with_rules: Dashboard) -> None:
    assert with_rules.client.get("/dashboard/messages/none").status_code == 404


def test_a_person_shows_why_each_message_comes_or_does_not(with_rules: Dashboard) -> None:
    with_rules.tell(ada())
    page = with_rules.client.get(ADA).text
    text = text_of(page)
    assert "pricing-help Does not match" in text
    assert "yes viewed /pricing: 2 , wants at least 2" in text
    assert "no goal did order: 1 , wants never" in text
    assert "hook Does not match no role: lead , wants users" in text
    assert "welcome Waits for /welcome" in text
    assert "did &lt;b&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"shown": NOON}, "Seen 1 hour ago"),
        ({"shown": NOON, "clicked": NOON + HOUR}, "Clicked just now"),
        ({"shown": NOON, "dismissed": NOON}, "Dismissed 1 hour ago"),
        ({}, "Given 1 hour ago"),
        ({"control": True, "message": {}}, "In the control"),
    ],
)
def test_a_person_shows_what_became_of_a_message(
    with_rules: Dashboard, fields: dict[str, object], verdict: str
) -> None:
    with_rules.tell(ada())
    with_rules.save(Changes(offers=[given(1, **fields)]))
    assert f"pricing-help {verdict}" in text_of(with_rules.client.get(ADA).text)


def test_while_the_file_is_broken_every_page_says_so(with_rules: Dashboard) -> None:
    assert "mistake" not in with_rules.client.get("/dashboard/people").text
    with_rules.configure("sites: [{key: main}]\nmessages: [{id: <script>}]\n")
    for path in ("/dashboard/people", "/dashboard/messages", "/dashboard/install"):
        page = with_rules.client.get(path).text
        assert "leadtrail.yaml has" in page
        assert "The rules from before run on." in page
        assert "<script>" not in page
    assert "pricing-help" in with_rules.client.get("/dashboard/messages").text


def test_the_interval_of_a_share_holds_it_and_narrows_with_more_people() -> None:
    for hits, tries in ((0, 10), (1, 10), (10, 10), (50, 500)):
        low, high = wilson(hits, tries)
        assert 0 <= low <= hits / tries <= high <= 1
    assert wilson(0, 10)[1] > wilson(0, 1_000)[1]
    # Wilson's interval of 81 in 263, as in the literature.
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_the_interval_of_a_lift_is_that_of_the_literature() -> None:
    """Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10."""
    found = lift(56, 70, 48, 80)
    assert found is not None
    assert [round(value, 4) for value in found] == [0.2, 0.0524, 0.3339]
    assert lift(0, 0, 1, 2) is None


def test_a_lift_is_called_sure_only_where_it_is() -> None:
    def verdict(goal: int, people: int, control_goal: int, control: int) -> str:
        numbers = lift(goal, people, control_goal, control)
        return lift_verdict(Measured(people, people, 0, 0, 0, 0, goal, control, control_goal, {}, numbers))

    assert verdict(19, 19, 0, 19) == "Too few people yet to tell."
    assert verdict(30, 100, 28, 100) == "This may well be chance."
    assert verdict(60, 100, 20, 100) == "The message helps."
    assert verdict(20, 100, 60, 100) == "The message does harm."
    assert verdict(1, 5, 0, 0) == ""
