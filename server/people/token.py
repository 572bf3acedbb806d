"""The visitor's token: `<visitor id>.<signature>`. The id is public and opens nothing without the signature.

Signed by itsdangerous with SHA-256 and a salt for each site, so that another site's token is none here.
Keys are a list, oldest first; the newest signs, all verify.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache

from itsdangerous import BadSignature, Signer

COOKIE_DAYS = 396
MAX_TOKEN = 512
"""Longer ones are not even looked at."""

SALT = "leadtrail.visitor.v1"

_VISITOR_ID = re.compile(r"[0-9a-f]{32}")
_UUID7 = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}", re.IGNORECASE)


class Tokens:
    """Makes and reads visitor tokens.

    Holds a cache of those it has verified, which may be lost at any time.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._signers: dict[str, Signer] = {}
        self.read = lru_cache(maxsize=100_000)(self._read)
        self.sign = lru_cache(maxsize=100_000)(self._sign)

    def _signer(self, site: str) -> Signer:
        if site not in self._signers:
            self._signers[site] = Signer(
                list(self._keys), salt=f"{SALT}.{site}", digest_method=hashlib.sha256
            )
        return self._signers[site]

    def _sign(self, site: str, visitor: str) -> str:
        return self._signer(site).sign(visitor).decode()

    def _read(self, site: str, token: str) -> str | None:
        if len(token) > MAX_TOKEN:
            return None
        try:
            visitor = self._signer(site).unsign(token).decode()
        except (BadSignature, UnicodeError):
            return None
        return visitor if _VISITOR_ID.fullmatch(visitor) else None

    def first_visitor(self, site: str, event_id: str, received: int) -> str:
        """The id of a visitor who comes without a token.

        It follows from the first event's id where that is a fresh UUIDv7, whose 74 random bits nobody else
        can guess: a first request that is repeated since its answer was lost is then the same visitor. Any
        other id opens nothing.
        """
        if _UUID7.fullmatch(event_id) and abs(_uuid7_time(event_id) - received) < FRESH:
            message = f"{site}/{event_id.lower()}".encode()
            return hmac.digest(self._keys[-1].encode(), b"leadtrail.first.v1/" + message, "sha256")[:16].hex()
        return secrets.token_hex(16)


FRESH = 7 * 24 * 3_600_000
"""As old as a delivery may be (the clock rule's 7 days), in ms."""


def _uuid7_time(event_id: str) -> int:
    return int(event_id.replace("-", "")[:12], 16)


def cookie_name(*, https: bool, cookie_domain: str | None) -> str:
    """`lt` on http or where the site shares the cookie with its subdomains, else the host-bound `__Host-
    lt`.
    """
    return "__Host-lt" if https and not cookie_domain else "lt"


def set_cookie(token: str, *, https: bool, cookie_domain: str | None, foreign: bool = False) -> str:
    """The Set-Cookie value that keeps the token for 396 days.

    `foreign` is for a page of another site than this server's: the cookie then travels from pages of that
    one site only (CHIPS), where the browser lets it.
    """
    return _cookie(token, COOKIE_DAYS * 86_400, https, cookie_domain, foreign)


def expire_cookie(*, https: bool, cookie_domain: str | None, foreign: bool = False) -> str:
    """The Set-Cookie value that takes the token away."""
    return _cookie("", 0, https, cookie_domain, foreign)


def _cookie(value: str, max_age: int, https: bool, cookie_domain: str | None, foreign: bool) -> str:
    name = cookie_name(https=https, cookie_domain=cookie_domain)
    return f"{name}={value}; {_attributes(max_age, https, cookie_domain, foreign)}"


@lru_cache
def _attributes(max_age: int, https: bool, cookie_domain: str | None, foreign: bool) -> str:
    partitioned = foreign and https
    parts = [
        "Path=/",
        f"Max-Age={max_age}",
        "HttpOnly",
        "SameSite=None" if partitioned else "SameSite=Lax",
    ]
    if cookie_domain:
        parts.append(f"Domain={cookie_domain}")
    if https:
        parts.append("Secure")
    if partitioned:
        parts.append("Partitioned")
    return "; ".join(parts)


def cookie_value(header: str, name: str) -> str | None:
    """The one cookie of this name; two of a name are none (somebody may have tossed one in)."""
    if ";" not in header:
        key, _, value = header.strip().partition("=")
        return value if key == name else None
    found = [
        value for part in header.split(";") for key, _, value in [part.strip().partition("=")] if key == name
    ]
    return found[0] if len(found) == 1 else None
