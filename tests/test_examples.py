"""examples/events.yaml: every use of events that the article promises, by name, against a history.

Each is told as a sequence of days: what somebody does, and which messages the answer carries.
"""

import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from server import assets
from server.clock import DAY, HOUR, MINUTE
from server.insight.segments import members, parse_order
from server.model import Event, Role
from server.people.history import Visit, tell
from server.rules.document import read_document
from server.rules.lint import find_doubts
from server.rules.load import load
from server.store.base import Changes, Store
from server.store.engines import open_store
from tests.site import NOW, Site, did, view

pytestmark = pytest.mark.anyio

TEXT = assets.path("examples", "events.yaml").read_text()
IDS = re.findall(r"^  - id: (\S+)$", TEXT, re.M)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """What every engine does alike is proved elsewhere; one is enough here."""
    opened = await open_store(f"sqlite:///{tmp_path / 'leadtrail.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Site:
    return Site(store, tmp_path).file_says(TEXT)


def only(rule_id: str, *, also: str = "") -> str:
    """The file with this one message, its audience narrowed by `also`."""
    head, _, rest = TEXT.partition("messages:\n")
    [found] = [
        part for part in re.split(r"(?m)^(?=  - id: )", rest) if part.startswith(f"  - id: {rule_id}\n")
    ]
    found = re.sub(r"(?m)^ *#.*\n", "", found)
    if also:
        if "    if: [" in found:
            found = found.replace("    if: [", f"    if: [{also}, ", 1)
        else:
            found = found.replace("    deliver:", f"    if: [{also}]\n    deliver:", 1)
    return f"{head}messages:\n{found}"


async def become(site: Site, role: Role, visitor: str = "ada") -> None:
    """The person is proved to be a user, or left an e-mail address."""
    await site.sees(
        did("identify", "", traits={"email": f"{visitor}@example.com", "name": "Ada"}), visitor=visitor
    )
    if role == Role.user:
        async with site.store.transaction() as transaction:
            person_id = await site.person(visitor)
            person = (await transaction.people([person_id]))[person_id]
            proved = structs.replace(person, role=Role.user, verified=True, became_user=site.now)
            await transaction.save(Changes(people=[proved]))


DOWNLOAD = did("file_download", metadata={"href": "https://www.example.com/white-paper.pdf"})
WRONG = [{"name": "email", "reason": "typeMismatch"}]
ERROR = did("form_error", metadata={"form": "signup", "fields": WRONG})
STARTER = did("plan.changed", metadata={"new_plan": "Starter"})
CHESS = did("purchase", metadata={"item": "Chess"})
UPGRADE = did(
    "plan.changed",
    metadata={
        "new_plan": "Dynamite Pro",
        "new_price": {"amount": 9900, "currency": "usd"},
        "old_plan": "Starter",
        "old_price": {"amount": 900, "currency": "usd"},
        "change_date": NOW // 1000,
    },
)
GAME = did(
    "purchase",
    metadata={
        "item": "Space Invaders",
        "order": {"url": "https://shop.example.com/3434", "value": "3434"},
        "ordered_at": NOW // 1000,
        "price": {"amount": 4900, "currency": "usd"},
        "stripe_invoice": "inv_3434",
    },
)
REPORT = did("report.created")

Day = tuple[int, list[Event]]
"""How long after the day before, and what is done."""

HISTORIES: dict[str, tuple[Role, list[Day], list[Day]]] = {
    # Who it is, what they do that does not match yet, and what matches then.
    "third-report": (Role.user, [(0, [REPORT]), (DAY, [REPORT])], [(DAY, [REPORT])]),
    "first-report-long-ago": (Role.user, [(0, [REPORT, view()]), (5 * DAY, [view()])], [(HOUR, [view()])]),
    "cart-without-purchase": (
        Role.visitor,
        [(0, [did("added_to_cart"), view()]), (59 * MINUTE, [view()])],
        [(HOUR, [view()])],
    ),
    "white-paper": (Role.visitor, [(0, [view(), did("file_download")])], [(HOUR, [DOWNLOAD, view()])]),
    "form-error": (Role.visitor, [(0, [view("/signup")])], [(MINUTE, [ERROR, view("/signup")])]),
    "form-error-email": (Role.visitor, [(0, [ERROR, view()])], [(MINUTE, [ERROR, view()])]),
    "never-exported": (Role.user, [(0, [view("/reports")])], [(DAY, [view("/reports")])]),
    "pricing-help": (
        Role.visitor,
        [(0, [view("/pricing")]), (DAY, [view("/pricing"), view("/pricing")])],
        [(DAY, [view("/pricing")])],
    ),
    "thank-you": (
        Role.visitor,
        [(0, [view("/confirmation")])],
        [(HOUR, [did("purchase"), view("/confirmation")])],
    ),
    "upgrade": (
        Role.visitor,
        [(0, [did("plan.changed", metadata={"new_plan": "Starter"})])],
        [(DAY, [UPGRADE])],
    ),
    "email-feature-research": (
        Role.user,
        [(0, [did("email.sent"), did("email.sent"), view()])],
        [(DAY + MINUTE, [view()])],
    ),
    "cross-sell": (
        Role.visitor,
        [(0, [CHESS, view()])],
        [(DAY, [GAME, view()])],
    ),
    "invited": (Role.visitor, [(0, [view()])], [(DAY, [did("person.invited")])]),
    "looked-for-help": (Role.visitor, [(0, [view("/app")])], [(DAY, [view("/help/export"), view("/app/2")])]),
}

STOPPED = {
    "first-report-long-ago": did("report.shared"),
    "cart-without-purchase": did("purchase"),
    "form-error": did("form_submit", metadata={"form": "signup", "ok": True}),
    "never-exported": did("pdf.exported"),
    "pricing-help": did("purchase"),
    "cross-sell": did("purchase", metadata={"item": "Joystick"}),
}

BY_TIME = {"thirty-days-since-the-last-report", "cart-without-purchase-hook"}


async def answers(site: Site, days: list[Day]) -> list[str]:
    shown = []
    for span, events in days:
        site.now += span
        # The same done again is another event.
        shown += await site.sees(*(structs.replace(each, id=secrets.token_hex(8)) for each in events))
    return shown


def test_every_message_of_the_file_is_told_here() -> None:
    assert set(IDS) == {*HISTORIES, *BY_TIME}


def test_the_file_leaves_no_doubt() -> None:
    assert find_doubts(load(TEXT, "events.yaml"), read_document(TEXT), NOW) == []


@pytest.mark.parametrize("rule_id", HISTORIES)
async def test_the_message_comes_when_the_history_says_so(site: Site, rule_id: str) -> None:
    role, before, then = HISTORIES[rule_id]
    site.file_says(only(rule_id))
    if role > Role.visitor:
        await become(site, role)
    assert await answers(site, before) == []
    assert await answers(site, then) == [rule_id]


@pytest.mark.parametrize("rule_id", STOPPED)
async def test_the_message_does_not_come_once_its_purpose_is_reached(site: Site, rule_id: str) -> None:
    role, before, then = HISTORIES[rule_id]
    site.file_says(only(rule_id))
    if role > Role.visitor:
        await become(site, role)
    await answers(site, [*before, (0, [STOPPED[rule_id]])])
    assert await answers(site, then) == []


@pytest.mark.parametrize("rule_id", HISTORIES)
@pytest.mark.parametrize("away", [2, 20])
async def test_every_message_combines_with_last_seen(site: Site, rule_id: str, away: int) -> None:
    """Somebody who was here within 7 days before this visit gets it; who comes after 20 days does not."""
    role, before, then = HISTORIES[rule_id]
    site.file_says(only(rule_id, also="{segment: active}"))
    if role > Role.visitor:
        await become(site, role)
    assert await answers(site, before) == []
    site.now += away * DAY
    # What a time makes match has matched by now; the rest is done again on this visit.
    expected = [rule_id] if away < 7 else []
    assert await answers(site, [(0, events) for _, events in then]) == expected


async def test_thirty_days_since_the_last_report(site: Site) -> None:
    site.file_says(only("thirty-days-since-the-last-report"))
    await become(site, Role.user)
    await site.sees(REPORT)
    await site.wait(29 * DAY)
    assert await site.sent() == []
    await site.wait(DAY)
    [letter] = await site.sent()
    assert (letter.channel, letter.content["to"]) == ("email", "ada@example.com")
    assert letter.content["body"].startswith("Hi Ada,")


@pytest.mark.parametrize(("bought", "sent"), [(False, 1), (True, 0)])
async def test_a_cart_without_a_purchase_is_told_to_the_crm(site: Site, bought: bool, sent: int) -> None:
    site.file_says(only("cart-without-purchase-hook"))
    await site.sees(did("added_to_cart"))
    await site.wait(20 * MINUTE)
    if bought:
        await site.sees(did("purchase"))
    await site.wait(2 * HOUR)
    assert len(await site.sent()) == sent


async def names(site: Site, segment: str, sort: str = "-last_seen") -> list[str]:
    """Who is in a segment, by the names that they go by here."""
    config = load(TEXT, "events.yaml")
    found = await members(site.store.rulings, config.segments[segment], parse_order(sort), site.now)
    return [person.visitor for person in found]


async def test_users_who_created_more_than_two_reports(site: Site) -> None:
    for visitor, reports in (("ada", 3), ("bob", 2), ("eve", 0)):
        await site.sees(view(), *(did("report.created") for _ in range(reports)), visitor=visitor)
    assert await names(site, "more-than-two-reports") == ["ada"]


async def test_users_who_created_their_first_report_more_than_five_days_ago(site: Site) -> None:
    await site.sees(did("report.created"), visitor="ada")
    site.now += 5 * DAY
    await site.sees(did("report.created"), visitor="bob")
    site.now += MINUTE
    await site.sees(did("report.created"), visitor="ada")
    assert await names(site, "first-report-long-ago") == ["ada"]


async def test_the_most_frequent_users_of_a_feature(site: Site) -> None:
    for visitor, exports in (("ada", 2), ("bob", 7), ("eve", 0), ("joe", 4)):
        await site.sees(view(), *(did("pdf.exported") for _ in range(exports)), visitor=visitor)
    assert await names(site, "exporters", "-count:pdf.exported") == ["bob", "joe", "ada"]


async def test_all_pages_that_a_lead_visited_before_signing_up(site: Site) -> None:
    await site.sees(view("/blog"), view("/pricing"))
    site.now += DAY
    await site.sees(view("/pricing"), view("/signup"))
    await become(site, Role.lead)
    site.now += MINUTE
    await site.sees(view("/welcome"))
    person_id = await site.person()
    trail = await site.store.reads.trail(person_id, limit=50)
    history = tell(
        trail.moments, trail.newer, await site.store.reads.milestones(person_id), more=trail.more, limit=50
    )
    before = [
        item.moment.path
        for item in reversed(history.items)
        if isinstance(item, Visit) and item.moment.name == "page_view" and item.moment.role == Role.visitor
    ]
    assert sorted(before) == ["/blog", "/pricing", "/pricing", "/signup"]
    assert await names(site, "leads-who-looked-around") == ["ada"]


async def test_first_last_and_total_are_known_for_longer_than_single_events(site: Site) -> None:
    """The article's own rule: events older than 90 days leave the timeline, and filters still know them."""
    await site.sees(did("report.created"), visitor="ada")
    site.now += 400 * DAY
    await site.sees(did("report.created"), did("report.created"), visitor="ada")
    assert await names(site, "more-than-two-reports") == ["ada"]
    assert await names(site, "first-report-long-ago") == ["ada"]
