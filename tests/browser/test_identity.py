"""One person in two browser profiles, and two people in one: through the real demo."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import IDENTITY_SECRET, Leadtrail, eventually, leadtrail
from tests.browser.test_demo import DIALOG, view


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leadtrail]:
    with leadtrail(tmp_path_factory.mktemp("demo"), "demo") as running:
        yield running


@pytest.fixture
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """Another browser profile: a second device, or somebody else's."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


def call(page: Page, *arguments: Any) -> None:
    """`leadtrail(…)`, and the answer to what it sent."""
    with page.expect_response(lambda response: response.url.endswith("/e") and response.ok) as answered:
        page.evaluate(f"leadtrail({json.dumps(arguments)[1:-1]})")
    answered.value.finished()


def signs_in(page: Page, user_id: str, **traits: str) -> None:
    """As the shop's own server would have its page say it."""
    proof = hmac.new(IDENTITY_SECRET.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    call(page, "identify", {"user_id": user_id, "user_hash": proof, **traits})


def test_four_views_sign_up_and_two_views_elsewhere_are_one_trail_and_one_message(
    demo: Leadtrail, page: Page, visitor: Visitor, profile: BrowserContext, complaints: list[str]
) -> None:
    pricing = f"{demo.base}/demo/pricing"
    for _ in range(4):
        view(page, pricing)
    expect(page.locator(DIALOG)).to_be_visible()
    eventually(lambda: demo.events(visitor.id, "message_shown"))
    signs_in(page, "ada", email="ada@example.com")

    phone, on_phone = profile.new_page(), Visitor(profile)
    view(phone, pricing)
    assert on_phone.id != visitor.id
    signs_in(phone, "ada")
    view(phone, pricing)

    eventually(lambda: len(demo.paths(visitor.id)) == 6)
    history = demo.history(visitor.id)
    assert history == demo.history(on_phone.id)
    told = [item for item in history if item["type"] != "event"]
    assert [(item["type"], item.get("role") or item.get("by")) for item in told] == [
        ("became", "user"),
        ("merge", "user_hash"),
    ]
    assert len(demo.events(visitor.id, "message_shown")) == 1
    expect(phone.locator(DIALOG)).to_have_count(0)
    assert complaints == []


def test_after_signing_out_the_next_one_at_the_browser_is_nobody(
    demo: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    view(page, f"{demo.base}/demo/features")
    signs_in(page, "bob", name="Bob")
    bob = visitor.id
    call(page, "reset")
    eventually(lambda: visitor.id != bob)
    view(page, f"{demo.base}/demo/welcome")
    expect(page.locator("leadtrail-message")).to_contain_text("Thank you!")
    expect(page.locator("leadtrail-message")).not_to_contain_text("Bob")
    eventually(lambda: demo.paths(visitor.id) == ["/demo/welcome"])
    assert {item.get("role") for item in demo.history(visitor.id)} == {"visitor"}
    assert "/demo/welcome" not in demo.paths(bob)
    assert complaints == []


def test_a_second_user_at_the_same_browser_takes_it_over(
    demo: Leadtrail, page: Page, visitor: Visitor
) -> None:
    view(page, f"{demo.base}/demo/features")
    signs_in(page, "carla")
    view(page, f"{demo.base}/demo/contact")
    eventually(lambda: demo.paths(visitor.id) == ["/demo/features", "/demo/contact"])
    signs_in(page, "dora")
    view(page, f"{demo.base}/demo/signup")
    eventually(lambda: demo.paths(visitor.id) == ["/demo/signup"])
