"""Two people become one and two again: pure algebra, so mostly told by properties."""

from itertools import permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from server.clock import HOUR
from server.identity import Merge, Origin, Proof, Said
from server.model import Kind, Offer, Person, Role, Total
from server.people.merge import (
    join,
    join_offers,
    join_totals,
    may_join,
    memory_totals,
    recall,
    remember,
    separate,
    separate_offers,
    separate_totals,
)
from server.people.state import begin

NOW = 1_790_000_000_000

texts = st.sampled_from(["", "a", "b", "c"])
times = st.integers(NOW, NOW + 1_000_000)
totals = st.dictionaries(
    st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["/a", "/b", "page_view"])),
    st.builds(lambda n, a, b: Total(n, min(a, b), max(a, b)), st.integers(1, 9), times, times),
    max_size=6,
)


@st.composite
def people(draw: st.DrawFn, number: int = 1, user_id: str | None = None) -> Person:
    first, last = sorted((draw(times), draw(times)))
    traits = draw(st.dictionaries(st.sampled_from(["plan", "seats", "city"]), texts, max_size=3))
    email = draw(st.sampled_from([None, "a@x.example", "b@x.example"]))
    origins = {
        name: Said(draw(st.sampled_from(Origin)), draw(times), (str(number),))
        for name in [*traits, *(["email"] if email else [])]
    }
    return Person(
        person_id=number,
        site="main",
        visitor=str(number),
        role=Role.user if user_id else draw(st.sampled_from([Role.visitor, Role.lead])),
        email=email,
        user_id=user_id,
        verified=user_id is not None,
        traits=traits,
        origins=origins,
        # Two people are never first or last seen in the same millisecond here: who is then first is their id.
        first_seen=first * 10 + number,
        last_seen=last * 10 + number,
        session_start=last * 10 + number,
        sessions=draw(st.integers(1, 5)),
        events=draw(st.integers(1, 9)),
        referrer=draw(texts),
        landing=f"https://x.example/{number}",
        utm={"source": str(number)},
        language=draw(texts),
        browser=draw(texts),
        became_lead=draw(st.none() | times),
    )


three = st.tuples(people(1), people(2), people(3, user_id="u-1"))


def _without_trifles(person: Person) -> Person:
    """Without the device, whose later one counts unless there is none, and without who else said a trait."""
    said = {name: Said(each.origin, each.at) for name, each in person.origins.items()}
    return structs.replace(person, language="", browser="", origins=said)


@given(three)
def test_the_order_in_which_visitors_join_a_user_is_all_the_same(of: tuple[Person, Person, Person]) -> None:
    one, other, user = of
    first, second = join(other, join(one, user)), join(one, join(other, user))
    assert _without_trifles(first) == _without_trifles(second)
    assert (first.sessions, first.events) == (
        sum(p.sessions for p in of),
        sum(p.events for p in of),
    )
    assert (first.first_seen, first.last_seen) == (
        min(p.first_seen for p in of),
        max(p.last_seen for p in of),
    )
    assert (first.user_id, first.role, first.person_id) == ("u-1", Role.user, 3)


@given(three)
def test_the_first_page_and_campaign_are_those_of_whoever_came_first(
    of: tuple[Person, Person, Person],
) -> None:
    one, other, user = of
    both = join(other, join(one, user))
    came_first = min(of, key=lambda person: person.first_seen)
    assert (both.landing, both.referrer, both.utm) == (
        came_first.landing,
        came_first.referrer,
        came_first.utm,
    )


@given(st.lists(totals, min_size=1, max_size=4))
def test_totals_add_up_in_any_order(of: list[dict[tuple[int, str], Total]]) -> None:
    sums = []
    for order in list(permutations(of))[:6]:
        both: dict[tuple[int, str], Total] = {}
        for each in order:
            both = join_totals(each, both)
        sums.append(both)
    assert all(each == sums[0] for each in sums)
    for key, total in sums[0].items():
        parts = [each[key] for each in of if key in each]
        assert total == Total(
            sum(part.count for part in parts),
            min(part.first for part in parts),
            max(part.last for part in parts),
        )


