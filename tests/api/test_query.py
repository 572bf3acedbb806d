"""Intercom's search language, read into filters."""

from typing import Any

import pytest

from server import filters
from server.api.query import FIELDS, MAX_DEPTH, MAX_PARTS, OPERATORS, parse_query
from server.errors import BadRequest
from server.filters import All, Condition, Field, Known, Like, OneOf, Over, Under, Within

MIDNIGHT = 1_790_118_000
"""Of 23 September 2026 in Lisbon, in Unix seconds."""
DAY = 86_400


def asked(field: str, operator: str, value: Any) -> filters.Filter:
    return parse_query({"field": field, "operator": operator, "value": value}, "Europe/Lisbon")


@pytest.mark.parametrize(
    ("operator", "value", "test", "negated"),
    [
        ("=", "Ada", OneOf(("Ada",)), False),
        ("!=", "Ada", OneOf(("Ada",)), True),
        ("IN", ["Ada", "Bob"], OneOf(("Ada", "Bob")), False),
        ("NIN", ["Ada"], OneOf(("Ada",)), True),
        ("~", "Ad", Like(("Ad",)), False),
        ("!~", "Ad", Like(("Ad",)), True),
        ("^", "A", Like(("A",), begins=True), False),
        ("$", "a", Like(("a",), ends=True), False),
        ("=", None, Known(), True),
        ("!=", "", Known(), False),
    ],
)
def test_every_operator_of_text(operator: str, value: Any, test: filters.Test, negated: bool) -> None:
    assert asked("name", operator, value) == Condition(Field("name"), test, negated)


@pytest.mark.parametrize(
    ("operator", "value", "test"),
    [
        ("=", 3, OneOf(numbers=(3,))),
        ("IN", ["3", 4.5], OneOf(numbers=(3.0, 4.5))),
        ("<", "3", Under(3.0)),
        (">", 3, Over(3)),
        ("<=", 3, Under(3, equal=True)),
        (">=", 3, Over(3, equal=True)),
    ],
)
def test_every_operator_of_numbers(operator: str, value: Any, test: filters.Test) -> None:
    assert asked("session_count", operator, value) == Condition(Field("sessions"), test)


def test_dates_are_days_of_the_sites_time_zone() -> None:
    noon = MIDNIGHT + DAY // 2
    begins, ends = MIDNIGHT * 1_000, (MIDNIGHT + DAY) * 1_000
    created = Field("created")
    for value in (noon, str(noon), MIDNIGHT, MIDNIGHT + DAY - 1):
        assert asked("created_at", "=", value) == Condition(created, Within(begins, ends))
        assert asked("created_at", ">", value) == Condition(created, Within(low=ends))
        assert asked("created_at", "<", value) == Condition(created, Within(high=begins))
    trial = Field("trial_ends_at", "traits")
    assert asked("custom_attributes.trial_ends_at", "=", noon) == Condition(
        trial, Within(MIDNIGHT, MIDNIGHT + DAY)
    )


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    in_march = asked("created_at", "=", 1_774_785_600)
    assert isinstance(in_march, Condition)
    assert isinstance(in_march.test, Within)
    assert (in_march.test.high or 0) - (in_march.test.low or 0) == 23 * 3_600_000


@pytest.mark.parametrize("true", [True, 1, "true"])
def test_flags_that_were_never_said_are_false(true: Any) -> None:
    said = Condition(Field("unsubscribed_from_emails", "profile"), OneOf(("true",)))
    unsaid = said._replace(negated=True)
    assert asked("unsubscribed_from_emails", "=", true) == filters.Any((said,))
    assert asked("unsubscribed_from_emails", "!=", true) == filters.Any((unsaid,))
    assert asked("unsubscribed_from_emails", "=", False) == filters.Any((unsaid,))
    assert asked("unsubscribed_from_emails", "NIN", [True, False]) == filters.Any(())


