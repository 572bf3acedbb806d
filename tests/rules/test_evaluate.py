"""Whether a rule matches, and its explanation, which must be of one mind with it."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from server.model import Event, Role
from server.rules.evaluate import explain, matches

from .people import NOW, condition, facts, find, person, rule, total, view

PRICING = rule(
    "to: [visitors, leads]",
    "when: {page: /pricing*}",
    "if: [{viewed: /pricing, times: more than 3}]",
    "unless: [{did: purchase}]",
)


def test_the_fourth_view_matches_and_the_third_does_not() -> None:
    for count, expected in ((3, False), (4, True), (5, True)):
        assert matches(PRICING, facts(pages={"/pricing": total(count)}, event=view("/pricing"))) is expected


def test_it_matches_only_on_the_page_that_it_names() -> None:
    pages = {"/pricing": total(4)}
    assert matches(PRICING, facts(pages=pages, event=view("/pricing/pro")))
    assert not matches(PRICING, facts(pages=pages, event=view("/docs")))
    leave = Event(id="e", name="page_leave", at=NOW, received=NOW, path="/pricing")
    assert not matches(PRICING, facts(pages=pages, event=leave))


def test_without_an_event_only_the_audience_is_asked() -> None:
    assert matches(PRICING, facts(pages={"/pricing": total(4)}))


def test_it_matches_only_those_whom_it_is_for() -> None:
    for role, expected in ((Role.visitor, True), (Role.lead, True), (Role.user, False)):
        given = facts(person(role=role), pages={"/pricing": total(4)}, event=view("/pricing"))
        assert matches(PRICING, given) is expected


def test_what_stands_under_unless_stops_it() -> None:
    given = facts(pages={"/pricing": total(4)}, events={"purchase": total()}, event=view("/pricing"))
    assert not matches(PRICING, given)


def test_a_rule_without_conditions_matches_everybody() -> None:
    assert matches(rule(), facts(event=view("/")))


def test_an_explanation_gives_each_condition_its_value_and_verdict() -> None:
    given = facts(pages={"/pricing": total(3)}, events={"purchase": total(2)}, event=view("/pricing"))
    assert [(found.text, found.value, found.holds) for found in explain(PRICING, given)] == [
        ("to visitors, leads", "visitor", True),
        ("when page /pricing*", "/pricing", True),
        ("viewed /pricing more than 3 times", 3, False),
        ("unless did purchase", 2, False),
    ]


DID = st.sampled_from("abc").map(lambda name: f"{{did: {name}}}")
CONDITIONS = st.recursive(
    DID,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda many: f"{{any: [{', '.join(many)}]}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: f"{{all: [{', '.join(many)}]}}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: f"{{not: [{', '.join(many)}]}}"),
        inner.map(lambda one: f"{{not: {one}}}"),
    ),
    max_leaves=6,
).filter(lambda text: text.count("[") <= 2 and text.count("{") <= 6)


def truth(text: str, done: set[str]) -> bool:
    """The same condition in Python's own words."""

    def judge(asked: dict[str, object]) -> bool:
        ((name, value),) = asked.items()
        if name == "did":
            return value in done
        verdicts = [judge(inner) for inner in (value if isinstance(value, list) else [value])]
        return {"any": any(verdicts), "all": all(verdicts), "not": not any(verdicts)}[name]

    return judge(yaml.safe_load(text))


@given(CONDITIONS, st.sets(st.sampled_from("abc")))
def test_all_any_and_not_agree_with_pythons(text: str, done: set[str]) -> None:
    given_facts = facts(events={name: total() for name in done})
    assert find(condition(text[1:-1]), given_facts).holds == truth(text, done)


COUNTS = st.integers(0, 6)


@given(COUNTS, COUNTS, st.sampled_from(Role), st.sampled_from(["/pricing", "/pricing/pro", "/docs"]))
def test_a_rule_matches_exactly_when_every_line_of_its_explanation_holds(
    views: int, purchases: int, role: Role, path: str
) -> None:
    pages = {"/pricing": total(views)} if views else {}
    events = {"purchase": total(purchases)} if purchases else {}
    given_facts = facts(person(role=role), pages, events, event=view(path))
    assert matches(PRICING, given_facts) == all(found.holds for found in explain(PRICING, given_facts))
