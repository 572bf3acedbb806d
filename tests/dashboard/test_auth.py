"""Who may come in: passwords, one-time links and sessions, on a real store and with a clock that is set."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import DAY, HOUR, MINUTE
from server.dashboard.auth import ABSOLUTE_LIFE, IDLE_LIFE, Auth
from server.errors import BadRequest, TooManyRequests, Unauthorized
from server.store.base import Store
from server.store.sqlite import open_sqlite

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


class Time:
    """The two clocks of an Auth."""

    def __init__(self) -> None:
        self.ms = 1_790_000_000_000
        self.seconds = 0.0

    def pass_by(self, ms: int) -> None:
        self.ms += ms
        self.seconds += ms / 1_000


def bytes_in(folder: Path) -> bytes:
    """All that was written there, the database's log included."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_sqlite(tmp_path / "leadtrail.db")
    yield opened
    await opened.close()


def auth_on(store: Store, time: Time, password: str | None = None) -> Auth:
    return Auth(store.operators, lambda: time.ms, password=password, monotonic=lambda: time.seconds)


@pytest.fixture
async def auth(store: Store, time: Time) -> Auth:
    made = auth_on(store, time)
    await made.set_password(PASSWORD)
    return made


async def test_the_right_password_opens_a_session_of_its_own_each_time(auth: Auth) -> None:
    first, second = await auth.sign_in(PASSWORD, "1.2.3.4"), await auth.sign_in(PASSWORD, "1.2.3.4")
    assert first.token != second.token
    assert first.csrf != second.csrf
    assert await auth.session(first.token) == first
    assert await auth.session(second.token) == second


@pytest.mark.parametrize("wrong", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 5_000, "\x00"])
async def test_a_wrong_password_opens_nothing(auth: Auth, wrong: str) -> None:
    with pytest.raises(Unauthorized):
        await auth.sign_in(wrong, "1.2.3.4")


async def test_without_a_password_none_is_right(store: Store, time: Time) -> None:
    with pytest.raises(Unauthorized):
        await auth_on(store, time).sign_in("", "1.2.3.4")


async def test_the_store_holds_neither_password_nor_token(auth: Auth, store: Store, tmp_path: Path) -> None:
    session = await auth.sign_in(PASSWORD, "1.2.3.4")
    link = await auth.new_link()
    hashed = await store.operators.password_hash()
    assert hashed is not None
    assert hashed.startswith("$argon2id$")
    written = bytes_in(tmp_path)
    assert hashed.encode() in written
    for secret in (PASSWORD, session.token, link.partition("key=")[2]):
        assert secret.encode() not in written


async def test_five_wrong_passwords_hold_up_the_account_also_for_the_right_one(
    auth: Auth, time: Time
) -> None:
    for number in range(5):
        with pytest.raises(Unauthorized):
            await auth.sign_in("wrong", f"1.2.3.{number}")
    with pytest.raises(TooManyRequests) as held_up:
        await auth.sign_in(PASSWORD, "9.9.9.9")
    assert held_up.value.retry_after is not None
    assert 0 < held_up.value.retry_after <= 61
    time.pass_by(held_up.value.retry_after * 1_000)
    assert await auth.sign_in(PASSWORD, "9.9.9.9")


async def test_a_sign_in_link_is_not_held_up(auth: Auth) -> None:
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await auth.sign_in("wrong", "1.2.3.4")
    assert await auth.sign_in_by_link((await auth.new_link()).partition("key=")[2])


async def test_right_passwords_never_hold_up(auth: Auth) -> None:
    for _ in range(25):
        await auth.sign_in(PASSWORD, "1.2.3.4")


async def test_a_link_opens_once(auth: Auth) -> None:
    path, _, key = (await auth.new_link()).partition("?key=")
    assert path == "/dashboard/sign-in"
    assert await auth.sign_in_by_link(key)
    assert await auth.sign_in_by_link(key) is None


