"""`in`, `where` and `then_not`: what looks at single events, and when time alone changes a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.clock import DAY, HOUR, MINUTE
from server.model import Kind, Moment
from server.rules.registry import find

from .people import NOW, condition, did_event, facts, finding, happened, holds, person, rule, total

SECONDS = NOW // 1000


def test_a_window_counts_only_what_happened_in_it() -> None:
    rows = [happened("page_view", ago * DAY, "/pricing") for ago in (1, 3, 6, 8)]
    given = facts(recent=rows, pages={"/pricing": total(40)})
    assert finding("viewed: /pricing, in: 7 days", given).value == 3
    assert holds("viewed: /pricing, in: 7 days, times: exactly 3", given)
    assert holds("viewed: '/pri*', in: 2 days, times: 1", given)
    assert holds("viewed: 're:^/docs/', in: 7 days, times: never", given)


def test_a_windows_first_and_last_are_those_inside_of_it() -> None:
    given = facts(
        recent=[happened("login", 6 * DAY), happened("login", 20 * DAY)], events={"login": total(2)}
    )
    assert holds("did: login, in: 7 days, first: within 6 days", given)
    assert not holds("did: login, in: 30 days, first: within 6 days", given)


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(1, 20), st.integers(0, 5))
def test_a_window_agrees_with_counting_by_hand(days: list[int], window: int, wanted: int) -> None:
    rows = [happened("x", ago * DAY) for ago in days]
    inside = sum(ago <= window for ago in days)
    assert holds(f"did: x, in: {window} days, times: at least {wanted}", facts(recent=rows)) == (
        inside >= wanted
    )


def test_form_errors_are_counted_in_a_window_by_form_and_field() -> None:
    rows = [
        happened("form_error", DAY, form="signup", fields=[{"name": "email", "reason": "typeMismatch"}]),
        happened("form_error", 2 * DAY, form="signup", fields=[{"name": "phone", "reason": "valueMissing"}]),
        happened("form_error", 3 * DAY, form="contact", fields=[{"name": "email", "reason": "valueMissing"}]),
    ]
    given = facts(recent=rows)
    assert finding("form_error: signup, in: 7 days", given).value == 2
    assert finding("form_error: signup, field: email, in: 7 days", given).value == 1
    assert finding("form_error: any, field: email, in: 7 days", given).value == 2
    assert finding("form_error: any, in: 1 day", given).value == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{plan: Pro}", True),
        ("{plan: pro}", False),
        ("{seats: more than 10}", True),
        ("{seats: between 12 and 20}", True),
        ("{seats: 12}", True),
        ("{seats: '12.0'}", True),
        ("{seats: fewer than 12}", False),
        ("{ratio: more than 1.5}", True),
        ("{trial: true}", True),
        ("{trial: 1}", False),
        ("{price: {currency: eur}}", True),
        ("{price: {currency: EUR, amount: at least 4900}}", True),
        ("{price: {currency: eur, amount: more than 4900}}", False),
        ("{price: {currency: eur, amount: 4900}}", True),
        ("{price: {currency: usd, amount: at least 1}}", False),
        ("{price: more than 1}", False),
        ("{seats: {currency: eur, amount: 12}}", False),
        ("{order: '3434'}", True),
        ("{order_date: within 2 days}", True),
        ("{order_date: more than 1 hour ago}", True),
        ("{order_date: before 2026-01-01}", False),
        ("{plan: Pro, seats: fewer than 3}", False),
        ("{missing: at most 3}", False),
        ("{hostile: more than 3}", False),
    ],
)
def test_where_compares_each_type_as_what_it_is(where: str, expected: bool) -> None:
    order = happened(
        "order",
        HOUR,
        plan="Pro",
        seats=12,
        ratio=1.75,
        trial=True,
        price={"amount": 4900, "currency": "eur"},
        order={"url": "https://shop.example/3434", "value": "3434"},
        order_date=SECONDS - 86_400,
        hostile="Infinity",
    )
    given = facts(recent=[order], events={"order": total()})
    assert holds(f"did: order, where: {where}", given) is expected


def test_where_counts_the_events_that_it_means() -> None:
    rows = [happened("order", day * DAY, plan=plan) for day, plan in enumerate(["Pro", "Pro", "Free"])]
    given = facts(recent=rows, events={"order": total(3)})
    assert finding("did: order, where: {plan: Pro}, times: exactly 2", given).holds
    assert holds("did: order, where: {plan: Team}, times: never", given)


def test_only_windows_and_where_look_back() -> None:
    assert list(condition("did: order, in: 7 days").looks_back()) == [("order", 7 * DAY)]
    assert list(condition("did: order, where: {plan: Pro}").looks_back()) == [("order", None)]
    assert list(condition("viewed: /a*, in: 1 day").looks_back()) == [("page_view", DAY)]
    assert not condition("viewed: /a*, in: 1 day").asks_pages()
    assert list(condition("did: order").looks_back()) == []
    assert list(condition("did: order, in: 7 days").asks()) == []


CART = "did: cart, then_not: {did: purchase, within: 1 hour}"


@pytest.mark.parametrize(
    ("cart", "purchase", "expected"),
    [
        (2 * HOUR, None, True),
        (59 * MINUTE, None, False),
        (2 * HOUR, 3 * HOUR, True),
        (2 * HOUR, 90 * MINUTE, False),
        (3 * HOUR, MINUTE, False),
        (2 * HOUR, 2 * HOUR, False),
    ],
)
def test_a_sequence_holds_when_its_time_is_over_and_nothing_followed(
    cart: int, purchase: int | None, expected: bool
) -> None:
    events = {"cart": total(2, NOW - 9 * DAY, NOW - cart)}
    if purchase is not None:
        events["purchase"] = total(1, NOW - purchase, NOW - purchase)
    assert holds(CART, facts(events=events)) is expected


def test_a_sequence_of_what_never_began_does_not_hold() -> None:
    assert not holds(CART, facts())


def test_the_same_event_may_be_what_does_not_follow() -> None:
    asked = "did: visit, then_not: {did: visit, within: 1 day}"
    assert holds(asked, facts(events={"visit": total(3, NOW - 9 * DAY, NOW - 2 * DAY)}))
    assert not holds(asked, facts(events={"visit": total(3, NOW - 9 * DAY, NOW - HOUR)}))


def test_both_ends_of_a_sequence_may_have_metadata() -> None:
    asked = "did: cart, where: {item: Oak}, then_not: {did: purchase, where: {item: Oak}, within: 1 hour}"
    oak, other = happened("cart", 3 * HOUR, item="Oak"), happened("purchase", 2 * HOUR, item="Elm")
    assert holds(asked, facts(recent=[oak, other]))
    assert not holds(asked, facts(recent=[oak, other, happened("purchase", HOUR, item="Oak")]))


@pytest.mark.parametrize(
    ("text", "ripens", "expires"),
    [
        (CART, True, False),
        ("did: a, last: more than 5 days ago", True, False),
        ("did: a, last: within 5 days", False, True),
        ("did: a, in: 5 days, times: never", True, True),
        ("did: a, in: 5 days", False, True),
        ("did: a, times: never", False, False),
        ("last_seen: more than 7 days ago", True, False),
        ("first_seen: more than 7 days ago", True, False),
        ("first_seen: before 2026-12-01", False, False),
        ("not: {did: a, last: within 5 days}", True, False),
        ("any: [{did: a}, {did: b, last: more than 1 day ago}]", True, False),
    ],
)
def test_a_condition_knows_whether_time_alone_changes_it(text: str, ripens: bool, expires: bool) -> None:
    asked = condition(text)
    assert (asked.ripens(), asked.expires()) == (ripens, expires)


@given(
    st.sampled_from(
        [
            CART,
            "did: cart, last: more than 2 hours ago",
            "did: cart, first: more than 30 hours ago",
            "did: cart, last: within 3 hours",
            "not: {did: cart, last: within 3 hours}",
            "did: cart, in: 4 hours, times: never",
            "first_seen: more than 29 days ago",
            "last_seen: more than 1 day ago",
            "last_seen: within 2 days",
        ]
    ),
    st.integers(0, 40 * 60),
    st.integers(0, 40 * 60),
    st.integers(0, 60 * 60),
)
def test_no_verdict_changes_by_time_alone_but_at_an_edge(text: str, cart: int, seen: int, later: int) -> None:
    """Between two moments with no edge in between, a condition says the same."""
    asked = condition(text)
    before = facts(
        person(last_seen=NOW - seen * MINUTE, seen_before=NOW - 3 * DAY),
        events={"cart": total(1, NOW - cart * MINUTE, NOW - cart * MINUTE)},
        recent=[happened("cart", cart * MINUTE)],
    )
    after = before._replace(now=NOW + later * MINUTE)
    edges = [edge for edge in asked.edges(before) if before.now < edge <= after.now]
    if not edges:
        assert find(asked, before).holds == find(asked, after).holds


def test_a_rule_is_due_at_the_first_moment_that_may_change_it() -> None:
    abandoned = rule("if: [{" + CART + "}]")
    just_now = facts(events={"cart": total(1, NOW, NOW)}, event=did_event("cart"))
    assert abandoned.falls_due
    assert abandoned.due_at(just_now) == NOW + HOUR
    assert abandoned.due_at(facts()) is None
    lapsed = rule("when: {since_last: report, passes: 30 days}")
    assert lapsed.falls_due
    assert lapsed.due_at(facts(events={"report": total(5, NOW - 90 * DAY, NOW - DAY)})) == NOW + 29 * DAY


def test_a_rule_with_a_page_or_event_as_its_trigger_never_falls_due() -> None:
    assert not rule("when: {page: /cart}", "if: [{" + CART + "}]").falls_due
    assert not rule("when: {event: cart}").falls_due
    assert not rule("if: [{did: cart}]").falls_due
    assert rule("if: [{did: cart}]", "unless: [{did: cart, last: within 1 day}]").falls_due


def test_since_last_does_not_count_the_event_that_ends_the_wait() -> None:
    lapsed = rule("when: {since_last: page_view, passes: 30 days}")
    assert lapsed.when is not None
    now, key = total(9, NOW - 90 * DAY, NOW), (Kind.event, "page_view")
    view = did_event("page_view")
    back = facts(events={"page_view": now}, event=view)._replace(before={key: total(8, 0, NOW - 31 * DAY)})
    assert lapsed.when.holds(back)
    assert not lapsed.when.holds(facts(events={"page_view": now}, event=view))


def test_tags_and_countries() -> None:
    given = facts(person(country="pt", tags={"1": "VIP", "2": "Beta"}))
    assert holds("tag: vip", given)
    assert not holds("tag: early", given)
    assert holds("country: pt", given)
    assert not holds("country: BR", given)


def test_rows_of_other_events_are_not_counted() -> None:
    rows: list[Moment] = [happened("other", HOUR), happened("x", HOUR)]
    assert finding("did: x, in: 1 day", facts(recent=rows)).value == 1
