"""Links that lead away, downloads, and events that the page's HTML declares."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor
from tests.browser.leadtrail import Leadtrail, eventually
from tests.browser.website import Website

BODY = """
<a id=out href="https://elsewhere.example/a?token=s3cret&b=1#part"><b id=inside>Out</b></a>
<a id=in href="/other">In</a>
<a id=paper href="/paper.pdf">Paper</a>
<a id=saved href="/data" download>Saved</a>
<a id=mail href="mailto:ana@example.com">Mail</a>
<button id=plan data-leadtrail-event=chose data-leadtrail-meta-plan=Pro data-leadtrail-meta-size=L></button>
<div data-leadtrail-ignore><a id=ignored href="https://elsewhere.example/">Ignored</a></div>
<my-links></my-links>
<script>
  document.querySelector('my-links').attachShadow({mode: 'open'}).innerHTML = '<a href="https://deep.example/">Deep</a>';
  addEventListener('click', (event) => event.preventDefault());
</script>
"""


def clicks(server: Leadtrail, visitor: Visitor) -> list[tuple[str, dict[str, str]]]:
    """(name, metadata) of what was clicked."""
    return [
        (event["event_name"], event["metadata"])
        for event in server.events(visitor.id)
        if event["event_name"] not in ("page_view", "page_leave", "end")
    ]


def click(page: Page, *ids: str) -> None:
    for name in ids:
        page.evaluate("(name) => document.getElementById(name).click()", name)


def test_links_out_downloads_and_declared_events_are_told(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor
) -> None:
    site.body = BODY
    page.goto(f"{site.base}/links")
    eventually(lambda: visitor.id)
    click(page, "inside", "in", "paper", "saved", "mail", "plan", "ignored")
    page.evaluate("document.querySelector('my-links').shadowRoot.querySelector('a').click()")
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: server.events(visitor.id, "end"))
    assert clicks(server, visitor) == [
        ("link_click", {"href": "https://elsewhere.example/a?token=redacted&b=1"}),
        ("file_download", {"href": f"{site.base}/paper.pdf"}),
        ("file_download", {"href": f"{site.base}/data"}),
        ("chose", {"plan": "Pro", "size": "L"}),
        ("link_click", {"href": "https://deep.example/"}),
    ]


@pytest.mark.parametrize("attributes", ['data-site="main" data-links="off"'])
def test_links_are_not_looked_at_where_the_tag_says_so(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, attributes: str
) -> None:
    site.body = BODY
    site.attributes = attributes
    page.goto(f"{site.base}/links")
    eventually(lambda: visitor.id)
    click(page, "out", "paper", "plan")
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: server.events(visitor.id, "end"))
    assert [name for name, _ in clicks(server, visitor)] == ["chose"]


def test_a_snippet_that_is_included_twice_runs_once(
    site: Website, server: Leadtrail, page: Page, visitor: Visitor, complaints: list[str]
) -> None:
    site.head = f'<script src="{site.tracker}/t.js" data-site="main"></script>'
    page.goto(f"{site.base}/twice")
    eventually(lambda: visitor.id)
    page.evaluate("leadtrail('track', 'end')")
    eventually(lambda: server.events(visitor.id, "end"))
    assert server.paths(visitor.id) == ["/twice"]
    assert complaints == []


@pytest.mark.parametrize(
    "inclusion",
    [
        "<script type=module src='{tracker}/t.js' data-site=main></script>",
        "<script>const tag = document.createElement('script'); tag.src = '{tracker}/t.js';"
        "tag.dataset.site = 'main'; document.head.append(tag)</script>",
        "<script>addEventListener('load', () => setTimeout(() => {{"
        "const tag = document.createElement('script'); tag.src = '{tracker}/t.js';"
        "tag.dataset.site = 'main'; document.body.append(tag) }}, 100))</script>",
    ],
    ids=["module", "by a script", "late"],
)
def test_however_it_is_included_it_runs(
    site: Website,
    server: Leadtrail,
    page: Page,
    visitor: Visitor,
    inclusion: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    html = f"<title>/in</title>{inclusion.format(tracker=site.tracker)}"
    monkeypatch.setattr(site, "page", lambda _: html)
    page.goto(f"{site.base}/in")
    eventually(lambda: visitor.id and server.paths(visitor.id) == ["/in"])