async def test_a_link_opens_for_an_hour(auth: Auth, time: Time) -> None:
    early, late = await auth.new_link(), await auth.new_link()
    time.pass_by(HOUR - 1)
    assert await auth.sign_in_by_link(early.partition("key=")[2])
    time.pass_by(1)
    assert await auth.sign_in_by_link(late.partition("key=")[2]) is None


@pytest.mark.parametrize("key", ["", "x", "x" * 10_000, "\x00", "%"])
async def test_a_made_up_key_or_token_opens_nothing(auth: Auth, key: str) -> None:
    assert await auth.sign_in_by_link(key) is None
    assert await auth.session(key) is None


async def test_a_session_ends_when_it_lies_idle(auth: Auth, time: Time) -> None:
    session = await auth.sign_in(PASSWORD, "1.2.3.4")
    for _ in range(3):
        time.pass_by(IDLE_LIFE)
        assert await auth.session(session.token)
    time.pass_by(IDLE_LIFE + 1)
    assert await auth.session(session.token) is None


async def test_a_session_ends_at_last_however_busy_it_is(auth: Auth, time: Time) -> None:
    session = await auth.sign_in(PASSWORD, "1.2.3.4")
    for _ in range(ABSOLUTE_LIFE // (6 * HOUR)):
        time.pass_by(6 * HOUR)
        assert await auth.session(session.token)
    time.pass_by(1)
    assert await auth.session(session.token) is None
    assert ABSOLUTE_LIFE == 7 * DAY


async def test_its_last_use_is_written_once_a_minute(auth: Auth, store: Store, time: Time) -> None:
    from hashlib import sha256

    session = await auth.sign_in(PASSWORD, "1.2.3.4")
    begun, digest = time.ms, sha256(session.token.encode()).hexdigest()

    async def used() -> int:
        await auth.session(session.token)
        kept = await store.operators.session(digest)
        assert kept is not None
        return kept.used

    time.pass_by(MINUTE)
    assert await used() == begun
    time.pass_by(1)
    assert await used() == time.ms


async def test_signing_out_kills_copies_of_the_cookie(auth: Auth) -> None:
    session, other = await auth.sign_in(PASSWORD, "1.2.3.4"), await auth.sign_in(PASSWORD, "1.2.3.4")
    await auth.sign_out(session.token)
    assert await auth.session(session.token) is None
    assert await auth.session(other.token) == other


async def test_a_new_password_ends_every_other_session(auth: Auth) -> None:
    before = await auth.sign_in(PASSWORD, "1.2.3.4")
    after = await auth.set_password("another long password")
    assert await auth.session(before.token) is None
    assert await auth.session(after.token) == after
    with pytest.raises(Unauthorized):
        await auth.sign_in(PASSWORD, "1.2.3.4")


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1_025, "é" * 513])
async def test_a_password_has_12_characters_to_1024_bytes(auth: Auth, password: str) -> None:
    with pytest.raises(BadRequest):
        await auth.set_password(password)


@pytest.mark.parametrize("password", ["x" * 12, "é" * 512])
async def test_a_password_may_be_as_short_and_as_long_as_it_may(auth: Auth, password: str) -> None:
    await auth.set_password(password)
    assert await auth.sign_in(password, "1.2.3.4")


async def test_a_given_password_is_the_operators_and_cannot_be_set(store: Store, time: Time) -> None:
    given = auth_on(store, time, "from the settings")
    await given.start()
    session = await given.sign_in("from the settings", "1.2.3.4")
    with pytest.raises(BadRequest):
        await given.set_password("another long password")
    again = auth_on(store, time, "from the settings")
    await again.start()
    assert await again.session(session.token) == session, "the same password keeps sessions over a restart"
    changed = auth_on(store, time, "changed in the settings")
    await changed.start()
    assert await changed.session(session.token) is None, "a changed one ends them"
