"""Who wants no letters gets none: by the link's page, the mailbox's own button, and nobody else's link."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from server.store.base import Store
from server.unsubscribe import Unsubscribing, ident, unsubscribe_routes

pytestmark = pytest.mark.anyio

BASE = "https://t.example.com"
ADA = "ada@example.com"
KEYS = ("an old signing key", "the new signing key")


@pytest.fixture
def unsubscribing(store: Store) -> Unsubscribing:
    return Unsubscribing(store.outbox, KEYS, BASE)


@pytest.fixture
async def client(store: Store, unsubscribing: Unsubscribing) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=unsubscribe_routes(unsubscribing, store.outbox, lambda: 1_790_000_000_000))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as opened:
        yield opened


async def test_opening_the_link_changes_nothing(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    page = await client.get(unsubscribing.url("main", ADA))
    assert page.status_code == 200
    assert "Unsubscribe</button>" in page.text
    assert not await unsubscribing.is_out("main", ADA)


async def test_its_button_does_it_for_this_site_and_this_address(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    page = await client.post(unsubscribing.url("main", ADA), data={"stop": "1"})
    assert "You are unsubscribed" in page.text
    assert await unsubscribing.is_out("main", ADA)
    assert await unsubscribing.is_out("main", " Ada@Example.com ")
    assert not await unsubscribing.is_out("other", ADA)
    assert not await unsubscribing.is_out("main", "eve@example.com")


async def test_the_one_click_of_a_mailbox_does_it_too(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    answer = await client.post(unsubscribing.url("main", ADA), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert await unsubscribing.is_out("main", ADA)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"again=2", b"a=1&" * 100, b"x" * 10_000])
async def test_whatever_the_form_says(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing, body: bytes
) -> None:
    assert (await client.post(unsubscribing.url("main", ADA), content=body)).status_code == 200
    assert await unsubscribing.is_out("main", ADA)


async def test_a_mistake_can_be_undone(client: httpx2.AsyncClient, unsubscribing: Unsubscribing) -> None:
    done = await client.post(unsubscribing.url("main", ADA))
    assert 'name="again"' in done.text
    await client.post(unsubscribing.url("main", ADA), data={"again": "1"})
    assert not await unsubscribing.is_out("main", ADA)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_that_was_not_made_here_opens_nothing(
    client: httpx2.AsyncClient, store: Store, unsubscribing: Unsubscribing, method: str
) -> None:
    good = unsubscribing.url("main", ADA).rpartition("/")[2]
    other = Unsubscribing(store.outbox, ("somebody else's key",), BASE).url("main", ADA).rpartition("/")[2]
    for token in ("x", good[:-1], good[1:], other, "a" * 5_000, ident("main", ADA), "%00"):
        answer = await client.request(method, f"/unsubscribe/{token}")
        assert answer.status_code == 404
    assert not await unsubscribing.is_out("main", ADA)


async def test_a_link_outlives_its_key_until_the_key_is_taken_out(
    client: httpx2.AsyncClient, store: Store
) -> None:
    old = Unsubscribing(store.outbox, KEYS[:1], BASE).url("main", ADA)
    assert (await client.get(old)).status_code == 200


async def test_a_link_does_not_tell_the_address(unsubscribing: Unsubscribing) -> None:
    assert "ada" not in unsubscribing.url("main", ADA)
    assert re.fullmatch(r"main/[0-9a-f]{40}", ident("main", ADA))


async def test_the_page_speaks_the_browsers_language(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    url = unsubscribing.url("main", ADA)
    page = await client.get(url, headers={"Accept-Language": "pt-PT,pt;q=0.9"})
    assert '<html lang="pt">' in page.text
    assert "Cancelar a subscrição" in page.text


async def test_the_page_is_not_framed_cached_or_indexed(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    headers = (await client.get(unsubscribing.url("main", ADA))).headers
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-robots-tag"] == "noindex"
