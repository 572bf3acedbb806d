"""A message as a letter: headers that nobody's text can add to, and its words twice, plain and HTML. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from urllib.parse import urlsplit

import msgspec

from server.clock import SECOND
from server.model import Delivery

MAX_SUBJECT = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")

_WORDS: Mapping[str, tuple[str, str]] = {
    "en": ("You get this because you left your address at", "Unsubscribe"),
    "pt": ("Recebe esta mensagem porque deixou o seu endereço em", "Cancelar a subscrição"),
}


class Mailbox(msgspec.Struct, frozen=True):
    """Who writes: a name that is shown, an address, or both."""

    name: str = ""
    email: str = ""


class Button(msgspec.Struct, frozen=True):
    label: str
    url: str


class Content(msgspec.Struct, frozen=True):
    """What a delivery by e-mail holds. Its texts are plain and rendered."""

    to: str
    subject: str
    body: str
    verified: bool = False
    to_unverified: bool = False
    """Whether the rule may write to an address that nobody has proved."""
    button: Button | None = None
    sender: Mailbox | None = msgspec.field(default=None, name="from")
    reply_to: str | None = None
    language: str = ""
    """Of the person; the footer is in it if it can."""


def one_address(text: str) -> str:
    """The text if it is one e-mail address, its domain in IDNA. Raises ValueError that does not repeat it."""
    local, _, domain = text.strip().rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    address = f"{local}@{domain}"
    if len(local) > 64 or len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise ValueError("this is no e-mail address that can be written to")
    return address


def one_line(text: str, limit: int = MAX_SUBJECT) -> str:
    """The text without line breaks and control characters: fit for a header."""
    return " ".join(_CONTROL.sub(" ", text).split())[:limit]


def write_letter(delivery: Delivery, content: Content, default: Mailbox, unsubscribe: str) -> EmailMessage:
    """The letter. `default` is who writes where the rule does not say, `unsubscribe` the URL to get no more.

    Raises ValueError for an address that is none.
    """
    to = one_address(content.to)
    given = content.sender or Mailbox()
    sender = Mailbox(one_line(given.name or default.name, 80), one_address(given.email or default.email))
    letter = EmailMessage(policy=policy.SMTP)
    letter["From"] = Address(sender.name, addr_spec=sender.email)
    letter["To"] = Address(addr_spec=to)
    if content.reply_to:
        letter["Reply-To"] = Address(addr_spec=one_address(content.reply_to))
    letter["Subject"] = one_line(content.subject)
    letter["Date"] = format_datetime(datetime.fromtimestamp(delivery.made // SECOND, UTC))
    # The same with every try, so that a mailbox that got two copies can know them as one.
    letter["Message-ID"] = f"<{delivery.id}@{sender.email.rpartition('@')[2]}>"
    letter["List-Unsubscribe"] = f"<{unsubscribe}>"
    letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter["Auto-Submitted"] = "auto-generated"
    reason, word = _WORDS.get(content.language.lower().partition("-")[0], _WORDS["en"])
    reason = f"{reason} {sender.name or sender.email.rpartition('@')[2]}."
    letter.set_content(_plain(content, f"{reason}\n{word}: {unsubscribe}"), cte="quoted-printable")
    footer = f'{escape(reason)} <a href="{escape(unsubscribe)}" style="color:inherit">{escape(word)}</a>'
    letter.add_alternative(_html(content, footer, content.language), subtype="html", cte="quoted-printable")
    return letter


def _clean(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_CONTROL.sub(" ", line).rstrip() for line in lines).strip()


def _plain(content: Content, footer: str) -> str:
    button = f"\n\n{one_line(content.button.label)}: {content.button.url}" if content.button else ""
    return f"{_clean(content.body)}{button}\n\n-- \n{footer}\n"


def _html(content: Content, footer: str, language: str) -> str:
    paragraphs = "".join(
        f"<p>{_linked(text)}</p>\n" for text in re.split(r"\n{2,}", _clean(content.body)) if text
    )
    button = ""
    if content.button and urlsplit(content.button.url).scheme in ("http", "https"):
        button = (
            f'<p><a href="{escape(content.button.url)}" style="display:inline-block;padding:10px 18px;'
            f'border-radius:6px;background:#1f6f4a;color:#ffffff;text-decoration:none">'
            f"{escape(one_line(content.button.label))}</a></p>\n"
        )
    lang = language if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", language) else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark"></head>\n'
        '<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif">\n'
        f'<div style="max-width:34em;margin:0 auto">\n{paragraphs}{button}'
        f'<hr style="border:0;border-top:1px solid #8884;margin:32px 0 12px">\n'
        f'<p style="font-size:13px;opacity:.75">{footer}</p>\n</div>\n</body>\n</html>\n'
    )


def _linked(text: str) -> str:
    """The text escaped, its links to click, its single line breaks kept."""
    parts: list[str] = []
    end = 0
    for link in _LINK.finditer(text):
        parts += [escape(text[end : link.start()]), f'<a href="{escape(link[0])}">{escape(link[0])}</a>']
        end = link.end()
    return "".join([*parts, escape(text[end:])]).replace("\n", "<br>\n")
