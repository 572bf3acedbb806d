"""Messages in the story: triggers, windows, caps, control, goals and what falls due. On every engine."""

import asyncio
from pathlib import Path

import pytest

from server.clock import DAY, HOUR, MINUTE, SECOND
from server.identity import Proof
from server.model import LANES, Batch, Event, Moment
from server.rules.facts import Facts
from server.rules.rule import Rule
from server.store.base import Changes, Store
from server.trail import Trail
from server.trail.claims import Claims
from server.trail.due import DueRules
from tests.site import NOW, Site, did, view

pytestmark = pytest.mark.anyio

HOOK = "deliver: {webhook: {url: 'https://crm.example.com/hook'}}"


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Site:
    return Site(store, tmp_path)


def page(rule_id: str, *parts: str) -> str:
    return ", ".join([f"id: {rule_id}", *parts, "deliver: {page: {title: Hi}}"])


def hook(rule_id: str, *parts: str) -> str:
    return ", ".join([f"id: {rule_id}", *parts, HOOK])


async def test_an_event_is_answered_with_its_message_once(site: Site) -> None:
    site.rules(page("thanks", "when: {event: order, where: {plan: Pro}}"))
    assert await site.sees(did("order", metadata={"plan": "Free"})) == []
    assert await site.sees(did("order", metadata={"plan": "Pro"})) == ["thanks"]
    assert await site.sees(did("order", metadata={"plan": "Pro"}), view()) == []


async def test_what_an_event_without_a_page_won_is_offered_on_the_next_page(site: Site) -> None:
    site.rules(page("thanks", "when: {event: order}"))
    assert await site.sees(did("order"), shows_messages=False) == []
    assert await site.sees(view("/anything")) == ["thanks"]


async def test_a_window_looks_at_what_was_stored_before_the_rule(site: Site) -> None:
    site.rules()
    for _ in range(3):
        await site.sees(view("/pricing"))
        site.now += 3 * DAY
    site.rules(
        page("hot", "when: {page: /pricing}", "if: [{viewed: /pricing, in: 7 days, times: at least 3}]")
    )
    assert await site.sees(view("/pricing")) == ["hot"]
    assert await site.sees(view("/pricing"), visitor="bob") == []


async def test_a_window_counts_the_events_of_its_own_batch(site: Site) -> None:
    site.rules(page("hot", "if: [{did: click, in: 1 hour, times: exactly 3}]"))
    assert await site.sees(did("click"), did("click"), view(), did("click"), view()) == ["hot"]


async def test_where_looks_at_the_metadata_of_what_is_stored(site: Site) -> None:
    site.rules(page("pro", "if: [{did: order, where: {price: {currency: eur, amount: at least 4900}}}]"))
    await site.sees(did("order", metadata={"price": {"amount": 9900, "currency": "usd"}}))
    assert await site.sees(view()) == []
    await site.sees(did("order", metadata={"price": {"amount": 4900, "currency": "eur"}}))
    assert await site.sees(view()) == ["pro"]


async def test_the_cap_of_all_messages_holds_the_second_one_back(site: Site) -> None:
    site.rules(page("one"), page("two", "send: every time"), top="caps: {page: 1 per day}\n")
    assert await site.sees(view()) == ["one"]
    await site.sees(did("message_shown", metadata={"message": "one"}))
    site.now += 23 * HOUR
    assert await site.sees(view()) == []
    site.now += 2 * HOUR
    assert await site.sees(view()) == ["two"]
    assert await site.store.rulings.held() == [("two", "cap", 1)]


async def test_the_control_is_measured_and_never_shown(site: Site) -> None:
    site.rules(page("offer", "control: 50%", "goal: {did: buy, within: 1 day}"))
    shown = [visitor for visitor in map(str, range(60)) if await site.sees(view(), visitor=visitor)]
    assert 15 < len(shown) < 45
    for visitor in map(str, range(60)):
        assert await site.sees(view(), visitor=visitor) == []
        await site.sees(did("buy"), visitor=visitor)
    given = {row.control: row for row in await site.store.rulings.given()}
    assert given[False].people == len(shown) == given[False].goal
    assert given[True].people == 60 - len(shown) == given[True].goal
    assert given[True].shown == 0


