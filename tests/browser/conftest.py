"""A real Chromium, a real Leadtrail server, and a web site that embeds the snippet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.leadtrail import Leadtrail, leadtrail
from tests.browser.website import Website, website
from tests.chromium import chromium_browser

CONFIG = """
sites:
  - key: main
    webdriver: allow
    origins: [{origins}]
messages:
  - id: pricing-help
    when: {{page: /pricing}}
    if: [{{viewed: /pricing, times: more than 3}}]
    send: once
    deliver:
      page:
        style: note
        title: "Questions about pricing?"
        body: "Hi {{{{ name or 'there' }}}}, we are here."
        from: {{name: Ana}}
        button: {{label: Talk to us, url: /contact}}
  - id: news
    when: {{page: /news}}
    send: once
    deliver: {{page: {{style: banner, title: "News", body: "There is news."}}}}
  - id: offer
    when: {{page: /offer}}
    send: once
    deliver: {{page: {{style: modal, title: Offer, body: "For you.", button: {{label: Take, url: /taken}}}}}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console said of errors, and exceptions that nobody caught."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


@pytest.fixture(scope="module")
def hosting() -> Iterator[Website]:
    with website() as site:
        yield site


@pytest.fixture(scope="module")
def server(hosting: Website, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leadtrail]:
    origins = f"{hosting.base}, http://localhost:{hosting.port}"
    with leadtrail(tmp_path_factory.mktemp("server"), config=CONFIG.format(origins=origins)) as running:
        yield running


@pytest.fixture
def site(hosting: Website, server: Leadtrail) -> Iterator[Website]:
    """The web site, with the plain tag on every page."""
    hosting.tracker = server.base
    plain = dict(vars(hosting))
    plain["headers"] = {}
    yield hosting
    vars(hosting).update(plain)


@pytest.fixture
def visitor(context: BrowserContext) -> "Visitor":
    return Visitor(context)


class Visitor:
    """Who the server takes this browser for."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context

    @property
    def id(self) -> str:
        """The part of the cookie's token before the dot; empty before the first answer."""
        tokens = [cookie["value"] for cookie in self._context.cookies() if cookie["name"] == "lt"]
        return tokens[0].split(".")[0] if tokens else ""
