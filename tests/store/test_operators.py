"""What the store keeps of the operator: hashes, sessions and one-time links, on every engine."""

import pytest

from server.store.base import OperatorSession, Store

pytestmark = pytest.mark.anyio


async def test_a_password_is_replaced_and_ends_every_session(store: Store) -> None:
    assert await store.operators.password_hash() is None
    await store.operators.add_session("a", "token", 1)
    await store.operators.set_password_hash("first", 2)
    assert await store.operators.session("a") is None
    await store.operators.set_password_hash("second", 3)
    assert await store.operators.password_hash() == "second"


async def test_a_session_is_touched_and_ended(store: Store) -> None:
    await store.operators.add_session("a", "token", 1)
    await store.operators.touch_session("a", 5)
    assert await store.operators.session("a") == OperatorSession(1, 5, "token")
    await store.operators.end_session("a")
    assert await store.operators.session("a") is None


async def test_a_link_opens_once_and_only_in_time(store: Store) -> None:
    await store.operators.add_sign_in_link("a", 10)
    await store.operators.add_sign_in_link("b", 10)
    assert not await store.operators.use_sign_in_link("c", 5)
    assert await store.operators.use_sign_in_link("a", 9)
    assert not await store.operators.use_sign_in_link("a", 9)
    assert not await store.operators.use_sign_in_link("b", 10)
    assert not await store.operators.use_sign_in_link("b", 5)
