"""A hit becomes an event: the clock rule, the page's identity, redaction, and metadata of documented types.

What the caller chose (URL, name, metadata) is refused when it is over a limit; what it did not (title,
referrer) is cut.
"""

import math
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from server.clock import DAY, MINUTE
from server.collect import attempts
from server.collect.decode import MAX_URL, Hit
from server.errors import EventRejected
from server.identity import Proof
from server.ids import new_event_id
from server.model import Event, Metadata, Site
from server.people.page import page_path, redact
from server.people.proof import claims_proof, proved

MAX_TITLE = 512
MAX_KEYS = 20
MAX_KEY = 64
MAX_TEXT = 1_024
MAX_IDENTIFIER = 128
EARLIEST = 7 * DAY
LATEST = 5 * MINUTE
"""The clock rule: an event's time lies within [received - 7 days, received + 5 minutes]."""

RESERVED = frozenset(
    [
        "page_view",
        "page_leave",
        "form_submit",
        "form_error",
        "identify",
        "link_click",
        "file_download",
        "message_shown",
        "message_clicked",
        "message_dismissed",
        "reset",
    ]
)
"""Event names with a meaning of their own; they do not count towards a site's 500 names."""

_LINKS = frozenset({"link_click", "file_download"})

_UNSAFE_KEYS = frozenset({"__proto__", "constructor", "prototype"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]{1,64}@[^@\s<>()\[\],;:\\\"]{1,190}\.[^@\s<>()\[\],;:\\\".]{2,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
MAX_INTEGER = 1 << 63


def clean(
    hit: Hit, site: Site, received: int, sent_at: float | None, identity_secret: str | None = None
) -> Event:
    """The event, or EventRejected with what is wrong with it. `identity_secret` is the site's, for proofs."""
    url, path = ("", "")
    if hit.url:
        url, path = clean_url(hit.url, site.redact, site.spa == "hash")
    elif hit.name == "page_view":
        raise EventRejected("invalid_url", "A page view needs its `url`.")
    traits, proof = (None, None)
    if hit.name == "identify":
        traits, proof = clean_traits(hit.traits or {}, identity_secret, received)
    return Event(
        id=hit.id or new_event_id(received),
        name=hit.name,
        at=corrected(hit.at, received, sent_at),
        received=received,
        url=url,
        path=path,
        title=_cut(hit.title, MAX_TITLE),
        referrer=clean_referrer(hit.referrer, site.redact) if hit.referrer else "",
        metadata=_metadata(hit.metadata, hit.name) if hit.metadata else {},
        traits=traits,
        proof=proof,
    )


def _metadata(metadata: dict[str, Any], name: str) -> Metadata:
    """The metadata; an address that was clicked is the snippet's choice, so it is cut and not refused."""
    if name in _LINKS and isinstance(href := metadata.get("href"), str):
        metadata["href"] = href[:MAX_TEXT]
    cleaned = clean_metadata(metadata, name)
    return attempts.clean_attempt(cleaned) if name in attempts.NAMES else cleaned


def corrected(at: float | None, received: int, sent_at: float | None) -> int:
    """When it happened, by the server's clock: `received - (sent_at - at)`, clamped (CONTRACT section 2)."""
    if at is None:
        return received
    sent = received if sent_at is None else sent_at
    return int(min(max(received - (sent - at), received - EARLIEST), received + LATEST))


@lru_cache(maxsize=16_384)
def clean_url(url: str, also_redact: frozenset[str], keep_fragment: bool) -> tuple[str, str]:
    """The redacted URL and its page. Raises EventRejected unless it is http or https with a host."""
    if not _is_web(url):
        raise EventRejected("invalid_url", "The URL must begin with http:// or https:// and name a host.")
    kept = redact(without_credentials(url), also_redact, keep_fragment)
    return kept, page_path(kept, keep_fragment)


@lru_cache(maxsize=4_096)
def clean_referrer(referrer: str, also_redact: frozenset[str]) -> str:
    """The referrer, redacted and cut; empty when it is no web address."""
    if not _is_web(referrer):
        return ""
    return _cut(redact(without_credentials(referrer), also_redact), MAX_URL)


def without_credentials(url: str) -> str:
    """The URL without `user:password@`."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return f"{scheme}{separator}{host}{rest[len(authority) :]}"


def _is_web(url: str) -> bool:
    if _CONTROL.search(url) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _cut(text: str | None, limit: int) -> str:
    if not text:
        return ""
    return text[:limit] if text.isprintable() else _CONTROL.sub("", text)[:limit]


def clean_metadata(metadata: dict[str, Any], name: str) -> Metadata:
    """The metadata as it came, once every key and value is of a documented type. Raises EventRejected."""
    if len(metadata) > MAX_KEYS:
        raise EventRejected(
            "invalid_metadata", f"The metadata has {len(metadata)} keys; at most {MAX_KEYS} are taken."
        )
    for key, value in metadata.items():
        _check_key(key)
        if name == "form_error" and key == "fields":
            _check_fields(value)
        elif isinstance(value, dict):
            _check_object(key, value)
        elif isinstance(value, list):
            raise EventRejected("invalid_metadata", f"`{key}` is a list; metadata is flat.")
        else:
            _check_scalar(key, value)
    return metadata


def clean_traits(
    traits: dict[str, Any], secret: str | None = None, now: int = 0
) -> tuple[Metadata, Proof | None]:
    """The traits of an identify, and the proof if it came with one. Raises EventRejected."""
    if not claims_proof(traits):
        return _clean_traits(traits), None
    by = "user_jwt" if "user_jwt" in traits else "user_hash"
    plain, covered = proved(traits, secret, now)
    cleaned = _clean_traits(plain)
    return cleaned, Proof(
        by,
        user_id=cleaned.get("user_id") if "user_id" in covered else None,
        email=cleaned.get("email") if "email" in covered else None,
        covers=covered & cleaned.keys(),
    )


def _clean_traits(traits: dict[str, Any]) -> Metadata:
    clean_metadata(traits, "identify")
    cleaned = {key: value for key, value in traits.items() if value is not None and value != ""}
    for key in ("user_id", "email", "name"):
        if (value := cleaned.get(key)) is not None:
            cleaned[key] = _identifier(key, value)
    if "email" in cleaned:
        cleaned["email"] = cleaned["email"].strip().lower()
        if not _EMAIL.fullmatch(cleaned["email"]):
            raise EventRejected("invalid_email", "`email` is no e-mail address.")
    return cleaned


def _identifier(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise EventRejected("invalid_traits", f"`{key}` must be text.")
    text = str(value)
    if not text.strip():
        raise EventRejected("invalid_traits", f"`{key}` is empty.")
    limit = MAX_IDENTIFIER if key == "user_id" else 254
    if len(text) > limit:
        raise EventRejected(
            "invalid_traits", f"`{key}` has {len(text)} characters; at most {limit} are taken."
        )
    return text


def _check_key(key: str) -> None:
    shown = key[:MAX_KEY]
    if not key.strip() or len(key) > MAX_KEY:
        raise EventRejected(
            "invalid_metadata", f"A metadata key has 1 to {MAX_KEY} characters: `{shown}…` has {len(key)}."
        )
    if _CONTROL.search(key) or key in _UNSAFE_KEYS or not key.isprintable():
        raise EventRejected("invalid_metadata", f"`{_CONTROL.sub('?', shown)}` is no metadata key.")


def _check_scalar(key: str, value: Any) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise EventRejected(
                "invalid_metadata", f"`{key}` has {len(value)} characters; at most {MAX_TEXT} are taken."
            )
        if _CONTROL.search(value):
            raise EventRejected("invalid_metadata", f"`{key}` holds a control character.")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value < MAX_INTEGER:
            raise EventRejected("invalid_metadata", f"`{key}` is out of the range of 64 bits.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise EventRejected("invalid_metadata", f"`{key}` is no finite number.")


def _check_object(key: str, value: dict[str, Any]) -> None:
    if value.keys() == {"amount", "currency"}:
        amount, currency = value["amount"], value["currency"]
        _check_scalar(key, amount)
        if isinstance(amount, bool) or not isinstance(amount, int):
            raise EventRejected(
                "invalid_metadata", f"`{key}.amount` must be an integer of minor units (cents)."
            )
        if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
            raise EventRejected(
                "invalid_metadata", f"`{key}.currency` must be a three-letter code such as eur."
            )
    elif value.keys() == {"url", "value"}:
        if not isinstance(value["url"], str) or len(value["url"]) > MAX_URL or not _is_web(value["url"]):
            raise EventRejected("invalid_metadata", f"`{key}.url` must be an http or https address.")
        if isinstance(value["value"], (dict, list)):
            raise EventRejected("invalid_metadata", f"`{key}.value` must be text or a number.")
        _check_scalar(f"{key}.value", value["value"])
    else:
        raise EventRejected(
            "invalid_metadata",
            f"`{key}` is an object; only {{url, value}} and {{amount, currency}} are taken.",
        )


def _check_fields(fields: Any) -> None:
    if not isinstance(fields, list):
        raise EventRejected("invalid_metadata", "`fields` is a list of {name, reason}.")
    for field in fields:
        if not isinstance(field, dict) or not field.keys() <= {"name", "reason"}:
            raise EventRejected("invalid_metadata", "`fields` holds {name, reason} only.")
        for key, value in field.items():
            if not isinstance(value, str) or _CONTROL.search(value):
                raise EventRejected("invalid_metadata", f"`fields.{key}` is text.")


@lru_cache(maxsize=1_024)
def language_of(accept_language: str) -> str:
    """The first language of an Accept-Language header, as `pt` or `pt-br`; empty when there is none."""
    first = accept_language.split(",", 1)[0].split(";", 1)[0].strip().lower()
    return first if _LANGUAGE.fullmatch(first) else ""
