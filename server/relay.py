"""The mail server of LEADTRAIL_SMTP_URL: where it is, how it is spoken to, and who writes by it. Pure.

smtp://user:password@mail.example.com:587?from=Shop <hello@example.com>
smtps://mail.example.com           TLS from the first byte
smtp://127.0.0.1:25                a relay on this machine: STARTTLS if it offers it
smtp://mail.internal?tls=optional  the same for another machine, because the operator says so
"""

import ipaddress
from email.utils import parseaddr
from enum import Enum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}


class Tls(Enum):
    """How the connection is kept from being read."""

    at_once = "from the first byte"
    required = "by STARTTLS, or nothing is sent"
    optional = "by STARTTLS if it is offered"


class Relay(NamedTuple):
    """A mail server, and who writes by it."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = None
    sender_name: str = ""
    sender: str = ""
    """The address that letters come from; empty if neither `from` nor the user name is one."""

    def describe(self) -> str:
        """In words for the operator, without the password."""
        return f"{self.host}:{self.port}, with TLS {self.tls.value}"

    def __repr__(self) -> str:
        return f"Relay({self.describe()})"


def parse_relay(url: str) -> Relay:
    """The setting's text as a relay. Raises ValueError with what is wrong; it never repeats the password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("it must be smtp://[user:password@]host[:port] or smtps://…") from None
    if parts.scheme not in PORTS or not host:
        raise ValueError("it must be smtp://[user:password@]host[:port] or smtps://…")
    options = dict(parse_qsl(parts.query))
    if unknown := options.keys() - {"from", "tls"}:
        raise ValueError(f"there is no option {min(unknown)!r}; there are `from` and `tls`")
    tls = _tls(parts.scheme, host, options.get("tls"))
    user, password = (unquote(text) if text else None for text in (parts.username, parts.password))
    if user and tls is Tls.optional and not _is_this_machine(host):
        raise ValueError("a password is never sent without TLS; leave tls=optional out")
    name, sender = parseaddr(options.get("from", user if user and "@" in user else ""))
    if "from" in options and "@" not in sender:
        raise ValueError("`from` must be an address, such as from=hello@example.com")
    return Relay(host, port or PORTS[parts.scheme], tls, user, password, name, sender)


def _tls(scheme: str, host: str, wanted: str | None) -> Tls:
    if wanted not in (None, "required", "optional") or (scheme == "smtps" and wanted == "optional"):
        raise ValueError("tls is `required` or `optional`, the latter for smtp:// only")
    if scheme == "smtps":
        return Tls.at_once
    # Nothing leaves this machine on the way to a relay that runs on it.
    return Tls[wanted] if wanted else Tls.optional if _is_this_machine(host) else Tls.required


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
