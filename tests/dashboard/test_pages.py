"""The pages about people and the install page, as the operator reads them."""

import re

from msgspec import structs

from server.clock import HOUR, MINUTE, SECOND
from server.model import Person
from server.store.base import Changes
from tests.dashboard.real_dashboard import Dashboard
from tests.story import NOON, Story

ADA = "/dashboard/people/0000000000000001"


def ada() -> Story:
    """A visitor who becomes a lead after three pages and a failed form."""
    story = Story(1).viewed(
        "/pricing?utm_source=news", 0, "Pricing", referrer="https://www.google.com/search?q=x"
    )
    story.left("/pricing?utm_source=news", 42 * SECOND, 42).viewed("/pricing", MINUTE, "Pricing").viewed(
        "/signup", 2 * MINUTE
    )
    fields = [{"name": "email", "reason": "typeMismatch"}]
    story.did("form_error", 3 * MINUTE, "/signup", metadata={"form": "signup", "fields": fields})
    story.did(
        "identify",
        4 * MINUTE,
        "/signup",
        traits={"email": "ada@example.com", "name": "Ada Example", "plan": "Pro"},
    )
    return story.did(
        "order",
        5 * MINUTE,
        "/app",
        metadata={"price": {"amount": 4900, "currency": "eur"}, "due_date": NOON // 1000},
    )


def text_of(page: str) -> str:
    """What stands on a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_people_are_listed_with_what_matters(signed_in: Dashboard) -> None:
    signed_in.tell(ada(), Story(2).viewed("/blog", 0))
    text = text_of(signed_in.client.get("/dashboard/people").text)
    assert "People 2" in text
    assert re.search(r"Ada Example ada@example.com Lead 55 minutes ago 3 1 news Firefox", text)
    assert re.search(r"Visitor 000002 /blog Visitor 1 hour ago 1 1 Direct", text)


def test_the_newest_come_first(signed_in: Dashboard) -> None:
    signed_in.tell(*(Story(number).viewed("/", 0) for number in (1, 3, 2)))
    page = signed_in.client.get("/dashboard/people").text
    assert re.findall(r'/dashboard/people/(\w{16})"', page) == [f"{number:016x}" for number in (3, 2, 1)]


def test_an_email_is_searched_by_its_beginning(signed_in: Dashboard) -> None:
    signed_in.tell(ada(), Story(2).viewed("/", 0).did("identify", 1, traits={"email": "bob@example.com"}))
    for query in ("ada@example.com", " ADA", "a"):
        text = text_of(signed_in.client.get("/dashboard/people", params={"email": query}).text)
        assert "Ada Example" in text
        assert "bob@" not in text
    assert "Nobody matches" in signed_in.client.get("/dashboard/people", params={"email": "x"}).text


def test_people_are_told_apart_by_role(signed_in: Dashboard) -> None:
    signed_in.tell(ada(), Story(2).viewed("/", 0))
    assert "Ada Example" not in signed_in.client.get("/dashboard/people?who=visitors").text
    assert "Visitor 000002" not in signed_in.client.get("/dashboard/people?who=leads").text
    assert "Nobody matches" in signed_in.client.get("/dashboard/people?who=users").text


def test_a_long_list_is_read_page_by_page(signed_in: Dashboard) -> None:
    signed_in.tell(*(Story(number).viewed("/", 0) for number in range(1, 121)))
    found: list[int] = []
    url: str | None = "/dashboard/people"
    while url:
        page = signed_in.client.get(url).text
        found += [int(number, 16) for number in re.findall(r'href="/dashboard/people/(\w{16})"', page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = following[1].replace("&amp;", "&") if following else None
    assert found == list(range(120, 0, -1))


def test_an_empty_house_leads_to_the_tag(signed_in: Dashboard) -> None:
    page = signed_in.client.get("/dashboard/people").text
    assert "Nobody has come yet" in page
    assert "/dashboard/install" in page


def test_a_persons_page_tells_the_whole_story(signed_in: Dashboard) -> None:
    signed_in.tell(ada())
    page = signed_in.client.get(ADA).text
    text = text_of(page)
    order = [
        "order",
        "Became a lead",
        "Before sign-up",
        "Left their details",
        "Could not submit",
        "Page view: /signup",
        "Pricing",
        "42 s",
    ]
    places = [text.index(part, text.index("Page history")) for part in order]
    assert places == sorted(places)
    for shown in (
        "Ada Example",
        "ada@example.com",
        "Unverified",
        "€49.00 EUR",
        "23 September 2026, 13:00",
        "not of the right form",
        "Plan Pro",
        "UTM source news",
        "Today",
        "Session 1",
        "13:00 – 13:05",
    ):
        assert shown in text, shown
    assert re.search(r"/pricing 2 times first 1 hour ago , last 59 minutes ago", text)
    assert 'href="https://shop.example/pricing?utm_source=news"' in page
    assert "page_leave" not in text


def test_a_long_history_is_loaded_slice_by_slice(signed_in: Dashboard) -> None:
    story = Story(1)
    for number in range(250):
        story.viewed(f"/p{number}", number * SECOND)
    signed_in.tell(story)
    found: list[str] = []
    url: str | None = ADA
    while url:
        page = signed_in.client.get(url).text
        found += re.findall(r'<span class="title">/p(\d+)<', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        url = following[1].replace("&amp;", "&") if following else None
    assert found == [str(number) for number in range(249, -1, -1)]


def test_a_merged_persons_page_leads_to_who_they_are_now(signed_in: Dashboard) -> None:
    old: Person = Story(2).viewed("/", 0).person
    signed_in.tell(ada())
    merged = Changes(people=[structs.replace(old, merged_into=1)])

    async def save() -> None:
        async with signed_in.store.transaction() as transaction:
            await transaction.save(merged)

    signed_in.run(save)
    answer = signed_in.client.get("/dashboard/people/0000000000000002", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, ADA)


def test_a_page_of_nobody_is_not_found(signed_in: Dashboard) -> None:
    for name in ("0000000000000009", "x", "'", "%00"):
        assert signed_in.client.get(f"/dashboard/people/{name}").status_code == 404


def test_wrong_cursors_break_nothing(signed_in: Dashboard) -> None:
    signed_in.tell(ada())
    for wrong in ("x", "' OR 1=1", "9" * 99, "\x00"):
        assert signed_in.client.get("/dashboard/people", params={"before": wrong}).status_code == 200
        assert signed_in.client.get(ADA, params={"before": wrong}).status_code == 200


def test_many_totals_unfold(signed_in: Dashboard) -> None:
    story = Story(1)
    for number in range(12):
        story.viewed(f"/p{number:02d}", number * SECOND)
    signed_in.tell(story)
    page = signed_in.client.get(ADA).text
    assert "<summary>4 more</summary>" in page
    assert page.count('class="meter"') == 13


def test_a_site_waits_until_something_comes(signed_in: Dashboard) -> None:
    before = signed_in.client.get("/dashboard/install").text
    assert text_of(before).count("Waiting for the first event") == 2
    assert 'http-equiv="refresh"' in before
    assert (
        "&lt;script async src=&#34;http://testserver/t.js&#34; data-site=&#34;main&#34;&gt;&lt;/script&gt;"
        in before
    )
    signed_in.tell(
        Story(1).viewed("/", 0), Story(2, site="other").viewed("/", 0), Story(3).viewed("/", MINUTE)
    )
    signed_in.now = NOON + 3 * HOUR
    after = signed_in.client.get("/dashboard/install").text
    assert "Waiting" not in after
    assert 'http-equiv="refresh"' not in after
    assert "Received. 2 people so far; the newest came 2 hours ago ." in text_of(after)
