"""A rule's page message for one person, as `/e` answers it. Pure; delivering it is the caller's."""

import re
from collections.abc import Mapping

from server.messages.template import compile_template
from server.model import Metadata, Person
from server.rules.rule import Rule

MAX_TITLE = 200
MAX_BODY = 2_000
MAX_LABEL = 80

_SHOWN = (str, int, float)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def page_message(rule: Rule, person: Person, path: str, traits: Mapping[str, object]) -> Metadata:
    """The message, its texts rendered with `traits`, the only names that they may use; what is not said is
    left out.

    `path` is the page to which it is answered: a page that was left meanwhile does not show it.
    """
    page = rule.deliver.page
    assert page is not None
    message: Metadata = {"id": rule.id, "style": page.style}
    if page.title is not None:
        message["title"] = render(page.title, traits, MAX_TITLE)
    if page.body is not None:
        message["body"] = render(page.body, traits, MAX_BODY)
    if page.sender is not None:
        message["from"] = {"name": render(page.sender, traits, MAX_LABEL)}
    if page.button is not None:
        message["button"] = {"label": render(page.button.label, traits, MAX_LABEL), "url": page.button.url}
    after = page.after if rule.when is None or rule.when.after is None else rule.when.after
    if after:
        message["after"] = after
    message["path"] = path
    return message


def render(text: str, traits: Mapping[str, object], limit: int) -> str:
    """The text as one person reads it, at most `limit` characters long."""
    template = compile_template(text)
    if template is not None:
        text = template.render({name: value for name, value in traits.items() if isinstance(value, _SHOWN)})
    text = _CONTROL.sub("", text)
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