@given(people(1), people(2, user_id="u-1"), totals, totals)
def test_what_is_merged_and_undone_is_as_it_was(
    one: Person, user: Person, ours: dict[tuple[int, str], Total], theirs: dict[tuple[int, str], Total]
) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(remember(one, user, ours, theirs, [], [], ["e1"])))
    memory = recall(Merge(2, 1, NOW, "user_hash", "e1", stored))
    assert (memory.source, memory.target, memory.latest) == (one, user, ["e1"])
    assert memory_totals(memory) == ours
    both = join_totals(ours, theirs)
    left = {**both, **separate_totals(both, memory)}
    assert {key: total for key, total in left.items() if total is not None} == theirs
    again = separate(join(one, user), memory)
    unlike = {"first_seen", "last_seen", "events", "session_start", "seen_day"}
    for field in Person.__struct_fields__:
        if field not in unlike:
            assert getattr(again, field) == getattr(user, field), field


def test_what_a_user_learned_since_the_merge_stays_when_it_is_undone() -> None:
    one = structs.replace(begin(1, "main", "v1", NOW), traits={"plan": "Free"}, referrer="https://a.example/")
    user = structs.replace(begin(2, "main", "v2", NOW + HOUR), user_id="u", verified=True, role=Role.user)
    memory = recall(Merge(2, 1, NOW, "api", "", remember(one, user, {}, {}, [], [], [])))
    since = structs.replace(join(one, user), traits={"plan": "Free", "seats": 3}, name="Ada", sessions=7)
    undone = separate(since, memory)
    assert (undone.traits, undone.name, undone.referrer, undone.sessions) == ({"seats": 3}, "Ada", "", 6)


def test_what_was_counted_since_the_merge_stays_when_it_is_undone() -> None:
    one, user = begin(1, "main", "v1", NOW), begin(2, "main", "v2", NOW)
    key = (int(Kind.page), "/a")
    ours, theirs = {key: Total(3, NOW, NOW + 5)}, {key: Total(2, NOW + 1, NOW + 2)}
    memory = recall(Merge(2, 1, NOW, "api", "", remember(one, user, ours, theirs, [], [], [])))
    now = {key: Total(6, NOW, NOW + 99)}
    assert separate_totals(now, memory) == {key: Total(3, NOW + 1, NOW + 99)}


def offer(person_id: int, claimed: int, rule: str = "hello", nth: int = 1, shown: int | None = None) -> Offer:
    return Offer(person_id, rule, nth, f"e{claimed}", claimed, claimed, {"id": rule}, shown)


def test_every_message_that_was_shown_is_kept_so_that_caps_know_of_it() -> None:
    ours = [offer(1, NOW + 5, shown=NOW + 6)]
    theirs = [offer(2, NOW, shown=NOW + 1), offer(2, NOW, "other")]
    both = join_offers(2, [*ours, *theirs])
    assert [(o.person_id, o.rule, o.nth, o.shown) for o in both] == [
        (2, "hello", 1, NOW + 1),
        (2, "hello", 2, NOW + 6),
        (2, "other", 1, None),
    ]
    one, user = begin(1, "main", "v1", NOW), begin(2, "main", "v2", NOW)
    memory = recall(Merge(2, 1, NOW, "api", "", remember(one, user, {}, {}, ours, [], [])))
    assert separate_offers(2, both, memory) == theirs


def test_of_messages_that_wait_for_being_shown_one_is_left_and_none_where_one_was_shown() -> None:
    waiting = [offer(1, NOW + 5), offer(2, NOW)]
    assert [(o.nth, o.claimed) for o in join_offers(2, waiting)] == [(1, NOW + 5)]
    assert [o.claimed for o in join_offers(2, [*waiting, offer(2, NOW - 9, nth=2, shown=NOW)])] == [NOW - 9]


def test_nobody_known_is_ever_joined_with_somebody_else() -> None:
    visitor = begin(1, "main", "v", NOW)
    user = structs.replace(visitor, user_id="u-1", verified=True)
    lead = structs.replace(visitor, email="ada@x.example")
    proved_lead = structs.replace(lead, verified=True)
    other = structs.replace(visitor, person_id=2, user_id="u-2", verified=True, email="bob@x.example")
    by_id, by_both = Proof("user_hash", "u-2"), Proof("user_jwt", "u-2", "ada@x.example")
    assert may_join(visitor, other, by_id)
    assert may_join(lead, other, by_id)
    assert not may_join(user, other, by_id)
    assert may_join(user, None, Proof("user_hash", "u-1"))
    assert not may_join(proved_lead, other, by_id)
    assert may_join(proved_lead, None, by_id)
    assert may_join(proved_lead, other, by_both)
