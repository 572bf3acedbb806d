"""The tracker under a path, on a sibling and on a foreign host: visitors are known, and nothing is lost."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.proxy import Proxy, proxy
from tests.browser.website import STUB, Website, website
from tests.chromium import SWITCHES, program

CONFIG = """
sites:
  - {{key: main, webdriver: allow, origins: [{origins}]}}
messages:
  - {{id: news, when: {{page: /news}}, send: once, deliver: {{page: {{title: News, body: There is news.}}}}}}
"""

SITE = "www.shop.test"
TRACKERS = {"path": "www.shop.test", "sibling": "t.shop.test", "foreign": "t.elsewhere.test"}


class World(NamedTuple):
    """A site and its tracker behind a proxy for each scheme."""

    site: Website
    server: Leadtrail
    proxies: dict[str, Proxy]

    def at(self, scheme: str, where: str) -> str:
        """Put the tag for this tracker on every page; the site's base URL."""
        port = self.proxies[scheme].port
        self.site.tracker = f"{scheme}://{TRACKERS[where]}:{port}" + ("/lt" if where == "path" else "")
        return f"{scheme}://{SITE}:{port}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("hosts")
    certificate = folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=shop.test"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-keyout", certificate, "-out", folder / "public.pem"),
        ],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + (folder / "public.pem").read_text())
    with ExitStack() as stack:
        site = stack.enter_context(website())
        site.head = f"<script>{STUB};leadtrail('on','ready',(who)=>{{window.who=who.visitor}})</script>"
        server = Leadtrail(folder, config="")
        proxies = {
            "http": stack.enter_context(proxy(site, server.base)),
            "https": stack.enter_context(proxy(site, server.base, certificate)),
        }
        origins = ", ".join(f"{scheme}://{SITE}:{running.port}" for scheme, running in proxies.items())
        (folder / "leadtrail.yaml").write_text(CONFIG.format(origins=origins))
        server.variables["LEADTRAIL_TRUSTED_PROXIES"] = "127.0.0.1"
        server.start()
        stack.callback(server.stop)
        yield World(site, server, proxies)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium for which every host under .test is this machine."""
    with sync_playwright() as playwright:
        switches = [*SWITCHES, "--host-resolver-rules=MAP *.test 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=program(), args=switches)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


EVERYWHERE = [(scheme, where) for scheme in ("http", "https") for where in TRACKERS]


def known(page: Page) -> str:
    """The visitor's id, once the server has said it."""
    page.wait_for_function("window.who")
    return str(page.evaluate("who"))


@pytest.mark.parametrize(("scheme", "where"), EVERYWHERE)
def test_a_visitor_is_recognised_from_page_to_page(
    world: World, page: Page, context: BrowserContext, scheme: str, where: str
) -> None:
    base = world.at(scheme, where)
    page.goto(f"{base}/one")
    visitor = known(page)
    page.goto(f"{base}/two")
    assert known(page) == visitor
    eventually(lambda: world.server.paths(visitor) == ["/one", "/two"])
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    if where == "foreign":
        assert cookies == {}
        assert page.evaluate("localStorage['leadtrail.main']").startswith(f"{visitor}.")
    else:
        cookie = cookies["__Host-lt" if scheme == "https" else "lt"]
        assert cookie["httpOnly"]
        assert cookie["secure"] == (scheme == "https")
        assert page.evaluate("localStorage['leadtrail.main']") == "1"


@pytest.mark.parametrize(("scheme", "where"), EVERYWHERE)
def test_tabs_that_open_at_once_are_one_visitor(world: World, page: Page, scheme: str, where: str) -> None:
    """By http there are no locks, so storage alone tells the tabs of each other."""
    base = world.at(scheme, where)
    page.route("**/opener", lambda route: route.fulfill(body="<p>No tag here.</p>", content_type="text/html"))
    page.goto(f"{base}/opener")
    page.evaluate("open('/left'); open('/right')")
    eventually(lambda: page.evaluate("1") and len(page.context.pages) == 3)
    left, right = page.context.pages[1:]
    assert known(left) == known(right)
    eventually(lambda: sorted(world.server.paths(known(left))) == ["/left", "/right"])


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("switch", ["500", "429", "close", "hang"])
def test_what_a_failing_tracker_did_not_take_arrives_once(
    world: World, page: Page, scheme: str, switch: str
) -> None:
    base = world.at(scheme, "sibling")
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{base}/before")
    visitor = known(page)
    between = world.proxies[scheme]
    tried = len(between.bodies)
    between.turn(switch)
    page.evaluate("leadtrail('track', 'first')")
    eventually(lambda: page.evaluate("1") and len(between.bodies) > tried)
    page.evaluate("for (let n = 0; n < 20; n++) leadtrail('track', 'more', {n})")
    between.turn("on")
    page.evaluate("leadtrail('flush')")
    eventually(lambda: page.evaluate("1") and len(world.server.events(visitor, "more")) == 20)
    assert len(world.server.events(visitor, "first")) == 1
    assert [event["metadata"]["n"] for event in world.server.events(visitor, "more")] == list(range(20))
    assert failures == []


def test_what_is_left_unsent_when_a_tab_closes_is_sent_by_the_next_page(
    world: World, context: BrowserContext
) -> None:
    base = world.at("https", "foreign")
    page = context.new_page()
    page.goto(f"{base}/first")
    visitor = known(page)
    world.proxies["https"].turn("close")
    page.evaluate("leadtrail('track', 'left behind')")
    page.close(run_before_unload=True)
    world.proxies["https"].turn("on")
    later = context.new_page()
    later.goto(f"{base}/second")
    eventually(lambda: later.evaluate("1") and world.server.events(visitor, "left behind"))
    assert len(world.server.events(visitor, "left behind")) == 1


def test_leaving_is_told_by_a_request_that_outlives_the_page(world: World, context: BrowserContext) -> None:
    # By http: the browser forgets with the page that it shall take a certificate of our own making.
    base = world.at("http", "sibling")
    page = context.new_page()
    page.goto(f"{base}/only")
    visitor = known(page)
    page.evaluate("leadtrail('track', 'at the last moment')")
    page.close(run_before_unload=True)
    eventually(lambda: world.server.events(visitor, "page_leave"))
    assert len(world.server.events(visitor, "at the last moment")) == 1


def test_a_tracker_that_is_away_leaves_the_page_as_it_is(world: World, page: Page) -> None:
    base = world.at("https", "sibling")
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    world.proxies["https"].turn("off")
    page.goto(f"{base}/alone")
    assert page.get_by_role("heading").inner_text() == "A page"
    page.evaluate("leadtrail('track', 'nobody hears')")
    world.proxies["https"].turn("on")
    assert failures == []


def test_every_batch_says_when_it_was_sent_so_that_a_wrong_clock_does_no_harm(
    world: World, page: Page
) -> None:
    base = world.at("http", "path")
    page.add_init_script("const now = Date.now; Date.now = () => now() - 3 * 365 * 864e5")
    page.goto(f"{base}/wrong")
    visitor = known(page)
    [view] = eventually(lambda: world.server.events(visitor, "page_view"))
    right = page.evaluate("performance.timeOrigin / 1000")
    assert abs(view["created_at"] - right) < 10
    assert json.loads(world.proxies["http"].bodies[-1])["sent_at"] < right * 1000 - 864e5
