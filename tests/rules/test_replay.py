"""A rule on history is judged by the evaluator that runs live, so it says what would have happened."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, HOUR, MINUTE
from server.model import Agent, Event, Moment, Total
from server.people.state import add, begin, counts_for, fold
from server.rules.decide import can_show, decide
from server.rules.facts import Facts
from server.rules.policy import Caps
from server.rules.replay import Match, event_of, replay, role_at
from server.rules.rule import Rule

from .people import NOW, person, rule, won

HOOK = "deliver: {webhook: {url: 'https://crm.example.com/hook'}}"


def moment(name: str, ago: int, path: str = "/", session: int = 1) -> Moment:
    at = NOW - ago
    return Moment(1, f"{name}{ago}", "main", at, at, name, path, "", "", "", {}, 1, session)


def totals_of(moments: Sequence[Moment], before: Sequence[Moment] = ()) -> dict[tuple[int, str], Total]:
    totals: dict[tuple[int, str], Total] = {}
    for each in [*before, *moments]:
        for key in counts_for(event_of(each)):
            totals[key] = add(totals.get(key), each.at)
    return totals


def matches_of(
    asked: Rule, moments: Sequence[Moment], before: Sequence[Moment] = (), days: int = 30
) -> list[Match]:
    totals = totals_of(moments, before)
    return replay(asked, person(), totals, moments, {}, since=NOW - days * DAY, now=NOW)


PRICING = rule("when: {page: /pricing}", "if: [{viewed: /pricing, times: more than 3}]")


def views(*ago: int) -> list[Moment]:
    return [moment("page_view", each, "/pricing") for each in ago]


def test_the_fourth_view_is_the_match() -> None:
    found = matches_of(PRICING, views(5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR, HOUR))
    assert found == [Match(NOW - 2 * HOUR, False)]


def test_what_is_no_longer_stored_still_counts() -> None:
    old = views(200 * DAY, 150 * DAY, 120 * DAY)
    assert matches_of(PRICING, views(HOUR), before=old) == [Match(NOW - HOUR, False)]
    assert matches_of(PRICING, views(HOUR)) == []


def test_a_match_before_the_days_asked_for_is_none_and_a_later_one_is() -> None:
    found = matches_of(PRICING, views(9 * DAY, 8 * DAY, 7 * DAY, 6 * DAY, HOUR), days=2)
    assert found == [Match(NOW - HOUR, False)]


def test_send_says_how_often() -> None:
    every = rule("when: {page: /pricing}", "send: every 2 days")
    found = matches_of(every, views(5 * DAY, 4 * DAY, 3 * DAY, 2 * DAY, DAY))
    assert [NOW - each.at for each in found] == [5 * DAY, 3 * DAY, DAY]


def test_the_goal_counts_in_its_time() -> None:
    asked = rule("when: {page: /pricing}", "goal: {did: buy, within: 1 day}", "send: every time")
    soon = [*views(3 * DAY), moment("buy", 3 * DAY - HOUR)]
    late = [*views(3 * DAY), moment("buy", DAY)]
    assert [each.goal for each in matches_of(asked, soon)] == [True]
    assert [each.goal for each in matches_of(asked, late)] == [False]


def test_what_falls_due_matches_at_its_time() -> None:
    cart = rule("if: [{did: cart, then_not: {did: buy, within: 1 hour}}]", deliver=HOOK)
    assert matches_of(cart, [moment("cart", 5 * HOUR)]) == [Match(NOW - 4 * HOUR, False)]
    assert matches_of(cart, [moment("cart", 5 * HOUR), moment("buy", 270 * MINUTE)]) == []
    assert matches_of(cart, [moment("cart", 30 * MINUTE)]) == []
    lapsed = rule("when: {since_last: report, passes: 20 days}", deliver=HOOK)
    assert matches_of(lapsed, [moment("report", 25 * DAY)]) == [Match(NOW - 5 * DAY, False)]


def test_a_sequence_on_the_page_matches_at_the_next_view() -> None:
    cart = rule("if: [{did: cart, then_not: {did: buy, within: 1 hour}}]")
    story = [moment("cart", 5 * HOUR), moment("page_view", 270 * MINUTE), moment("page_view", HOUR)]
    assert matches_of(cart, story) == [Match(NOW - HOUR, False)]


def test_who_somebody_was_is_known_by_when_they_became_it() -> None:
    lead = person(role=2, became_lead=NOW - DAY)
    assert (role_at(lead, NOW - 2 * DAY), role_at(lead, NOW)) == (1, 2)
    user = person(role=3, became_lead=NOW - 3 * DAY, became_user=NOW - DAY)
    assert [role_at(user, NOW - days * DAY) for days in (4, 2, 0)] == [1, 2, 3]
    assert role_at(person(role=3), 0) == 3


STORY = st.lists(
    st.tuples(st.sampled_from(["/a", "/b", "buy", "cart", "x"]), st.integers(1, 60 * 24)), max_size=25
)
RULE = st.sampled_from(
    [
        ("when: {page: /a}", "if: [{viewed: /a, times: at least 2}]"),
        ("when: {page: '/*'}", "if: [{did: x, in: 3 hours}]"),
        ("if: [{did: cart, last: more than 2 hours ago}]",),
        ("if: [{did: cart, then_not: {did: buy, within: 1 hour}}]",),
        ("if: [{sessions: at least 2}]", "unless: [{did: buy}]"),
        ("when: {event: x}", "send: every 3 hours"),
        ("if: [{last_seen: more than 2 hours ago}]", "send: at most 2 times"),
        ("when: {since_last: cart, passes: 5 hours}", "goal: {viewed: /b}", "send: every time"),
    ]
)


@given(RULE, STORY)
def test_a_replay_says_what_was_decided_live(lines: tuple[str, ...], story: list[tuple[str, int]]) -> None:
    asked = rule(*lines)
    who, totals = (
        begin(1, "main", "v", NOW - max((ago for _, ago in story), default=0) * MINUTE),
        dict[tuple[int, str], Total](),
    )
    moments, offers, live = [], [], []
    for number, (what, ago) in enumerate(sorted(story, key=lambda each: -each[1])):
        name, path = ("page_view", what) if what.startswith("/") else (what, "/app")
        at = NOW - ago * MINUTE
        happened = Event(id=f"e{number:03}", name=name, at=at, received=at, path=path)
        who = fold(who, happened, Agent(), "")
        before = {key: totals.get(key) for key in counts_for(happened)}
        for key, total in before.items():
            totals[key] = add(total, at)
        moments.append(Moment(1, happened.id, "main", at, at, name, path, "", "", "", {}, 1, who.sessions))
        facts = Facts(who, totals, happened, at, {"help": offers}, list(moments), before)
        if can_show(asked, facts) and decide(asked, facts, Caps()).step == "give":
            offers.append(won(nth=len(offers) + 1, claimed=at, shown=at))
            live.append(at)
    found = replay(asked, who, totals, moments, {}, since=0, now=NOW)
    assert [match.at for match in found] == live
