"""Proof that somebody is who the page says: `user_hash` or `user_jwt`, made by the site's own server.

Pure: traits, secret and time go in. A proof that is empty, wrong or too old is an error; it never counts as
no proof at all.
"""

import hashlib
import hmac
from typing import Any

import jwt

from server.clock import SECOND
from server.errors import EventRejected
from server.model import Metadata

MAX_JWT = 4_096
"""Characters; longer ones are not even looked at."""

NOT_YET = 60
"""Seconds by which the clock of the site's server may be ahead of ours (`nbf`)."""

PROOFS = ("user_hash", "user_jwt")

_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims about the JWT itself, which are no traits (RFC 7519 section 4.1)."""

_OURS_TO_CHECK: Any = {f"verify_{claim}": False for claim in _REGISTERED}
"""Times are judged by the server's clock, which is passed in; the others say nothing here."""


def claims_proof(traits: Metadata) -> bool:
    """Whether the traits come with a proof, be it an empty one."""
    return any(name in traits for name in PROOFS)


def proved(traits: Metadata, secret: str | None, now: int) -> tuple[Metadata, frozenset[str]]:
    """The traits without their proof, and the names of those that it covers: `user_id`, `email` or both, and
    whatever else a JWT carries. `now` is in ms.

    Raises EventRejected with `invalid_proof` or `expired_proof`.
    """
    if secret is None:
        raise EventRejected(
            "invalid_proof", "This site has no identity secret, so nothing can be proved to it."
        )
    plain = {name: value for name, value in traits.items() if name not in PROOFS}
    covered: set[str] = set()
    if "user_jwt" in traits:
        claims = read_jwt(traits["user_jwt"], secret, now)
        for name in ("user_id", "email"):
            if name in claims and _text(plain.get(name, claims[name])) != _text(claims[name]):
                raise EventRejected("invalid_proof", f"`{name}` is not the one that `user_jwt` proves.")
        plain |= claims
        covered |= claims.keys()
    if "user_hash" in traits:
        covered.add(_check_hash(plain, traits["user_hash"], secret))
    return plain, frozenset(covered)


def user_hash(secret: str, value: str) -> str:
    """hex(HMAC-SHA256(secret, value)), as the site's server computes it over the user_id, or over the e-mail
    of who has none.
    """
    return hmac.digest(secret.encode(), value.encode(), "sha256").hex()


def read_jwt(token: Any, secret: str, now: int) -> Metadata:
    """The traits that an HS256 JWT carries, its `user_id` or `email` among them. Raises EventRejected."""
    if not isinstance(token, str) or not token or len(token) > MAX_JWT:
        raise EventRejected("invalid_proof", f"`user_jwt` is a JWT of at most {MAX_JWT} characters.")
    try:
        claims = jwt.decode(token, _key(secret), algorithms=["HS256"], options=_OURS_TO_CHECK)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise EventRejected("invalid_proof", "`user_jwt` is not signed with this site's secret.") from None
    if _time(claims, "exp", default=now // SECOND + 1) <= now // SECOND:
        raise EventRejected("expired_proof", "`user_jwt` has expired.")
    if _time(claims, "nbf", default=0) > now // SECOND + NOT_YET:
        raise EventRejected("invalid_proof", "`user_jwt` is not valid yet.")
    traits = {name: value for name, value in claims.items() if name not in _REGISTERED | set(PROOFS)}
    if not _text(traits.get("user_id")) and not _text(traits.get("email")):
        raise EventRejected("invalid_proof", "`user_jwt` carries neither `user_id` nor `email`.")
    return traits


def _check_hash(traits: Metadata, given: Any, secret: str) -> str:
    """The name of the trait that the hash proves."""
    name = "user_id" if _text(traits.get("user_id")) else "email"
    value = _text(traits.get(name))
    if not value:
        raise EventRejected("invalid_proof", "`user_hash` proves a `user_id` or an `email`; give one.")
    expected = user_hash(secret, value).encode()
    if not isinstance(given, str) or not hmac.compare_digest(given.lower().encode(), expected):
        raise EventRejected("invalid_proof", f"`user_hash` is not the hash of this `{name}`.")
    return name


def _key(secret: str) -> bytes:
    """The key as HMAC pads it; at its full length PyJWT does not take it for a short one."""
    raw = secret.encode()
    return raw if len(raw) >= _BLOCK else raw.ljust(_BLOCK, b"\0")


_BLOCK = hashlib.sha256().block_size


def _time(claims: Metadata, name: str, default: int) -> int:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise EventRejected("invalid_proof", f"`{name}` of `user_jwt` is no time.")
    return int(min(max(value, 0), 1 << 53)) if value == value else 0


def _text(value: Any) -> str:
    """An identifier as text; numbers are taken as their digits, everything else proves nothing."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
