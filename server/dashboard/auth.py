"""The operator's sign-in: a password or a one-time link opens a session. No requests, pages or cookies here.

What lies in the store are hashes: of the password (argon2id), of random session tokens and links (SHA-256).
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from server.clock import DAY, HOUR, MINUTE, Clock
from server.errors import BadRequest, TooManyRequests, Unauthorized
from server.limits import Buckets, address_key
from server.settings import Rate
from server.store.base import Operators

MIN_PASSWORD = 12
"""Characters of a password that is set in the dashboard."""
MAX_PASSWORD = 1_024
"""Bytes; longer ones are never hashed."""

LINK_LIFE = HOUR
IDLE_LIFE = 12 * HOUR
"""A dashboard stays open beside one's work: a working day, not the half hour that a bank gives."""
ABSOLUTE_LIFE = 7 * DAY
TOUCH_AFTER = MINUTE
"""The last use is written at most once a minute, so that reading pages does not mean writing."""

TRIES = Rate(5 / 300, 5)
"""Failed sign-ins of the account: 5 in 5 minutes. A sign-in link is not held up by it."""
TRIES_BY_ADDRESS = Rate(20 / 60, 20)

SIGN_IN_PATH = "/dashboard/sign-in"

_ACCOUNT = "operator"


class Session(NamedTuple):
    """An open session. `token` is what the cookie holds, `csrf` what every form must carry."""

    token: str
    csrf: str


class Auth:
    """Who may come in. One object for the whole server; what it keeps in memory may be lost at any time."""

    def __init__(
        self,
        operators: Operators,
        clock: Clock,
        *,
        password: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._operators = operators
        self._clock = clock
        self._given_password = password
        self._hasher = PasswordHasher()
        self._tries = Buckets(TRIES, monotonic)
        self._tries_by_address = Buckets(TRIES_BY_ADDRESS, monotonic)
        # One at a time: each takes 64 MiB, and nobody but one operator signs in.
        self._hashing = asyncio.Lock()

    @property
    def password_is_given(self) -> bool:
        """Whether LEADTRAIL_PASSWORD says the password, so that it cannot be set here."""
        return self._given_password is not None

    async def start(self) -> None:
        """Make the given password the operator's; a changed one ends every session. Call before serving."""
        if self._given_password is None:
            return
        stored = await self._operators.password_hash()
        if stored is None or not await self._matches(stored, self._given_password):
            await self._store_password(self._given_password)

    async def has_password(self) -> bool:
        return await self._operators.password_hash() is not None

    async def sign_in(self, password: str, address: str) -> Session:
        """A session for the right password. Raises TooManyRequests, or Unauthorized."""
        source = address_key(address)
        wait = max(self._tries_by_address.take(source), self._tries.take(_ACCOUNT))
        if wait:
            raise TooManyRequests(
                "too_many_sign_ins",
                "Too many attempts to sign in. Try again later.",
                retry_after=int(wait) + 1,
            )
        stored = await self._operators.password_hash()
        # Without a password one is checked all the same, so that the time does not tell.
        right = await self._matches(stored or self._nobodys_hash(), password)
        if stored is None or not right:
            raise Unauthorized("wrong_password", "That is not the password.", "password")
        self._tries.give_back(_ACCOUNT)
        self._tries_by_address.give_back(source)
        if self._hasher.check_needs_rehash(stored):
            await self._store_password(password)
        return await self._open_session()

    async def new_link(self) -> str:
        """The path of a new one-time sign-in link, good for an hour."""
        key = secrets.token_urlsafe(32)
        await self._operators.add_sign_in_link(_digest(key), self._clock() + LINK_LIFE)
        return f"{SIGN_IN_PATH}?key={key}"

    async def sign_in_by_link(self, key: str) -> Session | None:
        """A session for a link's key, once; None when it was used before or has expired."""
        if len(key) > 256 or not await self._operators.use_sign_in_link(_digest(key), self._clock()):
            return None
        return await self._open_session()

    async def session(self, token: str) -> Session | None:
        """The open session behind a cookie's value."""
        if len(token) > 256:
            return None
        digest, now = _digest(token), self._clock()
        session = await self._operators.session(digest)
        if session is None:
            return None
        if now - session.used > IDLE_LIFE or now - session.created > ABSOLUTE_LIFE:
            await self._operators.end_session(digest)
            return None
        if now - session.used > TOUCH_AFTER:
            await self._operators.touch_session(digest, now)
        return Session(token, session.csrf)

    async def set_password(self, password: str) -> Session:
        """Set the operator's password, end every session and open a new one. Raises BadRequest."""
        if self.password_is_given:
            raise BadRequest(
                "password_is_given", "LEADTRAIL_PASSWORD sets the password; change it there.", "password"
            )
        if len(password) < MIN_PASSWORD:
            raise BadRequest(
                "password_too_short", f"A password has at least {MIN_PASSWORD} characters.", "password"
            )
        if len(password.encode()) > MAX_PASSWORD:
            raise BadRequest("password_too_long", f"A password has at most {MAX_PASSWORD} bytes.", "password")
        await self._store_password(password)
        return await self._open_session()

    async def sign_out(self, token: str) -> None:
        """End the session; a copy of its cookie opens nothing any more."""
        await self._operators.end_session(_digest(token))

    async def _open_session(self) -> Session:
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        await self._operators.add_session(_digest(session.token), session.csrf, self._clock())
        return session

    async def _store_password(self, password: str) -> None:
        async with self._hashing:
            hashed = await asyncio.to_thread(self._hasher.hash, password)
        await self._operators.set_password_hash(hashed, self._clock())

    async def _matches(self, hashed: str, password: str) -> bool:
        if len(password.encode()) > MAX_PASSWORD:
            return False
        async with self._hashing:
            return await asyncio.to_thread(self._verify, hashed, password)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except VerificationError:
            return False

    def _nobodys_hash(self) -> str:
        hasher = self._hasher
        return (
            f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
            "$bm9ib2R5bm9ib2R5bm9ib2Q$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
