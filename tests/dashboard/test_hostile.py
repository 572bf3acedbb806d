"""Everything a visitor sends is hostile: in a real browser no page of the dashboard runs any of it.

The strings go straight into the store, into every field that is shown, also where the collector would refuse
them.
"""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from msgspec import structs
from playwright.sync_api import Browser, Page

from server.clock import SECOND
from server.model import Delivery, Milestone, Moment, Total
from server.store.base import Changes
from tests.chromium import chromium_browser
from tests.dashboard.real_dashboard import Dashboard
from tests.story import NOON, Story

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title></textarea></style></script><script>alert(1)</script>",
    "javascript:alert(1)",
    "JaVaScRiPt://x.example/%0aalert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    'https://x.example/"onmouseover=alert(1) autofocus onfocus=alert(1) x="',
    "https://x.example/'onclick='alert(1)",
    "//evil.example/x.js",
    "{{ 7 * 7 }}${7*7}<%= 7*7 %>{% raw %}",
    "<!--<script>alert(1)--></script>",
    "<base href=//evil.example/><meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<form action=//evil.example><input name=csrf><button autofocus>x",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "\u202eRTL\u2066 \u2028\u2029 \ufeff\u200b",
    "a\x00b\x1b[31m\x07\r\nSet-Cookie: a=b",
    "=cmd|' /C calc'!A0",
    "A" * 2_000,
    "😀" * 300,
]


def hostile_person(number: int, text: str) -> Story:
    """A person who says this everywhere."""
    story = Story(number + 1)
    names = [
        "page_view",
        "form_error",
        "form_submit",
        "link_click",
        "file_download",
        "message_shown",
        "identify",
        text,
    ]
    for place, name in enumerate(names):
        metadata: dict[str, Any] = {
            text: text,
            **dict.fromkeys(("link", "stripe_charge", "href", "form", "message", "due_date"), text),
            "rich": {"url": text, "value": text},
            "money": {"amount": 1, "currency": text},
            "fields": [{"name": text, "reason": text}],
        }
        story.moments.append(
            Moment(
                number + 1,
                f"e{place}",
                "main",
                NOON + place,
                NOON,
                name,
                text,
                text,
                text,
                text,
                metadata,
                1,
                1,
            )
        )
    story.milestones.append(Milestone(number + 1, NOON + SECOND, "became", {"role": text}))
    story.totals = {(number + 1, kind, text): Total(3, NOON, NOON + SECOND) for kind in (1, 2, 3)}
    said = dict.fromkeys(
        ("email", "name", "user_id", "referrer", "landing", "language", "country", "browser", "os", "device"),
        text,
    )
    story.person = structs.replace(
        story.person, role=2, traits={text: text, "link": text}, utm={"source": text, text: text}, **said
    )
    return story


async def park(dashboard: Dashboard) -> None:
    """They are here now, and messages to them could not be delivered; mail servers said so too."""
    parked = [
        Delivery(
            1,
            f"msg_{number}",
            text,
            text,
            1,
            "email",
            NOON,
            NOON,
            state="parked",
            content={"to" if number % 2 else "url": text},
            error=text,
        )
        for number, text in enumerate(HOSTILE)
    ]
    now = dashboard.now
    time = f"{now:012x}"
    here = [
        Moment(
            number + 1,
            f"{time[:8]}-{time[8:]}-{number}",
            "main",
            now,
            now,
            "page_view",
            *[text] * 4,
            {},
            1,
            1,
        )
        for number, text in enumerate(HOSTILE)
    ]
    async with dashboard.store.transaction() as transaction:
        await transaction.save(Changes(deliveries=parked, events=here))
    for text in HOSTILE:
        await dashboard.store.outbox.switch_off("webhook", text, text, NOON)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Dashboard, str]]:
    """The dashboard behind a real server on a free port."""
    dashboard = Dashboard(f"sqlite:///{tmp_path / 'leadtrail.db'}", tmp_path, password=None)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(dashboard.app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    # The listener takes connections already; they are answered once the server has started.
    yield dashboard, f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium_browser() as launched:
        yield launched


class Watch:
    """What a page did that it must not do."""

    def __init__(self, page: Page, base: str) -> None:
        self.seen: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.seen.append(f"script error: {error}"))
        page.on("console", lambda message: self.seen.append(f"console: {message.text}"))
        page.on(
            "request", lambda r: None if r.url.startswith(base) else self.seen.append(f"request: {r.url}")
        )

    def _dialog(self, dialog: Any) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def test_nothing_that_visitors_say_runs_or_leads_elsewhere(
    served: tuple[Dashboard, str], browser: Browser
) -> None:
    dashboard, base = served
    page = browser.new_page()
    watch = Watch(page, base)
    page.goto(f"{base}/dashboard/sign-in")
    stories = [hostile_person(number, text) for number, text in enumerate(HOSTILE)]
    people = [story.person for story in stories]
    dashboard.tell(*stories)
    page.goto(base + dashboard.new_link())

    dashboard.run(lambda: park(dashboard))
    urls = [
        f"/dashboard/{room}" for room in ("live", "forms", "people", "outbox", "install", "people?who=leads")
    ]
    urls += [f"/dashboard/people/{person.person_id:016x}" for person in people]
    for url in urls:
        page.goto(base + url)
        assert page.locator("main").is_visible(), url
        assert page.locator("script, iframe, object, embed, base, style, img").count() == 0, url
        assert page.evaluate(ATTRIBUTES) == [], url
        for href in page.evaluate("[...document.querySelectorAll('[href]')].map(a => a.href)"):
            assert href.startswith(("http://", "https://")), (url, href)
        for link in page.locator("a[target]").all():
            assert link.get_attribute("rel") == "noopener noreferrer"
        forms = page.evaluate("[...document.querySelectorAll('form')].map(f => f.action)")
        assert all(action.startswith(f"{base}/dashboard/") for action in forms), (url, forms)
    for text in HOSTILE:
        page.goto(f"{base}/dashboard/people")
        page.fill("#email", text)
        page.press("#email", "Enter")
        page.wait_for_load_state()
        assert page.locator("script, iframe, img").count() == 0, text
    assert watch.seen == []


ATTRIBUTES = """[...document.querySelectorAll('*')].flatMap(element =>
    [...element.attributes].map(a => a.name).filter(name => name.startsWith('on') || name === 'style'))"""
"""The attributes that could run or restyle something, of every element."""


def test_what_they_said_is_shown_as_text(served: tuple[Dashboard, str], browser: Browser) -> None:
    dashboard, base = served
    page = browser.new_page()
    page.goto(f"{base}/dashboard/sign-in")
    dashboard.tell(hostile_person(0, HOSTILE[0]))
    page.goto(base + dashboard.new_link())
    page.goto(f"{base}/dashboard/people/0000000000000001")
    assert page.locator("h1").inner_text() == HOSTILE[0]
    assert page.locator(".entry-page .title").inner_text() == HOSTILE[0]


def test_the_pages_fit_a_phone(served: tuple[Dashboard, str], browser: Browser) -> None:
    dashboard, base = served
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.goto(f"{base}/dashboard/sign-in")
    dashboard.tell(*(hostile_person(number, text) for number, text in enumerate(HOSTILE)))
    dashboard.run(lambda: park(dashboard))
    page.goto(base + dashboard.new_link())
    for url in (
        "people",
        "messages",
        "outbox",
        "live",
        "forms",
        "install",
        "password",
        *(f"people/{number + 1:016x}" for number in range(len(HOSTILE))),
    ):
        page.goto(f"{base}/dashboard/{url}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, url
