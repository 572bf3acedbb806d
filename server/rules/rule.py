"""One message of leadtrail.yaml: to whom, when, on which conditions, and what it says."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from server.clock import HOUR, SECOND
from server.messages.template import check_template
from server.model import Role
from server.rules.conditions import Condition
from server.rules.grammar import Times, parse_duration
from server.rules.registry import Form, Key
from server.rules.values import PageText, written

ROLES = {"visitors": Role.visitor, "leads": Role.lead, "users": Role.user}


class Part(BaseModel):
    """A mapping of the file: any key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _template(text: str) -> str:
    check_template(text)
    return text


def _link(text: str) -> str:
    url = text.strip()
    if "{{" in url or "{%" in url:
        raise ValueError("A link is the same for everybody; leave the template out.")
    if any(not character.isprintable() or character in ' \\"<>' for character in url):
        raise ValueError(
            "A link holds no spaces, quotes, backslashes or angle brackets; percent-encode them."
        )
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        raise ValueError("This is no link; write https://…, or a path such as /contact.") from None
    if scheme not in ("", "http", "https"):
        raise ValueError(f"A link is http, https or a path such as /contact, never {scheme[:20]}:.")
    if scheme and not urlsplit(url).hostname:
        raise ValueError(
            "This link names no host; write https://example.com/contact, or a path such as /contact."
        )
    return url


def _seconds(text: str) -> int:
    """`5`, which is seconds, or a duration."""
    span = int(text) * SECOND if text.isdecimal() and len(text) < 9 else parse_duration(text)
    if span > HOUR:
        raise ValueError("At most 1 hour: few stay longer on a page.")
    return span // SECOND


def _sender(value: Any) -> Any:
    return value["name"] if isinstance(value, dict) and value.keys() == {"name"} else value


TemplateText = Annotated[str, written(_template)]
LinkText = Annotated[str, written(_link)]
SecondsText = Annotated[int, written(_seconds)]


class Button(Part):
    label: TemplateText
    url: LinkText


class PageMessage(Part):
    """A message that the page shows."""

    style: Literal["note", "banner", "modal"] = "note"
    title: TemplateText | None = None
    body: TemplateText | None = None
    sender: Annotated[TemplateText | None, BeforeValidator(_sender)] = Field(default=None, alias="from")
    button: Button | None = None
    after: SecondsText | None = None
    """Seconds on the page before it is shown."""

    @model_validator(mode="after")
    def _says_something(self) -> "PageMessage":
        if self.title is None and self.body is None:
            raise ValueError("A page message needs a `title`, a `body`, or both.")
        return self


class Deliver(Part):
    page: PageMessage | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "Deliver":
        if self.page is None:
            raise ValueError("`deliver` needs a way: `page`.")
        return self


class When(Part):
    page: PageText
    after: SecondsText | None = None
    """Seconds on the page."""


def _roles(value: Any) -> frozenset[Role]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise ValueError("`to` is a list of visitors, leads, users; leave it out for all three.")
    unknown = [name for name in names if not isinstance(name, str) or name not in ROLES]
    if unknown:
        near = f"; did you mean '{unknown[0]}s'?" if f"{unknown[0]}s" in ROLES else "."
        raise ValueError(f"'{str(unknown[0])[:40]}' is none of visitors, leads, users{near}")
    return frozenset(ROLES[name] for name in names)


def _id(text: str) -> str:
    if len(text) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in text):
        raise ValueError("An id has 1 to 64 letters, digits, '-', '_' and '.'.")
    return text


Id = Annotated[str, written(_id)]
Roles = Annotated[frozenset[Role], BeforeValidator(_roles)]


class Contradiction(ValueError):
    """Conditions that cannot hold together; `steps` lead from their mapping to the later one."""

    def __init__(self, message: str, steps: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.steps = steps


def _lower(one: int | None, other: int | None) -> int | None:
    return min((end for end in (one, other) if end is not None), default=None)


class Audience(Part):
    """Who is meant: `if` all hold, and of `unless` none."""

    if_: list[Condition] = Field(default=[], alias="if")
    unless: list[Condition] = []

    @model_validator(mode="after")
    def _can_match(self) -> "Audience":
        ends: dict[str, Times] = {}
        for number, asked in enumerate(self.if_):
            if (counted := asked.counts()) is None:
                continue
            what, times = counted
            known = ends.get(what, times)
            low, high = max(known.low, times.low), _lower(known.high, times.high)
            if high is not None and low > high:
                raise Contradiction(
                    f"{what} cannot be {times} and {known}; this can never hold.", ("if", number)
                )
            ends[what] = Times(low, high, times.text)
        wanted = {asked.text for asked in self.if_}
        for number, asked in enumerate(self.unless):
            if asked.text in wanted:
                raise Contradiction("`if` wants just this; the two can never both hold.", ("unless", number))
        return self

    def conditions(self) -> Iterator[Form]:
        yield from self.if_
        yield from self.unless


class Rule(Audience):
    """A message and its rule."""

    id: Id
    to: Roles = frozenset(Role)
    when: When | None = None
    send: Literal["once"] = "once"
    deliver: Deliver

    @cached_property
    def asks(self) -> frozenset[Key]:
        """The totals that its conditions look at."""
        return frozenset(key for condition in self.conditions() for key in condition.asks())

    @cached_property
    def asks_pages(self) -> bool:
        """Whether they look at all pages of the person, for a glob or a regex."""
        return any(condition.asks_pages() for condition in self.conditions())

    @cached_property
    def asks_offers(self) -> bool:
        """Whether they look at the messages that the person won."""
        return any(condition.asks_offers() for condition in self.conditions())