def test_attributes_are_asked_by_what_the_value_is() -> None:
    seats = Field("seats", "traits")
    assert asked("custom_attributes.seats", "=", 3) == Condition(seats, OneOf(("3",), (3,)))
    assert asked("custom_attributes.seats", "=", "3") == Condition(seats, OneOf(("3",), (3.0,)))
    assert asked("custom_attributes.seats", "=", True) == Condition(seats, OneOf(("true",)))
    assert asked("custom_attributes.seats", ">=", "3") == Condition(seats, Over(3.0, equal=True))
    assert asked("custom_attributes.a.b", "~", "x") == Condition(Field("a.b", "traits"), Like(("x",)))


def test_ids_addresses_and_domains() -> None:
    assert asked("id", "IN", ["00000000000000ff", "nobody"]) == Condition(Field("id"), OneOf(numbers=(255,)))
    assert asked("email", "=", " Ada@X.Example ") == Condition(Field("email"), OneOf(("ada@x.example",)))
    assert asked("email_domain", "=", "x.example") == filters.Any(
        (Condition(Field("email"), Like(("@x.example",), ends=True)),)
    )
    assert asked("email_domain", "!~", "x") == All(
        (Condition(Field("email"), Like(("@", "x")), negated=True),)
    )
    assert asked("tag_id", "=", "7") == Condition(Field("tag"), OneOf(("7",)))


def test_groups_nest() -> None:
    ada = {"field": "name", "operator": "=", "value": "Ada"}
    inner = {"operator": "OR", "value": [ada, ada]}
    condition = Condition(Field("name"), OneOf(("Ada",)))
    assert parse_query({"operator": "AND", "value": [ada, inner]}, "UTC") == All(
        (condition, filters.Any((condition, condition)))
    )


def nested(depth: int) -> Any:
    query: Any = {"field": "name", "operator": "=", "value": "Ada"}
    for _ in range(depth):
        query = {"operator": "and", "value": [query]}
    return query


def test_groups_nest_so_deep_and_no_deeper() -> None:
    parse_query(nested(MAX_DEPTH), "UTC")
    with pytest.raises(BadRequest):
        parse_query(nested(MAX_DEPTH + 1), "UTC")
    with pytest.raises(BadRequest):
        parse_query({"operator": "OR", "value": [nested(0)] * (MAX_PARTS + 1)}, "UTC")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ([], "query"),
        ({}, "operator"),
        ({"operator": "="}, "field"),
        ({"operator": "AND", "value": {}}, "value"),
        ({"field": "segment_id", "operator": "=", "value": "x"}, "field"),
        ({"field": "1; DROP TABLE people", "operator": "=", "value": "x"}, "field"),
        ({"field": "created_at", "operator": ">=", "value": 1}, "operator"),
        ({"field": "created_at", "operator": "=", "value": "soon"}, "value"),
        ({"field": "created_at", "operator": "=", "value": 10**15}, "value"),
        ({"field": "name", "operator": "LIKE", "value": "x"}, "operator"),
        ({"field": "name", "operator": "IN", "value": "x"}, "value"),
        ({"field": "name", "operator": "IN", "value": []}, "value"),
        ({"field": "name", "operator": "~", "value": ""}, "value"),
        ({"field": "name", "operator": "=", "value": "a\0b"}, "value"),
        ({"field": "name", "operator": "=", "value": "x" * 1_025}, "value"),
        ({"field": "session_count", "operator": ">", "value": "many"}, "value"),
        ({"field": "session_count", "operator": ">", "value": True}, "value"),
        ({"field": "session_count", "operator": ">", "value": float("inf")}, "value"),
        ({"field": "unsubscribed_from_emails", "operator": "=", "value": "maybe"}, "value"),
        ({"field": "unsubscribed_from_emails", "operator": "=", "value": 2}, "value"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_name(query: Any, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_query(query, "UTC")
    assert caught.value.field == field


def test_every_field_takes_every_operator_of_its_kind() -> None:
    for name, of_field in FIELDS.items():
        for operator in OPERATORS[of_field.kind]:
            value: Any = {"date": MIDNIGHT, "number": 3, "flag": True}.get(of_field.kind.value, "x")
            asked(name, operator, [value] if operator in ("IN", "NIN") else value)
