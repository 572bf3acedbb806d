"""What becomes of a rule that matches: given, offered again, held back, or nothing."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, HOUR, SECOND
from server.rules.decide import Decision, decide, free_at, held_back, is_control
from server.rules.facts import Facts
from server.rules.policy import Caps, parse_cap, parse_control, parse_send
from server.rules.rule import Rule

from .people import NOW, did_event, facts, person, rule, total, view, won

NO_CAPS = Caps()
EVERYWHERE = (
    "deliver: {page: {title: Hi}, webhook: {url: 'https://crm.example.com'}, email: {subject: a, body: b}}"
)
MAIL = "deliver: {email: {subject: a, body: b}}"
HOOK = "deliver: {webhook: {url: 'https://crm.example.com/hook'}}"


def on_view(*offers: Any, **more: Any) -> Facts:
    return facts(event=view("/"), offers={"help": list(offers)} if offers else {}, **more)


def test_a_message_is_given_once() -> None:
    assert decide(rule(), on_view(), NO_CAPS) == Decision("give", 1)
    assert decide(rule(), on_view(won(shown=NOW - DAY)), NO_CAPS).step == "nothing"


def test_nothing_is_for_whoever_was_blocked_by_the_api() -> None:
    blocked = person(profile={"blocked": True})
    for offers in ((), (won(offered=0),)):
        asked = on_view(*offers)._replace(person=blocked)
        assert decide(rule(), asked, NO_CAPS).step == "nothing"
        assert decide(rule(), asked._replace(person=person()), NO_CAPS).step != "nothing"


def test_what_was_not_reported_as_shown_is_offered_again_after_thirty_seconds() -> None:
    for seconds, step in ((29, "nothing"), (30, "again")):
        given_before = won(offered=NOW - seconds * SECOND)
        assert decide(rule(), on_view(given_before), NO_CAPS).step == step


def test_what_was_won_is_offered_although_the_audience_no_longer_holds() -> None:
    exactly = rule("when: {page: /}", "if: [{viewed: /, times: exactly 4}]")
    fifth = on_view(won(offered=0), pages={"/": total(5)})
    assert decide(exactly, fifth, NO_CAPS) == Decision("again", 1)
    elsewhere = fifth._replace(event=view("/docs"))
    assert decide(exactly, elsewhere, NO_CAPS).step == "nothing"


@pytest.mark.parametrize("stop", ["unless: [{did: purchase}]", "goal: {did: purchase}"])
def test_a_stop_or_a_reached_goal_ends_also_what_was_won(stop: str) -> None:
    bought = {"purchase": total()}
    assert decide(rule(stop), on_view(won(offered=0), events=bought), NO_CAPS).step == "nothing"
    assert decide(rule(stop), on_view(events=bought), NO_CAPS).step == "nothing"
    assert decide(rule(stop), on_view(), NO_CAPS).step == "give"


def test_what_an_event_won_is_offered_on_any_page() -> None:
    ordered = rule("when: {event: order}")
    assert decide(ordered, facts(event=did_event("order")), NO_CAPS).step == "give"
    assert decide(ordered, on_view(), NO_CAPS).step == "nothing"
    assert decide(ordered, on_view(won(offered=0)), NO_CAPS).step == "again"


def test_a_page_message_without_a_trigger_waits_for_a_page_and_a_webhook_does_not() -> None:
    tracked = facts(event=did_event("order"), events={"order": total()})
    assert decide(rule("if: [{did: order}]"), tracked, NO_CAPS).step == "nothing"
    assert decide(rule("if: [{did: order}]", deliver=HOOK), tracked, NO_CAPS).step == "give"


@pytest.mark.parametrize(
    ("send", "offers", "nth"),
    [
        ("every time", [won(shown=NOW)], 2),
        ("at most 2 times", [won(shown=NOW)], 2),
        ("at most 2 times", [won(shown=NOW), won(nth=2, shown=NOW)], 0),
        ("every 7 days", [won(shown=NOW, claimed=NOW - 6 * DAY)], 0),
        ("every 7 days", [won(shown=NOW, claimed=NOW - 7 * DAY)], 2),
        ("until clicked", [won(shown=NOW)], 2),
        ("until clicked", [won(shown=NOW, clicked=NOW), won(nth=2, shown=NOW)], 0),
        ("once", [won(shown=NOW)], 0),
    ],
)
def test_send_says_how_often(send: str, offers: list[Any], nth: int) -> None:
    assert decide(rule(f"send: {send}"), on_view(*offers), NO_CAPS).nth == nth


@given(st.integers(1, 50), st.integers(1, 30), st.lists(st.integers(0, 60), max_size=30))
def test_a_cap_counts_any_stretch_of_its_length(most: int, days: int, ago: list[int]) -> None:
    cap = parse_cap(f"{most} per {days} days")
    times = [NOW - each * DAY for each in ago]
    reached = cap.is_reached(times, NOW)
    assert reached == (sum(each < days for each in ago) >= most)
    if reached:
        assert not cap.is_reached(times, cap.free_at(times))
        assert cap.is_reached(times, cap.free_at(times) - 1)


def test_a_cap_counts_the_messages_of_all_rules_but_not_those_of_the_control() -> None:
    caps = Caps.model_validate({"page": "1 per day"})
    other = {"other": [won(rule="other", claimed=NOW - HOUR, shown=NOW)]}
    held = decide(rule(), facts(event=view("/"), offers=other), caps)
    assert held == Decision("hold", reason="cap")
    measured = {"other": [won(rule="other", claimed=NOW - HOUR, control=True, message={})]}
    assert decide(rule(), facts(event=view("/"), offers=measured), caps).step == "give"
    by_hook = {"other": [won(rule="other", claimed=NOW - HOUR, ways="webhook", message={})]}
    assert decide(rule(), facts(event=view("/"), offers=by_hook), caps).step == "give"


def test_what_a_cap_holds_back_is_free_when_it_is_reached_no_longer() -> None:
    caps = Caps.model_validate({"webhook": "1 per day"})
    other = {"other": [won(rule="other", claimed=NOW - HOUR, ways="webhook", message={})]}
    given_facts = facts(event=view("/"), offers=other)
    hook = rule(deliver=HOOK)
    assert list(held_back(hook, given_facts, caps)) == ["cap"]
    assert free_at(hook, given_facts, caps, "cap") == NOW + 23 * HOUR


def test_an_email_needs_an_address_that_was_proved() -> None:
    claimed, proved = person(email="a@example.com"), person(email="a@example.com", verified=True)
    for who, step in ((person(), "hold"), (claimed, "hold"), (proved, "give")):
        assert decide(rule(deliver=MAIL), facts(who, event=view("/")), NO_CAPS).step == step
    anybody = rule(deliver="deliver: {email: {subject: a, body: b, to_unverified: yes}}")
    assert decide(anybody, facts(claimed, event=view("/")), NO_CAPS).step == "give"
    # By several ways it goes by those that there are.
    assert decide(rule(deliver=EVERYWHERE), facts(event=view("/")), NO_CAPS).step == "give"


def test_the_control_is_drawn_by_the_person_and_of_the_size_that_was_asked_for() -> None:
    control = parse_control("10%")
    drawn = [control.holds("help", person_id) for person_id in range(20_000)]
    assert drawn == [control.holds("help", person_id) for person_id in range(20_000)]
    assert 0.09 < sum(drawn) / len(drawn) < 0.11
    other = [control.holds("other", person_id) for person_id in range(20_000)]
    assert sum(a and b for a, b in zip(drawn, other, strict=True)) < 300


def test_who_was_in_the_control_stays_in_it_as_another_person() -> None:
    half = rule("send: every time", "control: 50%")
    for control in (True, False):
        before = won(control=control, message={} if control else {"id": "help"}, shown=NOW)
        for person_id in range(20):
            merged = facts(person(person_id=person_id), event=view("/"), offers={"help": [before]})
            assert is_control(half, merged) is control
            assert decide(half, merged, NO_CAPS) == Decision("give", 2, control)


@pytest.mark.parametrize("text", ["0 per day", "1 per month", "per day", "many"])
def test_what_is_no_cap_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_cap(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [("1 a day", "1 per 1 day"), ("once per week", "1 per 7 days"), ("2 per 12 hours", "2 every 12 hours")],
)
def test_a_cap_is_said_in_several_ways(text: str, same: str) -> None:
    assert parse_cap(text)[:2] == parse_cap(same)[:2]


def test_every_day_is_one_day() -> None:
    assert parse_send("every day").pause == parse_send("every 24 hours").pause == DAY


def scheduled(text: str) -> Rule:
    return rule(f"schedule: {{{text}}}")


def at(zone: str, *parts: int) -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * SECOND)  # type: ignore[arg-type]


OFFICE = 'hours: "09:00-18:00", days: [mon, tue, wed, thu, fri]'


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ((2026, 11, 24, 9, 0), True),
        ((2026, 11, 24, 8, 59), False),
        ((2026, 11, 24, 17, 59), True),
        ((2026, 11, 24, 18, 0), False),
        ((2026, 11, 28, 12, 0), False),
    ],
)
def test_a_schedule_is_in_the_time_zone_of_the_persons_site(moment: tuple[int, ...], expected: bool) -> None:
    schedule = scheduled(OFFICE).schedule
    assert schedule is not None
    assert schedule.is_open(at("Europe/Lisbon", *moment), "main") is expected
    assert schedule.is_open(at("Asia/Tokyo", *moment), "east") is expected


def test_days_are_whole_and_the_last_is_included() -> None:
    schedule = scheduled("from: 2026-12-01, until: 2026-12-24").schedule
    assert schedule is not None
    for moment, expected in (
        ((2026, 11, 30, 23, 59), False),
        ((2026, 12, 1, 0, 0), True),
        ((2026, 12, 24, 23, 59), True),
        ((2026, 12, 25, 0, 0), False),
    ):
        assert schedule.is_open(at("Europe/Lisbon", *moment), "main") is expected


def test_what_is_left_of_the_night_belongs_to_the_day_on_which_it_began() -> None:
    schedule = scheduled('hours: "22:00-06:00", days: [fri]').schedule
    assert schedule is not None
    for moment, expected in (
        ((2026, 11, 27, 23, 0), True),
        ((2026, 11, 28, 5, 59), True),
        ((2026, 11, 28, 22, 0), False),
        ((2026, 11, 27, 5, 0), False),
    ):
        assert schedule.is_open(at("Europe/Lisbon", *moment), "main") is expected


def test_a_closed_schedule_says_when_it_opens() -> None:
    schedule = scheduled(OFFICE).schedule
    assert schedule is not None
    friday_night, monday = at("Europe/Lisbon", 2026, 11, 27, 20, 0), at("Europe/Lisbon", 2026, 11, 30, 9, 0)
    assert schedule.opens_at(friday_night, "main") == monday
    over = scheduled("until: 2026-01-01").schedule
    assert over is not None
    assert over.opens_at(NOW, "main") is None


@given(st.integers(0, 30 * 24 * 60))
def test_a_schedule_is_open_when_it_opens_and_closed_until_then(minutes: int) -> None:
    schedule = scheduled(OFFICE + ", from: 2026-12-10").schedule
    assert schedule is not None
    now = NOW + minutes * 60 * SECOND
    if not schedule.is_open(now, "main"):
        opens = schedule.opens_at(now, "main")
        assert opens is not None
        assert schedule.is_open(opens, "main")
        assert not schedule.is_open(opens - 1, "main")


def test_outside_of_its_schedule_a_message_is_held_back_and_not_given_again() -> None:
    advent = scheduled("from: 2026-12-01")
    assert decide(advent, on_view(), NO_CAPS) == Decision("hold", reason="schedule")
    assert decide(advent, on_view(won(offered=0)), NO_CAPS).step == "nothing"