async def test_a_goal_is_reached_within_its_time_and_stops_the_message(site: Site) -> None:
    site.rules(page("offer", "send: every time", "goal: {did: buy, within: 1 day}"))
    assert await site.sees(view()) == ["offer"]
    await site.sees(did("message_shown", metadata={"message": "offer"}))
    site.now += 2 * DAY
    assert await site.sees(view()) == ["offer"]
    await site.sees(did("message_shown", metadata={"message": "offer"}))
    site.now += HOUR
    await site.sees(did("buy"))
    assert await site.sees(view()) == []
    assert sorted(offer.goal or 0 for offer in await site.offers()) == [0, site.now]


async def test_a_page_can_be_the_goal(site: Site) -> None:
    site.rules(page("offer", "when: {page: /}", "goal: {viewed: '/thanks*'}"))
    await site.sees(view("/"))
    await site.sees(view("/thanks/2"))
    assert [offer.goal for offer in await site.offers()] == [site.now]


async def test_a_webhook_is_claimed_with_its_event_and_tells_why(site: Site) -> None:
    site.rules(hook("sales", "when: {page: /pricing}", "if: [{viewed: /pricing, times: at least 2}]"))
    await site.sees(view("/pricing"), view("/pricing"), view("/pricing"))
    [delivery] = await site.sent()
    assert (delivery.rule, delivery.channel, delivery.nth) == ("sales", "webhook", 1)
    data = delivery.content["data"]
    assert data["event"]["path"] == "/pricing"
    assert data["contact"]["role"] == "visitor"
    assert {"text": "viewed /pricing at least 2 times", "value": 2, "holds": True} in data["conditions"]


async def test_an_email_goes_to_those_who_proved_their_address(site: Site) -> None:
    mail = "deliver: {email: {subject: 'Hi {{ name }}', body: Hello}}"
    site.rules(f"id: mail, when: {{event: order}}, {mail}")
    lead = did("identify", "", traits={"email": "ada@example.com", "name": "Ada"})
    await site.sees(lead, did("order"))
    assert await site.sent() == []
    assert await site.store.rulings.held() == [("mail", "address", 1)]
    site.rules(f"id: mail, when: {{event: order}}, {mail[:-2]}, to_unverified: yes}}}}")
    await site.sees(did("order"))
    [delivery] = await site.sent()
    assert (delivery.content["to"], delivery.content["subject"]) == ("ada@example.com", "Hi Ada")
    assert delivery.content["to_unverified"] is True


CART = "if: [{did: cart, then_not: {did: buy, within: 1 hour}}]"


