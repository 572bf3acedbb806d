"""leadtrail.yaml as types: sites, segments and messages. `Config` is what the running server holds of it."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field

from server.clock import DAY
from server.model import Site
from server.rules.conditions import Condition
from server.rules.deliver import variable
from server.rules.grammar import parse_duration
from server.rules.index import RuleSet
from server.rules.part import Part
from server.rules.policy import Caps
from server.rules.rule import Audience, Id, Rule
from server.rules.values import written

__all__ = ["Config", "File", "Rule", "RuleSet", "SegmentForm", "SiteForm"]

MAX_RULES = 500

COUNTRY_HEADERS = ("cf-ipcountry", "cloudfront-viewer-country", "x-country-code")
"""In which proxies say where a visitor is, in lower case."""

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _origin(text: str) -> str:
    """`https://www.example.com`, as browsers send it: lower case, no default port."""
    try:
        parts = urlsplit(text.strip().lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("This is no origin; write https://www.example.com.") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        example = text.rpartition("://")[2].split("/")[0][:100] or "www.example.com"
        raise ValueError(f"An origin begins with https:// or http://; write https://{example}.")
    if "*" in host:
        raise ValueError("An origin names one host; list each of them.")
    ipv6 = ":" in host
    ascii_host = f"[{host}]" if ipv6 else _ascii_host(host)
    suffix = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    origin = f"{parts.scheme}://{ascii_host}{suffix}"
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"An origin ends with the host: write {origin}.")
    return origin


def _ascii_host(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not name or len(name) > 253 or not _HOST.fullmatch(name):
        raise ValueError(f"'{host[:60]}' is no host name; write one such as www.example.com.")
    return name


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"There is no time zone '{text[:60]}'; write one such as Europe/Lisbon.") from None
    return text


def _cookie_domain(text: str) -> str:
    domain = text.strip().lower().removeprefix(".")
    if "." not in domain or not _HOST.fullmatch(domain):
        raise ValueError("A cookie's domain is a host name with a dot, such as example.com.")
    return domain


def _site_key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        raise ValueError("A site's key has 1 to 64 letters, digits, '-' and '_'.")
    return text


def _retention(text: str) -> int | None:
    if text.strip() == "forever":
        return None
    span = parse_duration(text)
    if span < DAY:
        raise ValueError("Raw events are kept for at least 1 day; write '90 days' or 'forever'.")
    return span


def _parameter(text: str) -> str:
    return text.strip().lower()


def _country_header(text: str) -> str:
    name = text.strip().lower()
    if name not in COUNTRY_HEADERS:
        raise ValueError(f"'{text[:40]}' is none of the headers that are read: {', '.join(COUNTRY_HEADERS)}.")
    return name


class SiteForm(Part):
    """A site as the file has it."""

    key: Annotated[str, written(_site_key)]
    origins: list[Annotated[str, written(_origin)]] = []
    timezone: Annotated[str, written(_timezone)] = "UTC"
    cookie_domain: Annotated[str, written(_cookie_domain)] | None = None
    redact: list[Annotated[str, written(_parameter)]] = []
    spa: Literal["path", "query", "hash", "off"] = "path"
    webdriver: Literal["allow", "refuse"] = "refuse"
    gpc: Literal["honour", "ignore"] = "honour"
    dnt: Literal["honour", "ignore"] = "ignore"
    country_header: Annotated[str, written(_country_header)] | None = None
    identity_secret_env: Annotated[str, written(variable)] | None = None

    def site(self) -> Site:
        return Site(
            key=self.key,
            origins=tuple(self.origins),
            timezone=self.timezone,
            cookie_domain=self.cookie_domain,
            redact=frozenset(self.redact),
            spa=self.spa,
            webdriver=self.webdriver,
            gpc=self.gpc,
            dnt=self.dnt,
            country_header=self.country_header or "",
        )


class SegmentForm(Audience):
    """A named audience."""

    if_: Annotated[list[Condition], Field(alias="if", min_length=1)]


class File(Part):
    """The whole file."""

    sites: Annotated[list[SiteForm], Field(min_length=1)]
    segments: dict[Id, SegmentForm] = {}
    messages: list[Rule] = []
    caps: Caps = Caps()
    retention: Annotated[int | None, written(_retention)] = 90 * DAY


class Config(NamedTuple):
    """What the running server holds of the file."""

    sites: Mapping[str, Site] = {}
    rules: RuleSet = RuleSet()
    segments: Mapping[str, SegmentForm] = {}
    caps: Caps = Caps()
    retention: int | None = 90 * DAY
    """How long raw events are kept, in milliseconds; None is for ever."""
    identity_secret_env: Mapping[str, str] = {}
    """The environment variable that holds a site's identity secret, by site."""
