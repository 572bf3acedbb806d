"""Everything arrives, once: with the server down, in many tabs, without cookies or storage."""

from playwright.sync_api import Browser, Page, Route

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import STUB, Website


def test_what_happens_while_the_server_is_down_arrives_once_when_it_is_back(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{site.base}/before")
    eventually(lambda: visitor.id and server.paths(visitor.id))
    server.stop()
    try:
        page.evaluate("leadtrail('track', 'lost 1')")
        page.wait_for_function(
            "Object.keys(localStorage).some((name) => localStorage[name].includes('lost 1'))"
        )
        page.goto(f"{site.base}/during")
        page.wait_for_function("window.leadtrail && leadtrail.loaded")
        page.evaluate("for (let n = 2; n < 30; n++) leadtrail('track', 'lost ' + n)")
        page.goto(f"{site.base}/during-too")
        page.wait_for_function("window.leadtrail && leadtrail.loaded")
    finally:
        server.start()
    eventually(
        lambda: len(server.events(visitor.id, "lost 1")) == 1 and "/during-too" in server.paths(visitor.id)
    )
    names = eventually(lambda: _lost(server, visitor) if len(_lost(server, visitor)) >= 29 else [])
    assert sorted(names) == sorted(f"lost {n}" for n in range(1, 30))
    assert server.paths(visitor.id) == ["/before", "/during", "/during-too"]
    page.wait_for_function("Object.keys(localStorage).length === 1")
    assert failures == []


def _lost(server: Leadtrail, visitor: Visitor) -> list[str]:
    return [
        event["event_name"] for event in server.events(visitor.id) if event["event_name"].startswith("lost")
    ]


def test_two_tabs_opened_at_once_are_one_visitor(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/opener")
    page.context.clear_cookies()
    page.evaluate("localStorage.clear()")
    page.evaluate("open('/left'); open('/right')")
    eventually(lambda: visitor.id and {"/left", "/right"} <= set(server.paths(visitor.id)))


def test_a_visitor_of_a_tracker_on_a_foreign_host_is_known_by_the_token_in_the_site_s_storage(
    site: Website, server: Leadtrail, page: Page
) -> None:
    there = site.base.replace("127.0.0.1", "localhost")
    page.goto(f"{there}/one")
    page.wait_for_function("localStorage['leadtrail.main']")
    page.goto(f"{there}/two")
    token = page.evaluate("localStorage['leadtrail.main']")
    eventually(lambda: server.paths(token.split(".")[0]) == ["/one", "/two"])
    assert page.context.cookies() == []


def test_where_the_cookie_travels_the_token_is_not_in_storage(
    site: Website, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    eventually(lambda: visitor.id)
    page.wait_for_function("localStorage['leadtrail.main']")
    assert visitor.id not in page.evaluate("JSON.stringify(localStorage)")


def test_without_storage_and_locks_a_page_is_still_one_visitor(
    site: Website, server: Leadtrail, page: Page
) -> None:
    seen: list[str] = []
    page.add_init_script(
        "const get = () => { throw new DOMException('no', 'SecurityError') };"
        "Object.defineProperty(window, 'localStorage', {get});"
        "Object.defineProperty(navigator, 'locks', {value: undefined});"
        "Object.defineProperty(navigator, 'cookieEnabled', {value: false})"
    )
    site.head = f"<script>{STUB};leadtrail('on','ready',(who)=>{{window.who=who.visitor}})</script>"
    page.goto(f"{site.base}/one")
    page.wait_for_function("window.who")
    seen.append(page.evaluate("who"))
    page.evaluate("history.pushState({}, '', '/two'); leadtrail('track', 'there')")
    eventually(lambda: server.events(seen[0], "there"))
    assert server.paths(seen[0]) == ["/one", "/two"]


def test_a_page_that_spoils_json_does_not_spoil_events(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    page.add_init_script("Array.prototype.toJSON = Object.prototype.toJSON = function () { return 'spoilt' }")
    page.goto(f"{site.base}/")
    eventually(lambda: visitor.id)
    page.evaluate("leadtrail('track', 'whole', {n: 1})")
    [event] = eventually(lambda: server.events(visitor.id, "whole"))
    assert event["metadata"] == {"n": 1}
    assert complaints == []


def test_an_answer_that_says_later_is_tried_again_and_one_that_says_no_is_not(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    answers = [503, 429, 408, 500]
    tries: list[int] = []

    def refuse(route: Route) -> None:
        tries.append(1)
        if answers:
            route.fulfill(status=answers.pop(0), body="no")
        else:
            route.continue_()

    page.route("**/e", refuse)
    page.goto(f"{site.base}/tried")
    eventually(lambda: page.evaluate("1") and visitor.id and server.paths(visitor.id) == ["/tried"])
    assert len(tries) == 5
    answers.append(403)
    page.evaluate("leadtrail('track', 'refused')")
    eventually(lambda: page.evaluate("1") and not answers)
    page.evaluate("leadtrail('track', 'taken')")
    eventually(lambda: page.evaluate("1") and server.events(visitor.id, "taken"))
    assert server.events(visitor.id, "refused") == []
    assert len(tries) == 7


def test_a_batch_that_is_too_large_is_cut_in_two(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    eventually(lambda: visitor.id)

    def at_most_three(route: Route) -> None:
        if (route.request.post_data or "").count('"name"') > 3:
            route.fulfill(status=413, body="{}")
        else:
            route.continue_()

    page.route("**/e", at_most_three)
    page.evaluate("for (let n = 0; n < 10; n++) leadtrail('track', 'part', {n})")
    eventually(lambda: page.evaluate("1") and len(server.events(visitor.id, "part")) == 10)


def test_the_answer_of_a_machine_in_between_confirms_nothing(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    portal = ["<html>Sign in to the hotel's network</html>"]
    page.route(
        "**/e", lambda route: route.fulfill(status=200, body=portal.pop()) if portal else route.continue_()
    )
    page.goto(f"{site.base}/hotel")
    eventually(lambda: page.evaluate("1") and visitor.id and server.paths(visitor.id) == ["/hotel"])


def test_a_robot_says_that_it_is_one(site: Website, page: Page) -> None:
    with page.expect_request("**/e") as asked:
        page.goto(f"{site.base}/")
    assert asked.value.post_data_json["webdriver"] is True


def test_ids_are_version_7_and_all_different(site: Website, page: Page, chromium: Browser) -> None:
    site.attributes = 'data-site="main" data-auto="off"'
    page.goto(f"{site.base}/")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    with page.expect_request("**/e") as asked:
        page.evaluate("for (let n = 0; n < 50; n++) leadtrail('track', 'x')")
    ids = [event["id"] for event in asked.value.post_data_json["events"]]
    shape = "(id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)"
    assert len(set(ids)) == 50
    assert page.evaluate(f"(ids) => ids.every({shape})", ids)
