"""`deliver`: by which ways a message goes, and what it says."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, model_validator

from server.addresses import allowed, parse_target
from server.messages.template import check_template
from server.rules.part import Part
from server.rules.values import Text, text_of, written
from server.rules.when import SecondsText

WAYS = ("page", "webhook", "email")


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


def _webhook(value: Any, info: ValidationInfo) -> str:
    """Raises ValueError for what is no address of a receiver, or a private one that is not allowed."""
    url = text_of(value).strip()
    parse_target(url, allowed((info.context or {}).get("webhook_allow", ())))
    return url


def variable(text: str) -> str:
    """The name of an environment variable. Raises ValueError for anything else."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("This is the name of an environment variable that holds the secret, not the secret.")
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,190}", text.strip()):
        raise ValueError(f"'{text[:60]}' is no e-mail address; write one such as hello@example.com.")
    return text.strip()


def _yes_or_no(text: str) -> bool:
    words = text.strip().lower()
    if words not in ("true", "false", "yes", "no"):
        raise ValueError(f"'{text[:40]}' is neither true nor false.")
    return words in ("true", "yes")


def _sender(value: Any) -> Any:
    return value["name"] if isinstance(value, dict) and value.keys() == {"name"} else value


TemplateText = Annotated[str, written(_template)]
LinkText = Annotated[str, written(_link)]


class Button(Part):
    label: TemplateText
    url: LinkText


class PageMessage(Part):
    """A message that the page shows."""

    style: Literal["note", "banner", "modal"] = "note"
    title: TemplateText | None = None
    body: TemplateText | None = None
    sender: Annotated[
        TemplateText | None, BeforeValidator(_sender, json_schema_input_type=str | dict[Literal["name"], str])
    ] = Field(default=None, alias="from")
    button: Button | None = None
    after: SecondsText | None = None
    """Seconds on the page before it is shown."""

    @model_validator(mode="after")
    def _says_something(self) -> "PageMessage":
        if self.title is None and self.body is None:
            raise ValueError("A page message needs a `title`, a `body`, or both.")
        return self


class Webhook(Part):
    """The match, sent to a receiver of the operator's own."""

    url: Annotated[str, PlainValidator(_webhook, json_schema_input_type=str)]
    secret_env: Annotated[str, written(variable)] | None = None
    """The environment variable that holds this hook's secret, `whsec_…`."""


class Sender(Part):
    """Whom an e-mail comes from, where the server's own address is not it."""

    email: Annotated[str, written(_address)] | None = None
    name: Text | None = None


class Email(Part):
    """A message to the person's own address."""

    subject: TemplateText
    body: TemplateText
    button: Button | None = None
    sender: Sender | None = Field(default=None, alias="from")
    reply_to: Annotated[str, written(_address)] | None = None
    to_unverified: Annotated[bool, written(_yes_or_no)] = False
    """Whether it also goes to an address that nobody has proved to be the person's."""

    @model_validator(mode="after")
    def _links_lead_somewhere(self) -> "Email":
        if self.button is not None and not urlsplit(self.button.url).scheme:
            raise ValueError("A button in an e-mail needs a whole address: https://www.example.com/…")
        return self


class Deliver(Part):
    page: PageMessage | None = None
    webhook: Webhook | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "Deliver":
        if not self.ways:
            raise ValueError("`deliver` needs a way: `page`, `webhook` or `email`.")
        return self

    @property
    def ways(self) -> tuple[str, ...]:
        return tuple(way for way in WAYS if getattr(self, way) is not None)

    @property
    def leaves(self) -> bool:
        """Whether it goes by a way that needs no page."""
        return self.webhook is not None or self.email is not None
