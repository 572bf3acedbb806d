"""The live page: who is here now, on which page, and since when."""

import re
from typing import Any

from server.clock import HOUR, MINUTE, SECOND
from tests.dashboard.real_dashboard import Dashboard
from tests.dashboard.test_pages import text_of
from tests.story import NOON, Story

NOW = NOON + HOUR


def event_id(at: int, number: int) -> str:
    """As the snippet makes them: the time, then chance."""
    time = f"{NOON + at:012x}"
    return f"{time[:8]}-{time[8:]}-7000-8000-{number:012x}"


class Visitor(Story):
    """A story whose events have the snippet's ids."""

    def did(self, name: str, at: int, url: str = "", traits: Any = None, **fields: Any) -> "Visitor":
        fields.setdefault("id", event_id(at, self.person.person_id * 1_000 + len(self.moments)))
        super().did(name, at, url, traits, **fields)
        return self


def live(dashboard: Dashboard, query: str = "") -> str:
    page = dashboard.client.get(f"/dashboard/live{query}")
    assert page.status_code == 200
    return page.text


def ago(time: int) -> int:
    return HOUR - time


def test_nobody_is_here(signed_in: Dashboard) -> None:
    signed_in.tell(Visitor(1).viewed("/old", ago(6 * MINUTE)))
    assert "Nobody is here right now" in live(signed_in)


def test_people_are_here_on_the_page_that_they_viewed_last(signed_in: Dashboard) -> None:
    ada = Visitor(1).viewed("/home", ago(4 * MINUTE), "Home").viewed("/pricing", ago(95 * SECOND), "Pricing")
    ada.did("added_to_cart", ago(20 * SECOND), "/pricing")
    ada.did("identify", ago(10 * SECOND), "/pricing", traits={"name": "Ada", "email": "ada@example.com"})
    bob = Visitor(2).viewed("/pricing", ago(30 * SECOND), "Pricing")
    signed_in.tell(ada, bob, Visitor(3).viewed("/a", ago(0)))
    page = live(signed_in)
    text = text_of(page)
    assert "Live 3 people are here" in text
    assert re.search(r"Ada Firefox .* Lead Pricing /pricing ↗ · added_to_cart 1 min 35 s Direct", text)
    assert re.search(r"Pages /pricing 2 people /a 1 person", text)
    assert text.index("Visitor 000003") < text.index("Visitor 000002") < text.index("Ada")
    assert '<meta http-equiv="refresh" content="10">' in page


def test_whoever_left_is_not_here(signed_in: Dashboard) -> None:
    signed_in.tell(
        Visitor(1).viewed("/a", ago(2 * MINUTE)).left("/a", ago(MINUTE), 60),
        Visitor(2).viewed("/b", ago(2 * MINUTE)).left("/b", ago(10 * SECOND), 60),
        Visitor(3).viewed("/c", ago(2 * MINUTE)).left("/c", ago(MINUTE), 60).viewed("/d", ago(50 * SECOND)),
    )
    text = text_of(live(signed_in))
    assert "/a" not in text
    assert "Pages /b 1 person /d 1 person" in text


def test_one_site_is_looked_at(signed_in: Dashboard) -> None:
    signed_in.tell(
        Visitor(1).viewed("/main", ago(MINUTE)), Visitor(2, site="other").viewed("/other", ago(MINUTE))
    )
    assert "2 people are here" in live(signed_in)
    text = text_of(live(signed_in, "?site=other"))
    assert "1 person is here" in text
    assert "/main" not in text
    assert "2 people are here" in live(signed_in, "?site=nowhere")


def test_what_visitors_say_is_text(signed_in: Dashboard) -> None:
    nasty = "<script>alert(1)</script>"
    signed_in.tell(Visitor(1).viewed("/a", ago(MINUTE), nasty).did(nasty, ago(0), "/a"))
    page = live(signed_in)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 2
