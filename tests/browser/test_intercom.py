"""/intercom.js in real Chromium: pages that were written for Intercom, and its own npm SDK, unchanged."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from server.people.proof import user_hash
from tests.browser.conftest import Visitor
from tests.browser.leadtrail import IDENTITY_SECRET, Leadtrail, eventually
from tests.browser.website import Website
from tests.node import node, packages

SDK = "export * from '@intercom/messenger-js-sdk'"

LOADER = """
(function(){var w=window;var ic=w.Intercom;if(typeof ic==="function"){ic('reattach_activator');
ic('update',w.intercomSettings);}else{var d=document;var i=function(){i.c(arguments);};i.q=[];
i.c=function(args){i.q.push(args);};w.Intercom=i;var l=function(){var s=d.createElement('script');
s.type='text/javascript';s.async=true;s.src='%s/intercom.js';var x=d.getElementsByTagName('script')[0];
x.parentNode.insertBefore(s,x);};if(document.readyState==='complete'){l();}else{w.addEventListener('load',l,false);}}})();
"""
"""Intercom's own snippet, but for the address."""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SDK as a bundler makes it for a page, under the name `sdk`."""
    modules = packages()
    entry = modules / ".cache" / "messenger.js"
    entry.parent.mkdir(exist_ok=True)
    entry.write_text(SDK)
    bundle: Path = tmp_path_factory.mktemp("sdk") / "bundle.js"
    command = [node(), modules / "esbuild" / "bin" / "esbuild", entry, "--bundle", "--global-name=sdk"]
    subprocess.run([*command, "--format=iife", f"--outfile={bundle}", "--log-level=warning"], check=True)
    return bundle.read_text()


@pytest.fixture
def written_for_intercom(site: Website) -> Website:
    """The site without the snippet's own tag."""
    site.tag = ""
    return site


def names(server: Leadtrail, visitor: Visitor) -> list[str]:
    return [event["event_name"] for event in server.events(visitor.id)] if visitor.id else []


def load(site: Website, server: Leadtrail, settings: str, calls: str = "") -> None:
    site.head = f"<script>window.intercomSettings={settings};{LOADER % server.base};{calls}</script>"


def test_a_page_with_intercoms_own_snippet_tracks(
    written_for_intercom: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    settings = (
        "{app_id:'abc123', email:'Ada@Example.com', name:'Ada', created_at:1312182000, plan:'Pro',"
        " hide_default_launcher:true, company:{id:'7', name:'Acme', monthly_spend:10},"
        " avatar:{type:'avatar', image_url:'https://x.example/a.png'}}"
    )
    load(
        written_for_intercom, server, settings, "Intercom('trackEvent', 'early', {n: 1, at_date: 1790000000})"
    )
    page.goto(f"{written_for_intercom.base}/pricing")
    eventually(lambda: set(names(server, visitor)) >= {"page_view", "identify", "early"})
    assert server.paths(visitor.id) == ["/pricing"]
    [event] = server.events(visitor.id, "early")
    assert event["metadata"] == {"n": 1, "at_date": 1790000000}
    contact = server.contact(visitor.id)
    assert (contact["role"], contact["email"], contact["name"]) == ("lead", "ada@example.com", "Ada")
    assert contact["custom_attributes"] == {
        "signed_up_at": 1312182000,
        "plan": "Pro",
        "company_id": "7",
        "company_name": "Acme",
        "company_monthly_spend": 10,
        "avatar_url": "https://x.example/a.png",
    }
    assert page.evaluate("[Intercom.booted, Intercom('getVisitorId')]") == [True, visitor.id]
    assert complaints == []


def test_update_is_a_view_and_tells_what_is_new(
    written_for_intercom: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    load(written_for_intercom, server, "{app_id:'main'}")
    page.goto(f"{written_for_intercom.base}/a")
    page.wait_for_function("Intercom.booted")
    page.evaluate("history.pushState({}, '', '/b'); Intercom('update')")
    page.evaluate("Intercom('update', {email:'x@x.example', plan:'Pro'})")
    page.evaluate("Intercom('update', {email:'x@x.example', plan:'Pro'})")
    eventually(lambda: visitor.id and len(server.paths(visitor.id)) == 4)
    assert server.paths(visitor.id) == ["/a", "/b", "/b", "/b"]
    assert names(server, visitor).count("identify") == 1


def test_what_is_not_known_is_ignored(
    written_for_intercom: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    load(written_for_intercom, server, "{app_id:'main'}", "Intercom('showSpace', 'home')")
    page.goto(f"{written_for_intercom.base}/")
    page.wait_for_function("Intercom.booted")
    for call in ("'show'", "'onShow', () => 1", "'startTour', 7", "'constructor'", "'__proto__'", "", "null"):
        assert page.evaluate(f"Intercom({call}) === undefined"), call
    assert complaints == []


def test_after_shutdown_somebody_else_is_at_the_browser(
    written_for_intercom: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    proof = user_hash(IDENTITY_SECRET, "4711")
    load(written_for_intercom, server, f"{{app_id:'main', user_id:'4711', user_hash:'{proof}'}}")
    page.goto(f"{written_for_intercom.base}/app")
    eventually(lambda: page.evaluate("Intercom('getVisitorId')"))
    first = visitor.id
    page.evaluate("Intercom('shutdown'); Intercom('trackEvent', 'lost'); Intercom('update')")
    page.evaluate("Intercom('boot', {app_id: 'main'})")
    eventually(lambda: visitor.id != first)
    eventually(lambda: page.evaluate("Intercom('getVisitorId')") == visitor.id)
    assert server.contact(first)["external_id"] == "4711"
    eventually(lambda: server.paths(visitor.id) == ["/app"])
    assert "lost" not in names(server, visitor)


def test_the_script_is_harmless_twice(
    written_for_intercom: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    load(written_for_intercom, server, "{app_id:'main'}")
    written_for_intercom.body = f'<script src="{server.base}/intercom.js"></script>'
    page.goto(f"{written_for_intercom.base}/twice")
    eventually(lambda: visitor.id and server.paths(visitor.id))
    page.evaluate("Intercom('trackEvent', 'done')")
    eventually(lambda: "done" in names(server, visitor))
    assert server.paths(visitor.id) == ["/twice"]
    assert complaints == []


def test_intercoms_npm_sdk_works_with_its_widget_url(
    written_for_intercom: Website,
    server: Leadtrail,
    page: Page,
    visitor: Visitor,
    sdk: str,
    complaints: list[str],
) -> None:
    boot = f"sdk.Intercom({{app_id:'app1', user_id:'9', name:'Eve', widgetUrl:'{server.base}/intercom.js'}})"
    written_for_intercom.body = f"<script>{sdk};{boot};sdk.trackEvent('early', {{n: 1}})</script>"
    page.goto(f"{written_for_intercom.base}/sdk")
    eventually(lambda: {"early", "identify"} <= set(names(server, visitor)))
    page.evaluate("sdk.update({plan: 'Pro'}); sdk.trackEvent('later'); sdk.showMessages()")
    eventually(lambda: "later" in names(server, visitor))
    assert server.paths(visitor.id) == ["/sdk", "/sdk"]
    eventually(lambda: page.evaluate("sdk.getVisitorId()") == visitor.id)
    first = visitor.id
    page.evaluate("sdk.shutdown(); sdk.boot({app_id: 'app1', email: 'next@x.example'})")
    eventually(lambda: visitor.id != first and "identify" in names(server, visitor))
    assert server.contact(visitor.id)["email"] == "next@x.example"
    assert server.contact(first)["email"] is None
    assert complaints == []
