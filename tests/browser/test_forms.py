"""Attempts to submit a form: one event for each, whatever made it fail, and never what somebody typed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import Website

SENTINEL = "s3ntin3l"

EMAIL = "<input name=email type=email required>"
NATIVE = f"<form id=signup>{EMAIL}<input name=age type=number min=18><button>Send</button></form>"

SCRIPT = """
<form id=signup novalidate>
  <div><input name=email><p class=hint>At work, please.</p><p id=why></p></div>
  <div><input name=phone></div>
  <button>Send</button>
</form>
<script>
  signup.addEventListener('submit', (event) => { event.preventDefault(); respond() });
</script>
"""


@pytest.fixture
def sent(page: Page) -> list[str]:
    """The bodies that the page has sent."""
    bodies: list[str] = []
    page.on(
        "request", lambda request: bodies.append(request.post_data or "") if request.url.endswith("/e") else 0
    )
    return bodies


class Forms:
    """What the server knows of the attempts of this visitor."""

    def __init__(self, page: Page, server: Leadtrail, visitor: Visitor) -> None:
        self._page, self._server, self._visitor = page, server, visitor

    def known(self) -> list[dict[str, Any]]:
        """The metadata of `form_error` and `form_submit`, in their order."""
        self._page.evaluate("1")
        events = self._server.events(self._visitor.id) if self._visitor.id else []
        return [e["metadata"] for e in events if e["event_name"] in ("form_error", "form_submit")]

    def settled(self, count: int) -> list[dict[str, Any]]:
        """The same once there are so many of them."""
        eventually(lambda: len(self.known()) >= count)
        return self.known()


@pytest.fixture
def forms(page: Page, server: Leadtrail, visitor: Visitor) -> Iterator[Forms]:
    return Forms(page, server, visitor)


def begin(site: Website, page: Page, body: str, attributes: str = "") -> None:
    site.attributes = f'data-site="main" {attributes}'
    site.body = body
    page.goto(f"{site.base}/form")
    page.wait_for_function("window.leadtrail && leadtrail.loaded")


def half_a_second(page: Page) -> None:
    """What comes sooner at the same form belongs to the same attempt."""
    page.evaluate("new Promise((done) => setTimeout(done, 500))")


def error(source: str, attempt: int, *fields: tuple[str, str], **more: Any) -> dict[str, Any]:
    named = [{"name": name, "reason": reason} for name, reason in fields]
    return {"form": "signup", "source": source, "attempt": attempt, "fields": named, **more}


def test_what_the_browser_refuses_is_one_error_with_all_fields_for_each_attempt(
    site: Website, page: Page, forms: Forms
) -> None:
    begin(site, page, NATIVE)
    page.locator("[name=age]").fill("7")
    page.get_by_role("button", name="Send").click()
    forms.settled(1)
    page.locator("[name=email]").fill("nobody")
    half_a_second(page)
    page.locator("[name=email]").press("Enter")
    assert forms.settled(2) == [
        error("native", 1, ("email", "valueMissing"), ("age", "rangeUnderflow")),
        error("native", 2, ("email", "typeMismatch"), ("age", "rangeUnderflow")),
    ]


def test_a_form_without_a_button_is_tried_with_the_enter_key(site: Website, page: Page, forms: Forms) -> None:
    begin(site, page, f"<form id=signup>{EMAIL}</form>")
    page.locator("[name=email]").press("Enter")
    assert forms.settled(1) == [error("native", 1, ("email", "valueMissing"))]


def test_validation_while_somebody_types_is_no_attempt(site: Website, page: Page, forms: Forms) -> None:
    begin(
        site,
        page,
        NATIVE + "<script>signup.oninput = signup.onfocusout = () => signup.checkValidity()</script>",
    )
    page.locator("[name=email]").press_sequentially("abc")
    page.locator("[name=age]").click()
    page.evaluate("for (let n = 0; n < 50; n++) signup.reportValidity()")
    page.locator("[name=email]").fill("ana@example.com")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/form?*")
    assert forms.settled(1) == [{"form": "signup", "ok": "unknown"}]


def test_two_clicks_in_a_row_are_one_attempt(site: Website, page: Page, forms: Forms) -> None:
    begin(site, page, NATIVE)
    page.get_by_role("button", name="Send").dblclick()
    page.evaluate("leadtrail('track', 'end')")
    assert forms.settled(1) == [error("native", 1, ("email", "valueMissing"))]


def test_errors_that_the_page_s_script_shows_are_told_from_hints(
    site: Website, page: Page, forms: Forms
) -> None:
    begin(
        site,
        page,
        SCRIPT + "<p class=error-free>Never an error!</p><script>respond = () => {"
        "why.textContent = 'Not at work.'; why.className = 'field-error';"
        "document.querySelector('[name=phone]').setAttribute('aria-invalid', true) }</script>",
    )
    page.get_by_role("button", name="Send").click()
    assert forms.settled(1) == [error("script", 1, ("email", "customError"), ("phone", "customError"))]


def test_the_same_errors_again_are_another_failure(site: Website, page: Page, forms: Forms) -> None:
    begin(
        site,
        page,
        SCRIPT + "<script>respond = () => signup.elements.email.setAttribute('aria-invalid', true)</script>",
    )
    page.get_by_role("button", name="Send").click()
    forms.settled(1)
    half_a_second(page)
    page.get_by_role("button", name="Send").click()
    assert forms.settled(2) == [error("script", n, ("email", "customError")) for n in (1, 2)]


def test_a_toast_that_says_thank_you_is_no_error(site: Website, page: Page, forms: Forms) -> None:
    begin(
        site,
        page,
        SCRIPT + "<div id=toast role=alert></div><script>respond = () => {"
        "toast.textContent = 'Thank you!'; signup.reset() }</script>",
    )
    page.get_by_role("button", name="Send").click()
    assert forms.settled(1) == [{"form": "signup", "ok": "unknown"}]


def test_who_fails_first_and_gets_through_later_has_done_both(
    site: Website, page: Page, forms: Forms
) -> None:
    begin(site, page, NATIVE)
    page.get_by_role("button", name="Send").click()
    forms.settled(1)
    page.locator("[name=email]").fill("ana@example.com")
    half_a_second(page)
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/form?*")
    assert forms.settled(2) == [
        error("native", 1, ("email", "valueMissing")),
        {"form": "signup", "ok": "unknown"},
    ]


@pytest.mark.parametrize(("status", "ok"), [(200, True), (422, False), (500, False)])
def test_the_status_of_the_request_is_watched_where_the_tag_says_so(
    site: Website, page: Page, forms: Forms, status: int, ok: bool
) -> None:
    page.route("**/api/signup", lambda route: route.fulfill(status=status, body="{}"))
    begin(
        site,
        page,
        SCRIPT + "<script>respond = () => fetch('/api/signup', {method: 'POST'})</script>",
        "data-observe=fetch",
    )
    page.get_by_role("button", name="Send").click()
    expected = {"form": "signup", "ok": True} if ok else error("network", 1, status=status)
    assert forms.settled(1) == [expected]


def test_a_request_that_does_not_arrive_is_a_failure_and_the_page_gets_its_own_promise(
    site: Website, page: Page, forms: Forms
) -> None:
    page.route("**/api/signup", lambda route: route.abort())
    begin(
        site,
        page,
        SCRIPT + "<script>respond = () => fetch('/api/signup', {method: 'POST'})"
        ".catch((error) => { window.caught = error.name })</script>",
        "data-observe=fetch",
    )
    page.get_by_role("button", name="Send").click()
    assert forms.settled(1) == [error("network", 1, status=None)]
    assert page.evaluate("caught") == "TypeError"


def test_a_page_that_comes_back_with_errors_is_one_failure_of_the_server(
    site: Website, page: Page, forms: Forms
) -> None:
    field = "<form id=signup><div><input name=email value=x>{}</div><button>Send</button></form>"
    begin(site, page, field.format(""))
    site.body = field.format("<ul class=errorlist><li>Taken.</li></ul>")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/form?*")
    submit, failure = forms.settled(2)
    page.reload()
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('track', 'end')")
    assert submit == {"form": "signup", "ok": "unknown"}
    assert failure == error("server", 1, ("email", "customError"))
    assert len(forms.known()) == 2


@pytest.mark.parametrize(
    "declaration",
    [
        "<p data-leadtrail-form-error='signup:email,phone'>Sorry</p>",
        "<meta name=leadtrail-form-error content='signup:email,phone'>",
    ],
)
def test_a_page_may_declare_a_failure(site: Website, page: Page, forms: Forms, declaration: str) -> None:
    begin(site, page, declaration)
    expected = error("server", 1, ("email", "customError"), ("phone", "customError"))
    assert forms.settled(1) == [expected]
    page.reload()
    page.wait_for_function("window.leadtrail && leadtrail.loaded")
    page.evaluate("leadtrail('track', 'end')")
    assert forms.known() == [expected]


def test_a_widget_tells_its_own_failures(site: Website, page: Page, forms: Forms) -> None:
    begin(site, page, SCRIPT + "<script>respond = () => {}</script>")
    page.get_by_role("button", name="Send").click()
    page.evaluate(
        "leadtrail('formError', signup, {fields: [{name: 'card', reason: 'declined', value: 'never'}]})"
    )
    assert forms.settled(1) == [error("api", 1, ("card", "declined"))]


def test_sensitive_fields_are_not_even_named(site: Website, page: Page, forms: Forms) -> None:
    begin(
        site,
        page,
        "<form id=signup><input name=secretword type=password required>"
        "<input name=number autocomplete=cc-number required><input name=ana@example.com required>"
        "<input name=plain data-leadtrail-field=nickname required><button>Send</button></form>",
    )
    page.get_by_role("button", name="Send").click()
    [failure] = forms.settled(1)
    assert [field["name"] for field in failure["fields"]] == ["[passw]", "[cc-]", "[redacted]", "nickname"]


def test_forms_in_shadow_roots_count_too(site: Website, page: Page, forms: Forms) -> None:
    begin(
        site,
        page,
        "<my-form></my-form><script>document.querySelector('my-form').attachShadow({mode: 'open'})"
        f".append(document.createRange().createContextualFragment('{NATIVE}'))</script>",
    )
    page.get_by_role("button", name="Send").click()
    assert forms.settled(1) == [error("native", 1, ("email", "valueMissing"))]


@pytest.mark.parametrize("where", ["<div data-leadtrail-ignore>{}</div>", "{}"])
def test_what_the_page_wants_ignored_is(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, forms: Forms, where: str
) -> None:
    begin(site, page, where.format(NATIVE), "" if "ignore" in where else "data-forms=off")
    page.get_by_role("button", name="Send").click()
    half_a_second(page)
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: visitor.id and server.events(visitor.id, "end"))
    assert forms.known() == []


FIELDS = (
    "<input name=a{n} {rule}><input name=b{n} type=email {rule}><input name=c{n} type=password {rule}>"
    "<textarea name=d{n}></textarea><input name=e{n} type=search><input name=f{n} autocomplete=cc-number>"
)


def test_nothing_that_somebody_typed_into_twenty_forms_is_sent_or_stored(
    site: Website, page: Page, forms: Forms, sent: list[str]
) -> None:
    rules = ["required", "pattern=zzz", "maxlength=200", "aria-invalid=true", "minlength=150"]
    kinds = ["", "novalidate", "method=post", "novalidate data-kind=script"]
    body = "".join(
        f"<form id=f{number} {kinds[number % 4]}>{FIELDS.format(n=number, rule=rules[number % 5])}"
        f"<p class=error hidden>{number}</p><button id=go{number}>Go</button></form>"
        for number in range(20)
    )
    script = (
        "<script>for (const form of document.forms) form.addEventListener('submit', (event) => {"
        "event.preventDefault(); form.querySelector('.error').hidden = false;"
        "form.querySelector('.error').textContent = 'Not ' + form.elements[0].value })</script>"
    )
    begin(site, page, body + script)
    for number in range(20):
        for field in page.locator(f"#f{number} input, #f{number} textarea").all():
            field.fill(SENTINEL + "@example.com")
        page.locator(f"#go{number}").click()
    page.goto(f"{site.base}/end")
    eventually(lambda: len({known["form"] for known in forms.known()}) == 20)
    assert SENTINEL not in "".join(sent)
    assert SENTINEL not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert all("value" not in json.dumps(known).replace("valueMissing", "") for known in forms.known())
