"""Doubts: what is no mistake and probably not meant either, told with its place."""

import pytest

from server.rules.document import read_document
from server.rules.lint import find_doubts
from server.rules.load import load

from .people import NOW, SITES


def doubts(messages: str, events: set[str] | None = None, top: str = "") -> list[str]:
    text = f"{SITES}{top}messages:\n{messages}"
    found = find_doubts(load(text, "leadtrail.yaml"), read_document(text), NOW, events)
    return [f"{doubt.line}:{doubt.column}: {doubt.message}" for doubt in found]


def rule(rule_id: str, *parts: str, deliver: str = "page: {title: Hi}") -> str:
    return f"  - {{{', '.join([f'id: {rule_id}', *parts])}, deliver: {{{deliver}}}}}\n"


def test_an_ordinary_file_leaves_no_doubt() -> None:
    assert doubts(rule("a", "when: {page: /a}") + rule("b", "when: {page: /b}"), {"x"}) == []


def test_an_event_that_was_never_collected_is_told_with_the_nearest() -> None:
    known = {"report.created", "purchase"}
    [found] = doubts(rule("a", "if: [{did: report.create}]"), known)
    assert (
        found == "3:5: message a: no event 'report.create' was ever collected; did you mean 'report.created'?"
    )
    for part in ("when: {event: order}", "when: {since_last: order, passes: 1 day}", "goal: {did: order}"):
        assert doubts(rule("a", part), known) == ["3:5: message a: no event 'order' was ever collected."]
    sequence = "if: [{did: purchase, then_not: {did: order, within: 1 hour}}]"
    assert doubts(rule("a", sequence), known) == ["3:5: message a: no event 'order' was ever collected."]
    assert doubts(rule("a", "if: [{did: order}]"), None) == []


def test_a_segment_may_ask_for_an_event_that_never_was() -> None:
    [found] = doubts(rule("a"), {"x"}, top="segments: {keen: {if: [{did: y}]}}\n")
    assert found.endswith("segment keen: no event 'y' was ever collected.")


def test_a_schedule_that_is_over_never_opens() -> None:
    assert doubts(rule("a", "schedule: {until: 2020-01-01}")) == [
        "3:23: message a: the schedule is over; it is never given."
    ]


def test_a_window_longer_than_the_retention_counts_less_than_it_says() -> None:
    [found] = doubts(rule("a", "if: [{viewed: /a, in: 100 days}]"))
    assert "longer than the retention" in found
    assert doubts(rule("a", "if: [{viewed: /a, in: 100 days}]"), top="retention: forever\n") == []
    assert doubts(rule("a", "if: [{viewed: /a, in: 90 days}]")) == []


def test_what_waits_for_a_message_that_nobody_sees_never_matches() -> None:
    hook = rule("a", deliver="webhook: {url: 'https://crm.example.com'}")
    [found] = doubts(hook + rule("b", "when: {page: /b}", "if: [{message: a}]"))
    assert "goes by no page" in found
    users = rule("a", "to: [users]", "when: {page: /a}")
    [found] = doubts(
        users + rule("b", "to: [visitors]", "when: {page: /b}", "if: [{message: a, was: clicked}]")
    )
    assert "whose role never falls" in found
    assert doubts(users + rule("b", "when: {page: /b}", "if: [{message: a, was: never seen}]")) == []


@pytest.mark.parametrize(
    ("one", "other", "compete"),
    [
        (["when: {page: /a}"], ["when: {page: /a}"], True),
        (["when: {page: /a}"], ["when: {page: '/a*'}"], True),
        (["when: {page: '/a*'}"], ["when: {page: /ab}"], True),
        (["when: {page: '/a*'}"], ["when: {page: '/a*'}"], True),
        ([], [], True),
        (["when: {page: /a}"], [], False),
        (["when: {page: /a}"], ["when: {page: /b}"], False),
        (["when: {page: /a}"], ["when: {event: x}"], False),
        (["to: [visitors]"], ["to: [users]"], False),
        (["if: [{did: x}]"], ["unless: [{did: x}]"], False),
        (["if: [{did: x}]"], ["if: [{not: {did: x}}]"], False),
        (["if: [{did: x}]"], ["if: [{message: a, was: never seen}]"], False),
        (["if: [{did: x, times: fewer than 3}]"], ["if: [{did: x, times: at least 3}]"], False),
        (["if: [{did: x, times: fewer than 4}]"], ["if: [{did: x, times: at least 3}]"], True),
    ],
)
def test_two_messages_that_one_page_view_gives_compete(
    one: list[str], other: list[str], compete: bool
) -> None:
    found = doubts(rule("a", *one) + rule("b", *other))
    assert any("competes with message 'a'" in doubt for doubt in found) is compete


def test_a_cap_on_pages_decides_between_messages() -> None:
    assert doubts(rule("a") + rule("b"), top="caps: {page: 1 per day}\n") == []
