"""What each condition finds, one test or more each."""

import pytest

from server.clock import DAY, HOUR, MINUTE
from server.model import Kind, Offer
from server.rules.registry import FORMS, document

from .people import NOW, condition, facts, finding, holds, person, total


def test_viewed_counts_the_views_of_one_page() -> None:
    given = facts(pages={"/pricing": total(4), "/pricing/pro": total(9)})
    assert holds("viewed: /pricing, times: more than 3", given)
    assert not holds("viewed: /pricing, times: more than 4", given)
    assert finding("viewed: /pricing/", given).value == 4
    assert not holds("viewed: /docs", given)


def test_viewed_takes_the_pages_of_a_pattern_together() -> None:
    given = facts(
        pages={
            "/docs/a": total(2, NOW - 9 * DAY, NOW - 8 * DAY),
            "/docs/b": total(1, NOW - DAY, NOW - DAY),
            "/": total(5),
        }
    )
    assert holds("viewed: /docs/*, times: exactly 3", given)
    assert holds("viewed: /docs/*, first: more than 8 days ago, last: within 2 days", given)
    assert holds("viewed: 're:^/docs/[ab]$', times: exactly 3", given)
    assert holds("viewed: /blog*, times: never", given)


def test_viewed_asks_for_one_total_or_for_all_pages() -> None:
    assert list(condition("viewed: /pricing").asks()) == [(Kind.page, "/pricing")]
    assert not condition("viewed: /pricing").asks_pages()
    assert list(condition("viewed: /pricing*").asks()) == []
    assert condition("viewed: /pricing*").asks_pages()


def test_did_counts_events_and_looks_at_the_first_and_the_last() -> None:
    given = facts(events={"report.created": total(3, NOW - 6 * DAY, NOW - HOUR)})
    assert holds("did: report.created", given)
    assert holds("did: report.created, times: more than 2, first: more than 5 days ago", given)
    assert not holds("did: report.created, first: more than 7 days ago", given)
    assert not holds("did: report.created, last: more than 2 hours ago", given)
    assert not holds("did: Report.created", given)


def test_what_never_happened_has_no_first_time() -> None:
    assert holds("did: purchase, times: never", facts())
    assert holds("did: purchase, times: fewer than 3", facts())
    assert not holds("did: purchase, times: fewer than 3, last: more than 5 days ago", facts())


def test_form_error_counts_by_form_and_by_field() -> None:
    given = facts(
        forms={"signup": total(3), "signup\nemail": total(2), "\nemail": total(5)},
        events={"form_error": total(7)},
    )
    assert finding("form_error: signup", given).value == 3
    assert finding("form_error: signup, field: email", given).value == 2
    assert finding("form_error: any, field: email", given).value == 5
    assert finding("form_error: any", given).value == 7
    assert not holds("form_error: signup, field: phone", given)


def test_last_seen_is_as_it_was_before_this_visit() -> None:
    back = facts(person(seen_before=NOW - 8 * DAY, last_seen=NOW))
    assert holds("last_seen: more than 7 days ago", back)
    assert not holds("last_seen: within 7 days", back)


def test_last_seen_of_somebody_who_has_left_is_the_end_of_that_visit() -> None:
    gone = facts(person(seen_before=NOW - 8 * DAY, last_seen=NOW - 31 * MINUTE))
    assert holds("last_seen: within 1 hour", gone)


def test_on_a_first_visit_there_is_no_last_time() -> None:
    first = facts(person(seen_before=None, first_seen=NOW, last_seen=NOW))
    assert not holds("last_seen: within 7 days", first)
    assert not holds("last_seen: more than 7 days ago", first)


def test_first_seen_is_judged_in_the_time_zone_of_the_persons_site() -> None:
    # 16:00 UTC on 30 November is the first of December in Tokyo only.
    at = 1_796_054_400_000
    assert not holds("first_seen: after 2026-11-30", facts(person(site="main", first_seen=at)))
    assert holds("first_seen: after 2026-11-30", facts(person(site="east", first_seen=at)))


def test_sessions_count_visits() -> None:
    assert holds("sessions: at least 3", facts(person(sessions=3)))
    assert not holds("sessions: at least 3", facts(person(sessions=2)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attribute: plan, is: Pro", True),
        ("attribute: plan, is: pro", False),
        ("attribute: plan", True),
        ("attribute: colour", False),
        ("attribute: seats, is: more than 10", True),
        ("attribute: seats, is: '12'", True),
        ("attribute: trial, is: true", True),
        ("attribute: email, is: ana@example.com", True),
        ("attribute: user_id", False),
        ("attribute: country, is: NO", True),
    ],
)
def test_attribute_is_what_identify_said(text: str, expected: bool) -> None:
    traits = {"plan": "Pro", "seats": 12, "trial": True, "country": "NO"}
    assert holds(text, facts(person(traits=traits, email="ana@example.com"))) is expected


