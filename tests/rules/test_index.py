"""Which rules an event concerns: never one too few, and the others cost nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model import Event, Kind, Total
from server.people.state import counts_for
from server.rules import pages
from server.rules.evaluate import is_within_reach, matches
from server.rules.facts import Facts
from server.rules.index import RuleSet
from server.rules.rule import Rule

from .people import HELLO, NOW, config, person, view


def rules(*texts: str) -> RuleSet:
    body = "".join(
        f"  - {{id: r{number}, {text}{', ' if text else ''}{HELLO}}}\n" for number, text in enumerate(texts)
    )
    return config(f"messages:\n{body}").rules


def ids(found: object) -> list[str]:
    return [rule.id for rule in found]  # type: ignore[attr-defined]


def event(name: str) -> Event:
    return Event(id="e", name=name, at=NOW, received=NOW)


def test_a_page_view_concerns_the_rules_of_its_page_and_those_of_every_page_in_the_files_order() -> None:
    found = rules(
        "when: {page: /docs*}", "", "when: {page: /pricing}", "when: {page: '*'}", "when: {page: /docs/a}"
    )
    assert ids(found.concern(view("/docs/a")).asked) == ["r0", "r1", "r3", "r4"]
    assert ids(found.concern(view("/pricing")).asked) == ["r1", "r2", "r3"]


def test_another_event_concerns_the_rules_without_a_page_that_ask_about_it() -> None:
    found = rules(
        "if: [{did: purchase}]",
        "when: {page: /}, if: [{did: purchase}]",
        "unless: [{not: {did: purchase}}]",
        "",
    )
    assert ids(found.concern(event("purchase")).asked) == ["r0", "r2"]
    assert ids(found.concern(event("other")).asked) == []


def test_a_segment_stands_for_what_it_asks_about() -> None:
    segments = "segments: {buyers: {if: [{did: purchase}]}}"
    text = f"{segments}\nmessages: [{{id: a, if: [{{segment: buyers}}], {HELLO}}}]\n"
    assert ids(config(text).rules.concern(event("purchase")).asked) == ["a"]


def test_rules_are_found_by_id() -> None:
    found = rules("", "")
    assert (found.get("r1"), found.get("r2")) == (list(found)[1], None)
    assert len(found) == 2


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The patterns that were compared with a path."""
    seen: list[str] = []
    compare = pages.PagePattern.matches

    def watched(self: pages.PagePattern, path: str) -> bool:
        seen.append(self.text)
        return compare(self, path)

    monkeypatch.setattr(pages.PagePattern, "matches", watched)
    return seen


def thousand(kind: str) -> list[Rule]:
    """A thousand rules, more than one file may hold."""
    texts = [kind.format(number=number) for number in range(500)]
    once = list(rules(*texts))
    return once + [each.model_copy(update={"id": f"again-{each.id}"}) for each in once]


@pytest.mark.parametrize(
    "kind",
    [
        "when: {{page: /p{number}}}, if: [{{did: e{number}}}]",
        "when: {{page: '/p{number}*'}}, if: [{{viewed: '/p{number}*'}}]",
        "when: {{page: 're:^/p{number}/'}}",
    ],
)
def test_a_thousand_rules_of_other_pages_are_not_even_looked_at(kind: str, asked: list[str]) -> None:
    found = RuleSet(thousand(kind))
    assert len(found) == 1_000
    assert found.concern(view("/elsewhere")).asked == ()
    assert found.concern(event("other")).asked == ()
    assert asked == []


def test_a_thousand_rules_about_other_events_are_not_even_looked_at(asked: list[str]) -> None:
    found = RuleSet(thousand("if: [{{did: e{number}}}]"))
    assert found.concern(event("other")).asked == ()
    assert ids(found.concern(event("e7")).asked) == ["r7", "again-r7"]
    assert asked == []


def test_the_patterns_of_a_path_are_compared_once(asked: list[str]) -> None:
    found = rules("when: {page: /docs*}", "when: {page: '*/a'}")
    first = found.concern(view("/docs/a")).asked
    assert asked == ["/docs*", "*/a"]
    assert found.concern(view("/docs/a")).asked is first
    assert asked == ["/docs*", "*/a"]


WHEN = st.sampled_from(
    ["", "when: {page: /a}", "when: {page: /a*}", "when: {page: '*b'}", "when: {page: 're:^/(a|b)$'}"]
)
IF = st.sampled_from(
    [
        "",
        "if: [{did: x}]",
        "if: [{viewed: /a}]",
        "if: [{viewed: /a, times: more than 2}, {did: x, times: fewer than 3}]",
        "if: [{did: x, times: at least 2, last: within 1 day}, {viewed: '/*', times: 1}]",
        "if: [{any: [{did: y}, {viewed: '/*'}]}]",
        "unless: [{did: x}]",
    ]
)
RULES = st.lists(
    st.tuples(WHEN, IF).map(lambda parts: ", ".join(part for part in parts if part)), min_size=1, max_size=6
)
STORY = st.lists(
    st.one_of(
        st.sampled_from(["/a", "/b", "/ab", "/c"]).map(view), st.sampled_from(["x", "y", "z"]).map(event)
    ),
    max_size=8,
)


@given(RULES, STORY)
def test_no_rule_that_matches_on_a_page_view_is_ever_missed(texts: list[str], story: list[Event]) -> None:
    found = rules(*texts)
    totals: dict[tuple[int, str], Total] = {}
    for happened in story:
        for key in counts_for(happened):
            before = totals.get(key, Total(0, NOW, NOW))
            totals[key] = Total(before.count + 1, NOW, NOW)
        facts = Facts(person(), totals, happened, NOW)
        concerned = found.concern(happened).asked
        if happened.name == "page_view":
            assert ids(each for each in concerned if matches(each, facts)) == ids(
                each for each in found if matches(each, facts)
            )
        asking = {each.id for each in found if each.when is None and each.asks & set(counts_for(happened))}
        assert asking <= set(ids(concerned))


@given(RULES, STORY)
def test_what_is_out_of_reach_does_not_match(texts: list[str], story: list[Event]) -> None:
    totals: dict[tuple[int, str], Total] = {}
    for happened in story:
        for key in counts_for(happened):
            totals[key] = Total(totals.get(key, Total(0, NOW, NOW)).count + 1, NOW, NOW)
        facts = Facts(person(), totals, happened, NOW)
        for each in rules(*texts):
            assert is_within_reach(each, facts) or not matches(each, facts)


def test_a_rule_is_out_of_reach_until_it_was_done_often_enough() -> None:
    (often,) = rules("if: [{viewed: /a, times: more than 2}]")
    for count in (2, 3):
        facts = Facts(person(), {(Kind.page, "/a"): Total(count, NOW, NOW)}, view("/a"), NOW)
        assert is_within_reach(often, facts) == (count > 2)


@given(RULES, STORY)
def test_a_rule_sees_no_more_than_the_totals_that_it_asks_for(texts: list[str], story: list[Event]) -> None:
    totals: dict[tuple[int, str], Total] = {}
    for happened in story:
        for key in counts_for(happened):
            totals[key] = Total(totals.get(key, Total(0, NOW, NOW)).count + 1, NOW, NOW)
    for each in rules(*texts):
        kept = {
            key: value
            for key, value in totals.items()
            if key in each.asks or (each.asks_pages and key[0] == 2)
        }
        for happened in story:
            assert matches(each, Facts(person(), kept, happened, NOW)) == matches(
                each, Facts(person(), totals, happened, NOW)
            )