async def test_a_cart_that_was_left_is_told_without_a_visit(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"))
    await site.wait(59 * MINUTE)
    assert await site.sent() == []
    await site.wait(MINUTE)
    assert [delivery.rule for delivery in await site.sent()] == ["cart"]
    await site.wait(DAY)
    assert await site.sent() == []


async def test_a_purchase_in_time_says_nothing(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"))
    site.now += 30 * MINUTE
    await site.sees(did("buy"))
    await site.wait(DAY)
    assert await site.sent() == []


async def test_another_thing_in_the_cart_begins_the_time_anew(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"))
    await site.wait(40 * MINUTE)
    await site.sees(did("cart"))
    await site.wait(40 * MINUTE)
    assert await site.sent() == []
    await site.wait(21 * MINUTE)
    assert len(await site.sent()) == 1


async def test_a_cart_that_was_left_is_told_on_the_next_page(site: Site) -> None:
    site.rules(page("cart", CART))
    await site.sees(did("cart"))
    assert await site.sees(view()) == []
    site.now += 2 * HOUR
    assert await site.sees(view()) == ["cart"]


async def test_thirty_days_since_the_last_report(site: Site) -> None:
    site.rules(hook("lapsed", "when: {since_last: report, passes: 30 days}", "send: every time"))
    await site.sees(did("report"))
    await site.wait(29 * DAY)
    await site.sees(did("report"))
    await site.wait(29 * DAY)
    assert await site.sent() == []
    await site.wait(DAY)
    assert len(await site.sent()) == 1
    await site.sees(did("report"))
    await site.wait(31 * DAY)
    assert len(await site.sent()) == 1


async def test_thirty_days_since_the_last_visit_are_told_on_the_next_page(site: Site) -> None:
    site.rules(page("back", "when: {since_last: page_view, passes: 30 days}"))
    assert await site.sees(view()) == []
    site.now += 29 * DAY
    assert await site.sees(view()) == []
    site.now += 30 * DAY
    assert await site.sees(view()) == ["back"]


async def test_a_time_rule_is_asked_about_the_people_of_before(site: Site) -> None:
    site.rules()
    await site.sees(did("report"), visitor="ada")
    site.now += 20 * DAY
    await site.sees(did("report"), visitor="bob")
    site.rules(hook("lapsed", "when: {since_last: report, passes: 30 days}"))
    await site.wait(10 * DAY)
    assert [delivery.person_id for delivery in await site.sent()] == [await site.person("ada")]
    await site.wait(20 * DAY)
    assert [delivery.person_id for delivery in await site.sent()] == [await site.person("bob")]


async def test_somebody_who_stays_away_is_due_although_nothing_says_so(site: Site) -> None:
    site.rules(hook("gone", "if: [{last_seen: more than 7 days ago}]"))
    await site.sees(view())
    await site.wait(6 * DAY)
    await site.sees(view())
    await site.wait(6 * DAY)
    assert await site.sent() == []
    await site.wait(2 * DAY)
    assert [delivery.rule for delivery in await site.sent()] == ["gone"]


async def test_what_the_schedule_holds_back_waits_until_it_opens(site: Site) -> None:
    # NOW is a Monday, 14:13 UTC.
    site.rules(hook("office", "when: {event: order}", 'schedule: {hours: "15:00-16:00"}'))
    await site.sees(did("order"))
    await site.wait(46 * MINUTE)
    assert await site.sent() == []
    await site.wait(MINUTE)
    assert [delivery.rule for delivery in await site.sent()] == ["office"]
    assert await site.store.rulings.held() == [("office", "schedule", 1)]


async def test_a_rule_that_is_gone_is_settled_silently(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"))
    site.rules()
    await site.wait(2 * HOUR)
    site.rules(hook("cart", CART))
    assert await site.sent() == []
    assert [await site.store.rulings.due(lane, site.now, 9) for lane in range(LANES)] == [[]] * LANES


async def test_of_many_servers_that_look_at_once_one_fires(site: Site) -> None:
    site.rules(hook("cart", CART))
    for number in range(20):
        await site.sees(did("cart"), visitor=str(number))
    site.now += 2 * HOUR
    others = [DueRules(site.store, site.live, lambda: site.now) for _ in range(3)]
    await asyncio.gather(*(other.fire(lane) for lane in range(LANES) for other in others))
    assert len(await site.sent()) == 20


async def test_a_crash_before_the_commit_fires_again_and_after_it_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"))
    site.now += 2 * HOUR
    lane = await site.person() % LANES
    with monkeypatch.context() as patch:
        patch.setattr(Changes, "__new__", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await site.due.fire(lane)
    assert await site.sent() == []
    await site.due.fire(lane)
    await site.due.fire(lane)
    assert len(await site.sent()) == 1


async def test_two_tabs_and_two_servers_win_one_webhook(site: Site) -> None:
    site.rules(hook("sales", "when: {page: /pricing}"))
    other = Trail(site.store, site.live)
    requests = [Batch(site="main", visitor="ada", events=[view("/pricing")]) for _ in range(6)]
    await asyncio.gather(
        *(server.record([each], NOW) for each, server in zip(requests, [site.trail, other] * 3, strict=True))
    )
    assert len(await site.sent()) == 1


async def test_a_repeated_request_sends_nothing_again(site: Site) -> None:
    site.rules(hook("each", "when: {event: order}", "send: every time"))
    order = did("order")
    await site.sees(order)
    await site.sees(order)
    assert len(await site.sent()) == 1
    await site.sees(did("order"))
    assert len(await site.sent()) == 1


async def test_a_rule_that_an_event_does_not_concern_reads_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rules(*(page(f"r{n}", f"when: {{page: /p{n}}}", "if: [{did: x, in: 1 day}]") for n in range(100)))
    await site.sees(view("/plain"))
    asked: list[str] = []
    async with site.store.transaction() as transaction:
        kind = type(transaction)
    for name in ("offers", "recent", "page_totals", "due"):
        monkeypatch.setattr(kind, name, lambda *_, name=name: asked.append(name))
    await site.sees(view("/plain"), view("/other"), did("y"))
    assert asked == []


async def test_only_the_newest_thousand_events_are_looked_at(site: Site) -> None:
    site.rules(page("busy", "if: [{did: click, in: 7 days, times: at least 1000}]"))
    await site.sees(view())
    person_id = await site.person()
    rows = [
        Moment(person_id, f"c{n}", "main", NOW - n * SECOND, NOW, "click", "", "", "", "", {}, 1, 1)
        for n in range(1_200)
    ]
    async with site.store.transaction() as transaction:
        await transaction.save(Changes(events=rows))
        found = await transaction.recent([(person_id, "click", 0), (person_id, "page_view", 0)])
    assert len(found) == 1_001
    assert [moment.id for moment in found if moment.name == "click"][-1] == "c0"
    assert await site.sees(view()) == ["busy"]


def proves(user_id: str) -> Event:
    """An identify with a proof of the user_id."""
    proof = Proof("user_hash", user_id, None, frozenset({"user_id"}))
    return did("identify", "", traits={"user_id": user_id}, proof=proof)


async def test_a_message_is_said_once_to_two_browsers_that_become_one_user(site: Site) -> None:
    site.rules(page("offer", "when: {page: /pricing}"), hook("sales", "when: {page: /pricing}"))
    for visitor in ("phone", "laptop"):
        await site.sees(proves("u-1"), visitor=visitor)
    assert await site.sees(view("/pricing"), visitor="phone") == ["offer"]
    await site.sees(did("message_shown", metadata={"message": "offer"}), visitor="phone")
    site.now += HOUR
    assert await site.sees(view("/pricing"), visitor="laptop") == []
    assert len(await site.sent()) == 1


async def test_who_was_told_as_a_visitor_is_not_told_again_as_a_user(site: Site) -> None:
    site.rules(page("offer", "when: {page: /pricing}"), hook("sales", "when: {page: /pricing}"))
    await site.sees(proves("u-1"), visitor="laptop")
    assert await site.sees(view("/pricing"), visitor="phone") == ["offer"]
    await site.sees(did("message_shown", metadata={"message": "offer"}), visitor="phone")
    await site.sees(proves("u-1"), visitor="phone")
    site.now += HOUR
    for visitor in ("phone", "laptop"):
        assert await site.sees(view("/pricing"), visitor=visitor) == []
    assert len(await site.sent()) == 1


async def test_what_was_due_for_a_visitor_falls_due_for_the_user(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(did("cart"), visitor="laptop")
    await site.sees(did("cart"), visitor="phone")
    for visitor in ("laptop", "phone"):
        await site.sees(proves("u-1"), visitor=visitor)
    await site.wait(2 * HOUR)
    assert len(await site.sent()) == 1


async def test_what_the_user_bought_elsewhere_settles_what_was_due_for_the_visitor(site: Site) -> None:
    site.rules(hook("cart", CART))
    await site.sees(proves("u-1"), visitor="laptop")
    await site.sees(did("cart"), visitor="phone")
    await site.sees(proves("u-1"), visitor="phone")
    site.now += MINUTE
    await site.sees(did("buy"), visitor="laptop")
    await site.wait(2 * HOUR)
    assert await site.sent() == []


async def test_the_counts_of_both_are_one_count(site: Site) -> None:
    site.rules(page("offer", "when: {page: /pricing}", "if: [{viewed: /pricing, times: more than 3}]"))
    await site.sees(proves("u-1"), visitor="laptop")
    await site.sees(view("/pricing"), view("/pricing"), visitor="laptop")
    await site.sees(view("/pricing"), visitor="phone")
    await site.sees(proves("u-1"), visitor="phone")
    assert await site.sees(view("/pricing"), visitor="phone") == ["offer"]


async def test_who_is_in_the_control_stays_in_it_after_a_merge(site: Site) -> None:
    site.rules(page("offer", "send: every time", "control: 50%"))
    await site.sees(proves("u-1"), visitor="laptop")
    shown = {visitor: await site.sees(view(), visitor=visitor) for visitor in map(str, range(12))}
    assert 0 < sum(map(bool, shown.values())) < 12
    for visitor, answer in shown.items():
        await site.sees(proves(f"user-{visitor}"), visitor=visitor)
        await site.sees(did("message_shown", metadata={"message": "offer"}), visitor=visitor)
        site.now += HOUR
        assert await site.sees(view(), visitor=visitor) == answer


async def test_an_entry_that_breaks_is_put_off_and_keeps_nobody_waiting(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.rules(hook("cart", CART))
    for number in range(6):
        await site.sees(did("cart"), visitor=str(number))
    unlucky = await site.person("3")
    settle = Claims.settle

    def breaks(claims: Claims, rule: Rule, facts: Facts) -> None:
        if facts.person.person_id == unlucky:
            raise RuntimeError("a defect of ours")
        settle(claims, rule, facts)

    with monkeypatch.context() as patch:
        patch.setattr(Claims, "settle", breaks)
        await site.wait(2 * HOUR)
    assert len(await site.sent()) == 5
    await site.wait(HOUR)
    assert [delivery.person_id for delivery in await site.sent()] == [unlucky]
