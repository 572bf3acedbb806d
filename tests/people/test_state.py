"""Folding events into a person."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from server.clock import MINUTE
from server.model import Agent, Event, Kind, Person, Role, Total
from server.people.state import SESSION_GAP, add, begin, counts_for, fold

NOW = 1_790_000_000_000


def event(**fields: object) -> Event:
    return Event(**{"id": "e", "name": "page_view", "at": NOW, "received": NOW, "path": "/", **fields})  # type: ignore[arg-type]


def someone(at: int = NOW) -> Person:
    return begin(1, "main", "v", at)


def test_a_session_ends_after_thirty_minutes_without_an_event() -> None:
    person = fold(someone(), event(), Agent(), "")
    still = fold(person, event(at=NOW + SESSION_GAP), Agent(), "")
    later = fold(still, event(at=NOW + 2 * SESSION_GAP + 1), Agent(), "")
    assert (still.sessions, later.sessions) == (1, 2)
    assert later.session_start == NOW + 2 * SESSION_GAP + 1
    assert later.seen_before == NOW + SESSION_GAP


def test_an_event_that_comes_late_moves_first_seen_but_not_last_seen() -> None:
    person = fold(someone(), event(at=NOW - 5 * MINUTE), Agent(), "")
    assert (person.first_seen, person.last_seen, person.sessions) == (NOW - 5 * MINUTE, NOW, 1)


def test_the_first_referrer_and_utm_are_kept() -> None:
    first = event(url="https://a.example/?utm_source=news", referrer="https://search.example/")
    second = event(url="https://a.example/?utm_source=other", referrer="https://elsewhere.example/")
    person = fold(fold(someone(), first, Agent(), ""), second, Agent(), "")
    assert (person.referrer, person.utm, person.landing) == (
        "https://search.example/",
        {"source": "news"},
        first.url,
    )


def test_an_e_mail_without_proof_makes_this_visitor_a_lead() -> None:
    person = fold(
        someone(), event(name="identify", traits={"email": "ada@example.com", "name": "Ada"}), Agent(), ""
    )
    assert (person.role, person.email, person.name, person.verified) == (
        Role.lead,
        "ada@example.com",
        "Ada",
        False,
    )
    assert person.became_lead == NOW


def test_traits_without_an_e_mail_make_no_lead() -> None:
    person = fold(someone(), event(name="identify", traits={"plan": "Pro"}), Agent(), "")
    assert (person.role, person.traits) == (Role.visitor, {"plan": "Pro"})


def test_a_claim_overwrites_nothing_that_was_proved() -> None:
    proved = structs.replace(
        someone(), verified=True, email="ada@example.com", role=Role.user, traits={"plan": "Pro"}
    )
    person = fold(
        proved, event(name="identify", traits={"email": "eve@example.com", "plan": "Free"}), Agent(), ""
    )
    assert (person.email, person.role, person.traits) == ("ada@example.com", Role.user, {"plan": "Pro"})


def test_a_page_view_counts_for_the_event_and_for_the_page() -> None:
    assert list(counts_for(event(path="/pricing"))) == [(Kind.event, "page_view"), (Kind.page, "/pricing")]


def test_a_form_error_counts_once_for_the_form_and_once_for_each_field() -> None:
    failed = event(
        name="form_error", metadata={"form": "signup", "fields": [{"name": "email"}, {"name": "email"}]}
    )
    assert list(counts_for(failed)) == [
        (Kind.event, "form_error"),
        (Kind.form, "signup"),
        (Kind.form, "signup\nemail"),
        (Kind.form, "\nemail"),
    ]


@given(st.lists(st.integers(0, 2**41), min_size=1, max_size=40))
def test_a_total_is_count_earliest_and_latest_in_any_order(times: list[int]) -> None:
    total: Total | None = None
    for at in times:
        total = add(total, at)
    assert total == Total(len(times), min(times), max(times))
