"""A message in the page: it comes once, stands apart from the page, and what becomes of it is reported."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import STUB, Website

DIALOG = "leadtrail-message [role=dialog]"


def reports(server: Leadtrail, visitor: Visitor) -> list[tuple[str, str]]:
    """(what happened, to which message), oldest first."""
    return [
        (event["event_name"].removeprefix("message_"), event["metadata"]["message"])
        for event in server.events(visitor.id)
        if event["event_name"].startswith("message_")
    ]


def test_clicking_the_button_goes_there_and_says_so(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    page.goto(f"{site.base}/offer")
    page.locator(DIALOG).get_by_role("link", name="Take").click()
    page.wait_for_url("**/taken")
    eventually(lambda: reports(server, visitor) == [("shown", "offer"), ("clicked", "offer")])
    assert complaints == []


@pytest.mark.parametrize("by", ["button", "escape"])
def test_dismissing_says_so_and_it_does_not_come_again(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, by: str
) -> None:
    page.goto(f"{site.base}/news")
    dialog = page.locator(DIALOG)
    expect(dialog).to_be_visible()
    if by == "button":
        dialog.get_by_role("button", name="Close").click()
    else:
        page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    eventually(lambda: reports(server, visitor) == [("shown", "news"), ("dismissed", "news")])
    page.reload()
    eventually(lambda: server.paths(visitor.id) == ["/news", "/news"])
    expect(dialog).to_have_count(0)


def test_a_note_or_a_banner_leaves_the_focus_where_it_was(site: Website, page: Page) -> None:
    site.body = "<input autofocus>"
    page.goto(f"{site.base}/news")
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    expect(page.locator(DIALOG)).to_have_attribute("aria-label", "News")


def test_a_modal_takes_the_focus_and_gives_it_back(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.body = "<input autofocus>"
    page.goto(f"{site.base}/offer")
    expect(page.locator("leadtrail-message dialog:modal")).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "LEADTRAIL-MESSAGE"
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    eventually(lambda: reports(server, visitor) == [("shown", "offer"), ("dismissed", "offer")])


def test_the_page_s_own_styles_do_not_reach_it(site: Website, page: Page) -> None:
    page.goto(f"{site.base}/news")
    plain = page.locator(DIALOG).bounding_box()
    page.context.clear_cookies()
    site.head = (
        "<style>html ~ *, html > *, body * {display: none !important; opacity: 0 !important;"
        "font-size: 90px !important;"
        "position: static !important; visibility: hidden !important; transform: scale(9) !important}</style>"
    )
    page.goto(f"{site.base}/news")
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.locator(DIALOG).bounding_box() == plain


def test_it_works_under_a_strict_policy(site: Website, page: Page, complaints: list[str]) -> None:
    site.headers = {
        "content-security-policy": "default-src 'none';"
        f" script-src {site.tracker}; connect-src {site.tracker};"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    }
    page.goto(f"{site.base}/news")
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.locator(DIALOG).evaluate("(box) => getComputedStyle(box).borderRadius") == "16px"
    assert complaints == []


def test_nonces_are_policy_enough(site: Website, page: Page, complaints: list[str]) -> None:
    site.headers = {
        "content-security-policy": "default-src 'none'; script-src 'nonce-n1' 'strict-dynamic';"
        f" connect-src {site.tracker}; require-trusted-types-for 'script'"
    }
    site.attributes = 'data-site="main" nonce="n1"'
    page.goto(f"{site.base}/news")
    expect(page.locator(DIALOG)).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_note_stands_at_the_end_of_the_reader_s_line(site: Website, page: Page, direction: str) -> None:
    text = "News" if direction == "ltr" else "أخبار"
    message = {"id": "n", "style": "note", "title": text, "path": "/"}
    page.route("**/e", lambda route: route.fulfill(json={"visitor": "v.s", "messages": [message]}))
    page.goto(f"{site.base}/")
    expect(page.locator(DIALOG)).to_be_visible()
    box = page.locator(DIALOG).bounding_box()
    assert box
    assert (box["x"] < 100) == (direction == "rtl")


def test_it_moves_nothing_in_the_page_and_is_not_printed(site: Website, page: Page) -> None:
    site.body = "<p>Text</p>" * 60
    page.add_init_script(
        "window.shifts = 0;"
        "new PerformanceObserver((list) => list.getEntries().forEach((e) => { shifts += e.value }))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(f"{site.base}/news")
    expect(page.locator(DIALOG)).to_be_visible()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("shifts") == 0
    page.emulate_media(media="print")
    expect(page.locator(DIALOG)).not_to_be_visible()


def test_the_page_may_show_it_itself(site: Website, server: Leadtrail, page: Page, visitor: Visitor) -> None:
    site.head = f"<script>{STUB};leadtrail('on','message',(m)=>{{window.given=m;return false}})</script>"
    page.goto(f"{site.base}/news")
    page.wait_for_function("window.given")
    assert page.evaluate("[given.id, given.title, given.body]") == ["news", "News", "There is news."]
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: server.events(visitor.id, "end"))
    expect(page.locator(DIALOG)).to_have_count(0)
    assert reports(server, visitor) == []


def test_what_was_answered_for_a_page_that_was_left_is_not_shown(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    eventually(lambda: visitor.id)
    page.evaluate(
        "history.pushState({}, '', '/news'); history.pushState({}, '', '/elsewhere');"
        "leadtrail('track', 'end')"
    )
    eventually(lambda: server.events(visitor.id, "end"))
    page.evaluate("leadtrail('track', 'later')")
    eventually(lambda: server.events(visitor.id, "later"))
    expect(page.locator(DIALOG)).to_have_count(0)
    assert reports(server, visitor) == []


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "http://["])
def test_only_web_addresses_become_links(site: Website, page: Page, address: str) -> None:
    message = {
        "id": "hostile",
        "title": "<img src=x onerror=alert(1)>",
        "body": "<b>bold</b>",
        "button": {"label": "Go", "url": address},
    }
    page.route("**/e", lambda route: route.fulfill(json={"visitor": "v.s", "messages": [message]}))
    page.goto(f"{site.base}/")
    dialog = page.locator(DIALOG)
    expect(dialog).to_contain_text("<img src=x onerror=alert(1)>")
    expect(dialog).to_contain_text("<b>bold</b>")
    expect(dialog.locator("a, img, b")).to_have_count(0)
