"""Who people are, as types: where a trait comes from, what was proved, who was merged into whom."""

import enum
import hashlib
from typing import Any

from msgspec import Struct


class Origin(enum.IntEnum):
    """Who said a trait, the weightier the higher; stored, so the numbers are fixed."""

    claim = 1
    """Somebody at the browser, without proof."""
    user = 2
    """The browser of a proved person, beside the proof."""
    proof = 3
    """The site's own server: the proof covers it."""
    api = 4
    """A call with an API token, or the operator."""


class Said(Struct, frozen=True, array_like=True):
    """Where a trait of a person comes from."""

    origin: Origin
    at: int
    visitors: tuple[str, ...] = ()
    """The visitor ids of the browsers that said this very value; those alone are shown it again."""


class Proof(Struct, frozen=True):
    """An identity that was proved: a user_id, or the e-mail of somebody without one."""

    by: str
    """`user_hash`, `user_jwt`, `api` or `operator`."""
    user_id: str | None = None
    email: str | None = None
    """Where the proof covers it."""
    covers: frozenset[str] = frozenset()
    """The traits that were proved with it, by name."""


class Merge(Struct, frozen=True, array_like=True):
    """That one person was merged into another, and what is needed to take it back."""

    person_id: int
    """Who goes on."""
    merged: int
    """Who joined them."""
    at: int
    """The server's time."""
    by: str
    """`user_hash`, `user_jwt`, `api` or `operator`."""
    event_id: str
    """The event that proved it, or empty."""
    memory: dict[str, Any]
    """What both were just before (people.merge); empty once the merge was taken back."""
    undone: int | None = None


def user_ident(site: str, user_id: str) -> str:
    """The key under which a proved user_id resolves to a person."""
    return f"{site}/user/{user_id}"


def email_ident(site: str, email: str) -> str:
    """The key under which a proved e-mail address resolves to a person."""
    return f"{site}/email/{email}"


def letters_ident(site: str, address: str) -> str:
    """Under which it is remembered that an e-mail address wants no letters of a site.

    The hash keeps the address from being read, not from being tried.
    """
    digest = hashlib.sha256(f"{site}\n{address.strip().lower()}".encode()).hexdigest()
    return f"{site}/{digest[:40]}"
