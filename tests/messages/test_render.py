"""A rule's message as one person gets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.messages.render import MAX_BODY, MAX_TITLE, page_message, render
from server.messages.template import FILTERS, check_template
from server.model import Person
from server.rules.load import load
from server.rules.rule import Rule

PERSON = Person(person_id=1, site="main", visitor="v", first_seen=0, last_seen=0, session_start=0)


def rule(page: str, more: str = "") -> Rule:
    text = f"sites: [{{key: main}}]\nmessages:\n  - id: help\n{more}    deliver:\n      page: {page}\n"
    (only,) = load(text, "leadtrail.yaml").rules
    return only


def test_a_message_has_the_documented_shape() -> None:
    full = rule(
        "{style: modal, title: Questions?, body: 'Hi {{ name }}', from: Ana, after: 5,"
        " button: {label: Talk to us, url: /contact}}"
    )
    assert page_message(full, PERSON, "/pricing", {"name": "Rui"}) == {
        "id": "help",
        "style": "modal",
        "title": "Questions?",
        "body": "Hi Rui",
        "from": {"name": "Ana"},
        "button": {"label": "Talk to us", "url": "/contact"},
        "after": 5,
        "path": "/pricing",
    }


def test_what_the_rule_does_not_say_is_left_out() -> None:
    short = page_message(rule("{title: Hello}"), PERSON, "/", {})
    assert short == {"id": "help", "style": "note", "title": "Hello", "path": "/"}


def test_the_sender_may_be_written_as_it_is_answered() -> None:
    assert page_message(rule("{title: Hello, from: {name: Ana}}"), PERSON, "/", {})["from"] == {"name": "Ana"}


def test_the_time_on_the_page_may_stand_with_the_trigger() -> None:
    waiting = rule("{title: Hello}", "    when: {page: /, after: 10 seconds}\n")
    assert page_message(waiting, PERSON, "/", {})["after"] == 10


@pytest.mark.parametrize(
    ("text", "traits", "expected"),
    [
        ("Hi {{ name or 'there' }}!", {}, "Hi there!"),
        ("Hi {{ name or 'there' }}!", {"name": "Ana"}, "Hi Ana!"),
        ("Hi {{ name | default('there') }}!", {}, "Hi there!"),
        ("Hi {{ name | title }}!", {"name": "ana luz"}, "Hi Ana Luz!"),
        ("{% if plan == 'Pro' %}Pro{% else %}Free{% endif %}", {"plan": "Pro"}, "Pro"),
        ("{% if plan is defined %}yes{% endif %}", {}, ""),
        ("{{ seats }} seats", {"seats": 12}, "12 seats"),
        ("{{ price }}", {"price": {"amount": 4900, "currency": "eur"}}, ""),
        ("no template { here }", {"here": "x"}, "no template { here }"),
        ("{# a comment #}Hello", {}, "Hello"),
    ],
)
def test_texts_name_what_the_person_said(text: str, traits: dict[str, object], expected: str) -> None:
    check_template(text)
    assert render(text, traits, MAX_BODY) == expected


def test_what_a_person_said_is_text_and_never_a_template_or_markup() -> None:
    hostile = "{{ 7 * 7 }}<script>alert(1)</script>\x00\x1b"
    assert render("Hi {{ name }}", {"name": hostile}, MAX_TITLE) == "Hi {{ 7 * 7 }}<script>alert(1)</script>"


def test_a_long_text_is_cut() -> None:
    text = render("{{ name }}", {"name": "x" * 5_000}, MAX_TITLE)
    assert len(text) == MAX_TITLE
    assert text.endswith("x…")


NAMES = ["name", "plan", "seats"]
EXPRESSIONS = st.recursive(
    st.sampled_from([*NAMES, "'x'", "1", "none"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["or", "and", "==", "!="]), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(FILTERS)).map(lambda parts: f"({parts[0]}) | {parts[1]}"),
        inner.map(lambda one: f"(not {one})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
    ),
    max_leaves=8,
)
TRAITS = st.dictionaries(
    st.sampled_from(NAMES),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.just({"amount": 1}),
)


@given(EXPRESSIONS, TRAITS)
def test_no_template_that_was_accepted_can_fail_on_what_a_person_said(
    text: str, traits: dict[str, object]
) -> None:
    template = f"{{{{ {text} }}}}{{% if {text} %}}yes{{% endif %}}"
    check_template(template)
    assert len(render(template, traits, MAX_TITLE)) <= MAX_TITLE


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in b %}{% endfor %}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{% macro a() %}{% endmacro %}",
        "{{ range(9) }}",
        "{{ name.__class__ }}",
        "{{ name['x'] }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ name ~ name }}",
        "{{ seats > 3 }}",
        "{{ name | center(1000000000) }}",
        "{{ [1] }}",
        "{{ name is divisibleby 3 }}",
        "{{ name",
        "{% if name %}",
    ],
)
def test_whatever_could_fail_grow_or_reach_further_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        check_template(text)