def test_referrer_is_the_host_that_sent_the_person_first() -> None:
    searched = facts(person(referrer="https://www.google.com:443/search?q=leads"))
    assert holds("referrer: '*.google.com'", searched)
    assert not holds("referrer: bing.com", searched)
    assert not holds("referrer: '*'", facts(person(referrer="")))


def test_utm_compares_every_given_part_of_the_first_campaign() -> None:
    given = facts(person(utm={"source": "Newsletter", "medium": "email"}))
    assert holds("utm: {source: newsletter}", given)
    assert holds("utm: {source: newsletter, medium: email}", given)
    assert not holds("utm: {source: newsletter, campaign: spring}", given)


@pytest.mark.parametrize(
    ("spoken", "expected"), [("pt", True), ("pt-br", True), ("ptx", False), ("en", False), ("", False)]
)
def test_a_language_includes_its_regions(spoken: str, expected: bool) -> None:
    assert holds("language: pt", facts(person(language=spoken))) is expected


def test_a_region_is_that_region_only() -> None:
    assert holds("language: pt_BR", facts(person(language="pt-br")))
    assert not holds("language: pt-BR", facts(person(language="pt")))


def test_device_browser_and_system_are_the_latest() -> None:
    given = facts(person(device="mobile", browser="Chrome Mobile", os="Mac OS X"))
    assert holds("device: mobile", given)
    assert not holds("device: desktop", given)
    assert holds("browser: chrome", given)
    assert not holds("browser: Firefox", given)
    assert holds("os: Mac OS X", given)
    assert not holds("os: Windows", given)


def offer(**marks: int) -> Offer:
    return Offer(1, "help", 1, "view-1", NOW, NOW, {}, **marks)


@pytest.mark.parametrize(
    ("marks", "states"),
    [
        ({}, {"never seen"}),
        ({"shown": NOW}, {"seen"}),
        ({"shown": NOW, "clicked": NOW}, {"seen", "clicked"}),
        ({"shown": NOW, "dismissed": NOW}, {"seen", "dismissed"}),
    ],
)
def test_message_tells_what_became_of_it(marks: dict[str, int], states: set[str]) -> None:
    given = facts(offers={"help": [offer(**marks)]})
    all_states = ("seen", "clicked", "dismissed", "never seen")
    assert {state for state in all_states if holds(f"message: help, was: {state}", given)} == states


def test_a_message_that_was_never_won_was_never_seen() -> None:
    assert holds("message: help, was: never seen", facts())
    assert not holds("message: help", facts())
    assert condition("message: help").asks_offers()


def test_a_segment_is_its_conditions() -> None:
    segments = """segments:
  keen: {if: [{viewed: /pricing}, {segment: new}], unless: [{did: purchase}]}
  new: {if: [{sessions: 1}]}
"""
    keen = facts(pages={"/pricing": total()})
    assert holds("segment: keen", keen, segments)
    assert not holds(
        "segment: keen", facts(pages={"/pricing": total()}, events={"purchase": total()}), segments
    )
    assert not holds("segment: keen", facts(person(sessions=2), pages={"/pricing": total()}), segments)


def test_a_segment_asks_for_what_its_conditions_ask_for() -> None:
    segments = "segments:\n  keen: {if: [{viewed: /pricing}], unless: [{did: purchase}, {viewed: /docs*}]}\n"
    asked = condition("segment: keen", segments)
    assert set(asked.asks()) == {(Kind.page, "/pricing"), (Kind.event, "purchase")}
    assert asked.asks_pages()


def test_not_takes_one_condition_or_a_list_of_which_none_may_hold() -> None:
    given = facts(events={"b": total()})
    assert holds("not: {did: a}", given)
    assert not holds("not: {did: b}", given)
    assert not holds("not: [{did: a}, {did: b}]", given)
    assert holds("not: [{did: a}, {did: c}]", given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("viewed: /pricing, times: more than 3", "viewed /pricing more than 3 times"),
        ("viewed: /pricing", "viewed /pricing"),
        ("viewed: /pricing, times: 1", "viewed /pricing exactly 1 time"),
        ("did: purchase, times: never", "did purchase never"),
        ("did: a, first: more than 5 days ago", "did a first more than 5 days ago"),
        ("form_error: signup, field: email", "form_error signup field email"),
        ("attribute: seats, is: more than 10", "attribute seats is more than 10"),
        ("utm: {source: news, medium: email}", "utm source news, medium email"),
        ("any: [{did: a}, {not: {did: b}}]", "any (did a; not (did b))"),
        ("last_seen: within 7 days", "last_seen within 7 days"),
    ],
)
def test_a_condition_says_itself_in_words(text: str, words: str) -> None:
    assert finding(text, facts()).text == words


def test_every_condition_is_documented_and_names_one_of_its_fields() -> None:
    for name, form in FORMS.items():
        assert document(name), name
        assert name in [field.alias or key for key, field in form.model_fields.items()]
