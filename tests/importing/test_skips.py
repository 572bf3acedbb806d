"""Which lines are page views, and why the others are not."""

import pytest

from server.importing.line import parse_line
from server.importing.skips import Skip, is_asset, skip_of
from tests.importing.log_lines import GOOGLEBOT, log_line


def skip(raw: bytes) -> Skip | None:
    line = parse_line(raw)
    assert line is not None
    return skip_of(line)


@pytest.mark.parametrize("status", [200, 304])
def test_a_page_that_was_shown_is_a_view(status: int) -> None:
    assert skip(log_line(status=status)) is None


@pytest.mark.parametrize("status", [100, 204, 206, 301, 302, 403, 404, 416, 499, 500, "-"])
def test_a_page_that_was_not_shown_is_none(status: int | str) -> None:
    assert skip(log_line(status=status)) is Skip.status


@pytest.mark.parametrize(
    "request_line", ["HEAD / HTTP/1.1", "POST /a HTTP/1.1", "get / HTTP/1.1", "-", "\\x16\\x03"]
)
def test_only_get_views_a_page(request_line: str) -> None:
    assert skip(log_line(request=request_line)) is Skip.method


def test_a_declared_bot_is_no_person_and_a_silent_browser_may_be_one() -> None:
    assert skip(log_line(agent=GOOGLEBOT)) is Skip.bot
    assert skip(log_line(agent="-")) is None


@pytest.mark.parametrize(
    "target",
    ["/", "/pricing", "/pricing/", "/index.html", "/a.HTM", "/a.xhtml", "/a.php?x=1", "/v1.2", "/a.b/c",
     "/a?file=b.css", "/css", "/feeding", "/blog/tags/rss20", "/blog?format=long", "/?feedback=rss", "*", ""],
)  # fmt: skip
def test_pages(target: str) -> None:
    assert not is_asset(target)


@pytest.mark.parametrize(
    "target",
    ["/style.css", "/a/STYLE.CSS?v=2", "/t.js", "/logo.png#x", "/favicon.ico", "/robots.txt", "/sitemap.xml",
     "/a.json", "/font.woff2", "/film.mp4", "/all.tar.gz", "/setup.exe", "/paper.pdf", "/letter.docx",
     "/feed", "/feed/", "/blog/rss", "/index.atom", "/?feed=rss2", "/blog?page=2&flav=atom",
     "http://www.example.com/a.gif"],
)  # fmt: skip
def test_assets_and_feeds(target: str) -> None:
    assert is_asset(target)


def test_the_reason_asked_first_is_the_one_given() -> None:
    assert skip(log_line("/a.css", method="HEAD", status=404, agent=GOOGLEBOT)) is Skip.method
    assert skip(log_line("/a.css", status=404, agent=GOOGLEBOT)) is Skip.status
    assert skip(log_line("/a.css", agent=GOOGLEBOT)) is Skip.asset
