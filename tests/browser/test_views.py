"""What counts as a view of a page, and what is said of its end; asserted at the server."""

from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import Website


def opened(page: Page, url: str) -> None:
    """Open the page and wait until its first batch was answered."""
    with page.expect_response(lambda response: response.url.endswith("/e")) as answered:
        page.goto(url)
    answered.value.finished()


def test_a_router_s_pages_are_counted_once_each(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    opened(page, f"{site.base}/")
    page.evaluate("history.pushState({}, '', '/a')")
    page.evaluate("history.replaceState({}, '', '/a?filter=1#part')")
    page.evaluate("history.replaceState({}, '', '/b')")
    page.evaluate("history.pushState({}, '', '/b/')")
    page.evaluate("history.pushState({}, '', '/c')")
    page.go_back()
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: server.events(visitor.id, "end"))
    assert server.paths(visitor.id) == ["/", "/a", "/b", "/c", "/b"]


def test_two_addresses_in_one_task_are_two_views(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    opened(page, f"{site.base}/")
    page.evaluate("history.pushState({}, '', '/one'); history.pushState({}, '', '/two')")
    eventually(lambda: server.paths(visitor.id) == ["/", "/one", "/two"])


def test_without_the_navigation_api_it_is_the_same(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.add_init_script("delete window.navigation")
    opened(page, f"{site.base}/")
    for step, path in [
        ("history.pushState({}, '', '/a')", "/a"),
        ("history.replaceState({}, '', '/b')", "/b"),
        ("history.pushState({}, '', '/c')", "/c"),
        ("history.back()", "/b"),
    ]:
        page.evaluate(step)
        eventually(lambda path=path: server.paths(visitor.id)[-1] == path)
    assert server.paths(visitor.id) == ["/", "/a", "/b", "/c", "/b"]


def test_the_title_is_the_one_that_the_router_set_after_the_address(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    opened(page, f"{site.base}/")
    page.evaluate("history.pushState({}, '', '/plans'); document.title = 'Plans'")
    eventually(lambda: len(server.paths(visitor.id)) == 2)
    assert [event["title"] for event in server.events(visitor.id, "page_view")] == ["/", "Plans"]


def test_the_referrer_is_the_page_before(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    opened(page, f"{site.base}/from")
    page.evaluate("location.href = '/to'")
    eventually(lambda: len(server.paths(visitor.id)) == 2)
    page.evaluate("history.pushState({}, '', '/next')")
    eventually(lambda: len(server.paths(visitor.id)) == 3)
    referrers = [event["referrer"] for event in server.events(visitor.id, "page_view")]
    assert referrers == ["", f"{site.base}/from", f"{site.base}/to"]


def test_switched_off_routing_and_views_stay_off(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.attributes = 'data-site="main" data-spa="off"'
    opened(page, f"{site.base}/only")
    page.evaluate("history.pushState({}, '', '/not')")
    site.attributes = 'data-site="main" data-auto="off"'
    page.goto(f"{site.base}/neither")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('page', {url: '/by-hand', title: 'By hand', plan: 'Pro'})")
    eventually(lambda: len(server.paths(visitor.id)) == 2)
    view = server.events(visitor.id, "page_view")[1]
    assert server.paths(visitor.id) == ["/only", "/by-hand"]
    assert (view["title"], view["metadata"]) == ("By hand", {"plan": "Pro"})


def test_a_page_restored_by_the_back_button_is_a_new_view(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    opened(page, f"{site.base}/first")
    page.evaluate("window.kept = 1")
    opened(page, f"{site.base}/second")
    page.go_back()
    eventually(lambda: server.paths(visitor.id) == ["/first", "/second", "/first"])


def test_a_tab_that_nobody_has_seen_is_not_counted_until_it_is_seen(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.add_init_script(
        "let seen = true;"
        "Object.defineProperty(document, 'hidden', {get: () => seen});"
        "window.show = () => { seen = false; document.dispatchEvent(new Event('visibilitychange')) }"
    )
    page.goto(f"{site.base}/behind")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('track', 'ticked')")
    eventually(lambda: visitor.id and server.events(visitor.id, "ticked"))
    assert server.paths(visitor.id) == []
    page.evaluate("show()")
    eventually(lambda: server.paths(visitor.id) == ["/behind"])


def test_leaving_says_how_long_the_page_was_visible_and_how_far_it_was_read(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.body = "<div style='height: 4000px'>long</div>"
    page.add_init_script(
        "let ahead = 0; const now = Date.now;"
        "Date.now = () => now() + ahead; window.wait = (seconds) => { ahead += seconds * 1000 };"
        "let seen = false; Object.defineProperty(document, 'hidden', {get: () => seen});"
        "window.turn = (to) => { seen = to; document.dispatchEvent(new Event('visibilitychange')) }"
    )
    opened(page, f"{site.base}/long")
    page.evaluate("wait(42); scrollTo(0, 100000)")
    page.wait_for_function("scrollY > 3000")
    page.evaluate("new Promise(requestAnimationFrame)")
    page.evaluate("turn(true); wait(1000); turn(false); wait(7)")
    page.goto(f"{site.base}/other")
    eventually(
        lambda: "/other" in server.paths(visitor.id) and len(server.events(visitor.id, "page_leave")) == 2
    )
    first, second = server.events(visitor.id, "page_leave")
    assert first["path"] == second["path"] == "/long"
    assert first["metadata"] == {"seconds": 42, "scroll": 100}
    assert second["metadata"]["seconds"] == 7


def test_hash_routes_are_pages_where_the_tag_says_so(
    site: Website, server: Leadtrail, page: Page, context: BrowserContext
) -> None:
    site.attributes = 'data-site="main" data-spa="hash"'
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(request.post_data or "") if request.url.endswith("/e") else None,
    )
    opened(page, f"{site.base}/app#/list")
    page.evaluate("location.hash = '#/cart?token=abc'")
    page.wait_for_function("location.hash.startsWith('#/cart')")
    page.evaluate("leadtrail('flush')")
    eventually(lambda: page.evaluate("1") and any("#/cart" in body for body in sent))
    assert any("#/cart?token=redacted" in body for body in sent)
    assert not any("abc" in body for body in sent)


def test_secrets_in_addresses_never_leave_the_browser(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.attributes = 'data-site="main" data-redact="coupon, ref"'
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(request.post_data or "") if request.url.endswith("/e") else None,
    )
    opened(page, f"{site.base}/in?token=s3cret&Email=a%40b.example&coupon=s3cret&plan=pro#s3cret")
    assert "s3cret" not in "".join(sent)
    assert "b.example" not in "".join(sent)
    [view] = eventually(lambda: server.events(visitor.id, "page_view"))
    assert view["url"] == f"{site.base}/in?token=redacted&Email=redacted&coupon=redacted&plan=pro"
