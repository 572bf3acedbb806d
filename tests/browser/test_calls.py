"""What the page calls: `leadtrail(command, …)`, before and after the snippet has loaded."""

import json

from playwright.sync_api import Page, Route

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import STUB, Website


def batches(page: Page) -> list[dict[str, object]]:
    """The bodies that the page has sent and will send."""
    sent: list[dict[str, object]] = []
    page.on(
        "request",
        lambda request: (
            sent.append(json.loads(request.post_data or "{}")) if request.url.endswith("/e") else None
        ),
    )
    return sent


def test_calls_made_before_the_snippet_has_loaded_arrive_with_their_time_and_address(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    calls = "leadtrail('set', {team: 'a'}); leadtrail('track', 'early', {n: 1})"
    site.head = f"<script>{STUB}</script><script>{calls}</script>"
    held: list[Route] = []
    page.route("**/t.js", lambda route: held.append(route))
    page.goto(f"{site.base}/start", wait_until="commit")
    page.wait_for_function("window.leadtrail && leadtrail.q.length === 2")
    called = page.evaluate("leadtrail.q[1][0]")
    page.evaluate("history.replaceState({}, '', '/later')")
    eventually(lambda: held)
    page.wait_for_function(f"Date.now() > {called} + 1100")
    held[0].continue_()
    [early] = eventually(lambda: visitor.id and server.events(visitor.id, "early"))
    assert early["url"] == f"{site.base}/start"
    assert early["metadata"] == {"team": "a", "n": 1}
    assert abs(early["created_at"] - called / 1000) <= 1
    assert server.paths(visitor.id) == ["/start", "/later"]
    assert server.events(visitor.id, "page_view")[0]["metadata"] == {"team": "a"}


def test_bare_arguments_in_the_queue_are_taken_too(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.head = (
        "<script>window.leadtrail=function(){(leadtrail.q=leadtrail.q||[]).push(arguments)};"
        "leadtrail('track','bare',{n:2})</script>"
    )
    page.goto(f"{site.base}/bare")
    [event] = eventually(lambda: visitor.id and server.events(visitor.id, "bare"))
    assert event["metadata"] == {"n": 2}


def test_a_stub_that_the_page_kept_goes_on_working(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.head = f"<script>{STUB};window.kept = leadtrail</script>"
    page.goto(f"{site.base}/kept")
    eventually(lambda: visitor.id)
    page.evaluate("kept('track', 'through the stub')")
    eventually(lambda: server.events(visitor.id, "through the stub"))


def test_metadata_arrives_as_it_was_at_the_call_and_dates_as_seconds(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    eventually(lambda: visitor.id)
    page.evaluate(
        "const price = {amount: 4900, currency: 'eur'};"
        "const order = {plan: 'Pro', seats: 3, due_date: new Date(1790000000500), price};"
        "leadtrail('track', 'ordered', order, {id: 'order-17'}); order.plan = 'changed'"
    )
    [event] = eventually(lambda: server.events(visitor.id, "ordered"))
    assert event["id"] == "order-17"
    assert event["metadata"] == {
        "plan": "Pro",
        "seats": 3,
        "due_date": 1790000000,
        "price": {"amount": 4900, "currency": "eur"},
    }


def test_identify_makes_a_lead_and_reset_begins_a_new_visitor(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    first = eventually(lambda: visitor.id)
    page.evaluate("leadtrail('identify', {email: 'ana@example.com', name: 'Ana'})")
    eventually(lambda: any(item["type"] == "became" for item in server.history(first)))
    page.evaluate("leadtrail('reset')")
    eventually(lambda: visitor.id != first)
    page.evaluate("leadtrail('track', 'after')")
    eventually(lambda: server.events(visitor.id, "after"))
    assert server.events(first, "after") == []


def test_ready_tells_the_visitor_id_also_to_who_asks_late(
    site: Website, page: Page, visitor: Visitor
) -> None:
    site.head = f"<script>{STUB};leadtrail('on','ready',(who)=>{{window.early=who}})</script>"
    page.goto(f"{site.base}/")
    page.wait_for_function("window.early")
    page.evaluate("leadtrail('on', 'ready', (who) => { window.late = who })")
    assert page.evaluate("[early.visitor, late.visitor]") == [visitor.id, visitor.id]


def test_nothing_is_sent_or_stored_until_consent_is_given(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.attributes = 'data-site="main" data-consent="pending"'
    sent = batches(page)
    page.goto(f"{site.base}/asked")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('track', 'waiting'); new Promise((done) => setTimeout(done, 50))")
    assert sent == []
    assert page.evaluate("Object.keys(localStorage)") == []
    assert visitor.id == ""
    page.evaluate("leadtrail('consent', 'granted')")
    eventually(lambda: visitor.id and server.events(visitor.id, "waiting"))
    assert server.paths(visitor.id) == ["/asked"]


def test_a_refusal_empties_everything_and_sends_one_last_request(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    page.goto(f"{site.base}/")
    first = eventually(lambda: visitor.id)
    sent = batches(page)
    page.evaluate("leadtrail('consent', 'denied')")
    eventually(lambda: not visitor.id)
    page.evaluate("leadtrail('track', 'never'); history.pushState({}, '', '/never')")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert sent == [{"site": "main", "consent": "denied"}]
    assert page.evaluate("Object.keys(localStorage)") == []
    assert server.events(first, "never") == []


def test_a_browser_that_asks_not_to_be_tracked_is_not(site: Website, page: Page) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})")
    sent = batches(page)
    page.goto(f"{site.base}/")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('consent', 'granted'); leadtrail('track', 'never')")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert sent == []
    assert page.evaluate("Object.keys(localStorage)") == []


def test_no_call_throws_into_the_page(site: Website, page: Page, complaints: list[str]) -> None:
    page.goto(f"{site.base}/")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    answers = page.evaluate(
        """() => {
          const circle = {}; circle.circle = circle;
          const trap = {get x() { throw new Error('a trap') }};
          return [[], ['nonsense'], ['track'], ['track', 'x', circle], ['track', 'x', trap],
            ['track', 'x', {n: 1n}], ['page', {url: 'http://['}], ['identify'], ['on'], ['on', 'message'],
            ['set', trap], ['toString'],
            ['track', Symbol('x')], [null], [{}]].map((call) => leadtrail(...call) === undefined)
        }"""
    )
    assert all(answers)
    assert complaints == []


HOSTILE = """
  Array.prototype.toJSON = String.prototype.toJSON = Date.prototype.toJSON = () => 'spoilt';
  Object.prototype.added = 'by the page';
  Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(history);
  console.log = console.error = null;
  addEventListener('load', () => { window.fetch = () => { throw new Error('no') } });
"""


def test_a_page_that_spoils_what_it_can_reach_spoils_nothing(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    site.head = f"<script>{HOSTILE}</script>"
    site.body = "<form name=forms><input name=id><input name=name></form>"
    page.goto(f"{site.base}/hostile")
    eventually(lambda: visitor.id)
    page.evaluate("leadtrail('track', 'whole', {n: 1, list_date: new Date(1790000000000)})")
    [event] = eventually(lambda: server.events(visitor.id, "whole"))
    assert event["metadata"] == {"n": 1, "list_date": 1790000000}
    assert failures == []


def test_it_leaves_one_global_and_nothing_else(site: Website, page: Page, visitor: Visitor) -> None:
    site.head = "<script>window.before = new Set(Object.getOwnPropertyNames(window))</script>"
    page.goto(f"{site.base}/globals")
    eventually(lambda: visitor.id)
    left = page.evaluate(
        "Object.getOwnPropertyNames(window).filter((name) => !before.has(name) && name !== 'before')"
    )
    assert left == ["leadtrail"]
