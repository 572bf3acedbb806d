"""The main story, through the demo shop: the fourth view of the pricing page brings the message, once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually, leadtrail

DIALOG = "leadtrail-message [role=dialog]"


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Leadtrail]:
    """On each engine."""
    with leadtrail(tmp_path_factory.mktemp("demo"), "demo", DATABASE_URL=database_url) as running:
        yield running


def view(page: Page, url: str) -> None:
    """Open the page and wait until its view was answered."""
    with page.expect_response(lambda response: response.url.endswith("/e") and response.ok) as answered:
        page.goto(url)
    answered.value.finished()


def test_the_fourth_view_of_pricing_shows_the_message_once_in_every_tab_and_after_a_restart(
    demo: Leadtrail, context: BrowserContext, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    pricing = f"{demo.base}/demo/pricing"
    for _ in range(3):
        view(page, pricing)
        expect(page.locator(DIALOG)).to_have_count(0)
    view(page, pricing)
    expect(page.locator(DIALOG)).to_be_visible()
    eventually(lambda: demo.events(visitor.id, "message_shown"))

    second = context.new_page()
    view(second, pricing)
    demo.stop()
    demo.start()
    view(page, pricing)
    eventually(lambda: len(demo.paths(visitor.id)) == 6)

    expect(second.locator(DIALOG)).to_have_count(0)
    expect(page.locator(DIALOG)).to_have_count(0)
    events = demo.events(visitor.id)
    assert demo.paths(visitor.id) == ["/demo/pricing"] * 6
    [shown] = [event for event in events if event["event_name"] == "message_shown"]
    views_before = [e for e in events[: events.index(shown)] if e["event_name"] == "page_view"]
    assert len(views_before) == 4
    assert complaints == []


def test_a_visitor_who_signs_up_is_a_lead_with_the_whole_history(
    demo: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    view(page, f"{demo.base}/demo/")
    page.get_by_role("link", name="Features").click()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Your name").fill("Rosa Vale")
    page.get_by_label("Your e-mail").fill("rosa@example.com")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/demo/welcome*")

    eventually(lambda: "/demo/welcome" in demo.paths(visitor.id))
    assert demo.paths(visitor.id) == ["/demo", "/demo/features", "/demo/signup", "/demo/welcome"]
    history = demo.history(visitor.id)
    roles = {item["path"]: item["role"] for item in history if item.get("event_name") == "page_view"}
    assert roles["/demo/features"] == "visitor"
    assert roles["/demo/welcome"] == "lead"
    assert [item["type"] for item in history].count("became") == 1
    assert complaints == []


def test_what_goes_into_the_cart_arrives_with_its_typed_metadata(
    demo: Leadtrail, page: Page, visitor: Visitor
) -> None:
    view(page, f"{demo.base}/demo/pricing")
    page.locator("button[data-plan=Garden]").click()
    [event] = eventually(lambda: demo.events(visitor.id, "added_to_cart"))
    assert event["metadata"]["price"] == {"amount": 12900, "currency": "eur"}
    assert event["metadata"]["product"]["value"] == "Tendril Garden"
    assert event["metadata"]["delivery_date"] > event["created_at"]
    expect(page.get_by_text("In your cart: Tendril Garden")).to_be_visible()


def test_the_panel_says_who_you_are_and_how_many_views_are_left(
    demo: Leadtrail, page: Page, visitor: Visitor
) -> None:
    view(page, f"{demo.base}/demo/pricing")
    expect(page.get_by_text("3 more until a message appears")).to_be_visible()
    page.get_by_text("What was just sent").click()
    expect(page.get_by_text(visitor.id)).to_be_visible()


def test_the_corner_shows_every_kind_of_failure_and_a_page_without_reloading(
    demo: Leadtrail, page: Page, visitor: Visitor
) -> None:
    view(page, f"{demo.base}/demo/corner")
    for button, expected in [("Subscribe", "native"), ("Check", "script"), ("Order", "network")]:
        page.get_by_role("button", name=button).click()
        eventually(lambda source=expected: page.evaluate("1") and source in failures(demo, visitor))
    page.get_by_role("button", name="Monday").click()
    page.get_by_role("link", name="Summer").click()
    page.get_by_role("button", name="Ring").click()
    with page.expect_download():
        page.get_by_role("link", name="Download", exact=True).click()
    page.get_by_role("button", name="Redeem").click()
    expect(page.get_by_text("This voucher has expired.")).to_be_visible()
    eventually(lambda: page.evaluate("1") and "server" in failures(demo, visitor))
    assert failures(demo, visitor) == {
        "native": ["email"],
        "script": ["postcode"],
        "network": [],
        "api": ["day"],
        "server": ["voucher_code"],
    }
    assert demo.paths(visitor.id)[:2] == ["/demo/corner", "/demo/corner/summer"]
    [rung] = demo.events(visitor.id, "rang_the_bell")
    assert rung["metadata"] == {"tone": "high"}
    assert len(demo.events(visitor.id, "file_download")) == 1


def failures(demo: Leadtrail, visitor: Visitor) -> dict[str, list[str]]:
    """The fields that failed, by source."""
    found = [event["metadata"] for event in demo.events(visitor.id, "form_error")]
    return {error["source"]: [field["name"] for field in error["fields"]] for error in found}


def test_the_switch_ends_it_all_and_begins_anew(demo: Leadtrail, page: Page, visitor: Visitor) -> None:
    view(page, f"{demo.base}/demo/")
    first = eventually(lambda: visitor.id)
    page.get_by_text("What was just sent").click()
    page.get_by_label("Leadtrail may follow me here").uncheck()
    eventually(lambda: page.evaluate("1") and not visitor.id)
    page.goto(f"{demo.base}/demo/features")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('leadtrail'))") == []
    page.get_by_label("Leadtrail may follow me here").check()
    eventually(lambda: page.evaluate("1") and visitor.id)
    assert visitor.id != first
    assert demo.paths(first) == ["/demo"]
