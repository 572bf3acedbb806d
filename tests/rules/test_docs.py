"""docs/rules.md: every condition stands in it, and every example of it runs."""

import re
import textwrap
from pathlib import Path

import pytest
from pydantic import BaseModel

from server.errors import ConfigError
from server.messages.template import FILTERS
from server.model import Role
from server.rules.conditions.history import Did, FormError, ThenNot
from server.rules.deliver import Button, Email, PageMessage, Webhook
from server.rules.document import MAX_DEPTH
from server.rules.grammar import PERIODS, TIMES
from server.rules.load import load
from server.rules.policy import SENDS, Caps, Goal
from server.rules.registry import FORMS
from server.rules.rule import Rule
from server.rules.schedule import Schedule
from server.rules.schema import MAX_RULES, SiteForm
from server.rules.when import When

TEXT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)


def whole(example: str) -> str:
    """The example as a file: a list of conditions is put into a rule, and a site stands before it."""
    if example.startswith("if:"):
        rule = "- id: example\n  deliver: {page: {title: Hello}}\n" + textwrap.indent(example, "  ")
        example = "messages:\n" + textwrap.indent(rule, "  ")
    return example if "sites:" in example else f"sites: [{{key: main}}]\n{example}"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_good(example: str) -> None:
    assert load(whole(example), "rules.md").sites


@pytest.mark.parametrize("name", FORMS)
def test_every_condition_is_described_and_has_an_example(name: str) -> None:
    assert f"`{name}`" in TEXT
    assert any(re.search(rf"(?<![a-z_]){name}:", example) for example in EXAMPLES)


@pytest.mark.parametrize("phrase", [*TIMES, *PERIODS, *SENDS])
def test_every_phrase_is_named(phrase: str) -> None:
    assert f"`{phrase}`" in TEXT


@pytest.mark.parametrize(
    "model",
    [
        *(SiteForm, Rule, When, Goal, Schedule, Caps, Did, ThenNot, FormError),
        *(PageMessage, Webhook, Email, Button),
    ],
)
def test_every_key_is_named(model: type[BaseModel]) -> None:
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if not re.search(rf"\b{key}\b", TEXT)] == []


def test_limits_roles_and_filters_are_named() -> None:
    assert f"{MAX_RULES} messages, and a nesting of {MAX_DEPTH}" in TEXT
    assert [role.name for role in Role if f"`{role.name}s`" not in TEXT] == []
    assert [name for name in FILTERS if f"`{name}`" not in TEXT] == []


def test_the_mistakes_that_it_shows_are_those_that_are_made() -> None:
    shown = re.findall(r"^leadtrail\.yaml:\d+:\d+: (.*)$", TEXT, re.M)
    bad = whole("messages:\n  - id: pricing-help\n    if: [{viewed: /a, times: more then 3, tiems: 1}]\n")
    with pytest.raises(ConfigError) as caught:
        load(bad + "    deliver: {page: {title: Hello}}\n", "leadtrail.yaml")
    assert shown == [mistake.message for mistake in caught.value.mistakes]
