"""Who wants no letters gets none: by the link's page, the mailbox's own button, and nobody else's link."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec import structs
from starlette.applications import Starlette

from server.identity import letters_ident
from server.model import Person
from server.people.state import begin
from server.store.base import Changes, Store
from server.trail.roster import Roster
from server.unsubscribe import Unsubscribing, unsubscribe_routes
from tests.messages.deliveries import letter

pytestmark = pytest.mark.anyio

BASE = "https://t.example.com"
ADA = "ada@example.com"
LETTER = letter(ADA)
KEYS = ("an old signing key", "the new signing key")


@pytest.fixture
def unsubscribing(store: Store) -> Unsubscribing:
    return Unsubscribing(store, KEYS, BASE)


@pytest.fixture
async def client(store: Store, unsubscribing: Unsubscribing) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=unsubscribe_routes(unsubscribing, lambda: 1_790_000_000_000))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as opened:
        yield opened


async def test_opening_the_link_changes_nothing(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    page = await client.get(unsubscribing.url(LETTER, ADA))
    assert page.status_code == 200
    assert "Unsubscribe</button>" in page.text
    assert not await unsubscribing.is_out(LETTER, ADA)


async def test_its_button_does_it_for_this_site_and_this_address(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    page = await client.post(unsubscribing.url(LETTER, ADA), data={"stop": "1"})
    assert "You are unsubscribed" in page.text
    assert await unsubscribing.is_out(LETTER, ADA)
    assert await unsubscribing.is_out(LETTER, " Ada@Example.com ")
    assert not await unsubscribing.is_out(structs.replace(LETTER, site="other"), ADA)
    assert not await unsubscribing.is_out(LETTER, "eve@example.com")


async def test_the_one_click_of_a_mailbox_does_it_too(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    answer = await client.post(unsubscribing.url(LETTER, ADA), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert await unsubscribing.is_out(LETTER, ADA)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"again=2", b"a=1&" * 100, b"x" * 10_000])
async def test_whatever_the_form_says(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing, body: bytes
) -> None:
    assert (await client.post(unsubscribing.url(LETTER, ADA), content=body)).status_code == 200
    assert await unsubscribing.is_out(LETTER, ADA)


async def test_a_mistake_can_be_undone(client: httpx2.AsyncClient, unsubscribing: Unsubscribing) -> None:
    done = await client.post(unsubscribing.url(LETTER, ADA))
    assert 'name="again"' in done.text
    await client.post(unsubscribing.url(LETTER, ADA), data={"again": "1"})
    assert not await unsubscribing.is_out(LETTER, ADA)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_that_was_not_made_here_opens_nothing(
    client: httpx2.AsyncClient, store: Store, unsubscribing: Unsubscribing, method: str
) -> None:
    good = unsubscribing.url(LETTER, ADA).rpartition("/")[2]
    other = Unsubscribing(store, ("somebody else's key",), BASE).url(LETTER, ADA).rpartition("/")[2]
    for token in ("x", good[:-1], good[1:], other, "a" * 5_000, letters_ident("main", ADA), "%00"):
        answer = await client.request(method, f"/unsubscribe/{token}")
        assert answer.status_code == 404
    assert not await unsubscribing.is_out(LETTER, ADA)


async def test_a_link_outlives_its_key_until_the_key_is_taken_out(
    client: httpx2.AsyncClient, store: Store
) -> None:
    old = Unsubscribing(store, KEYS[:1], BASE).url(LETTER, ADA)
    assert (await client.get(old)).status_code == 200


async def test_a_link_does_not_tell_the_address(unsubscribing: Unsubscribing) -> None:
    assert "ada" not in unsubscribing.url(LETTER, ADA)
    assert re.fullmatch(r"main/[0-9a-f]{40}", letters_ident("main", ADA))


async def test_the_page_speaks_the_browsers_language(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    url = unsubscribing.url(LETTER, ADA)
    page = await client.get(url, headers={"Accept-Language": "pt-PT,pt;q=0.9"})
    assert '<html lang="pt">' in page.text
    assert "Cancelar a subscrição" in page.text


async def test_the_page_is_not_framed_cached_or_indexed(
    client: httpx2.AsyncClient, unsubscribing: Unsubscribing
) -> None:
    headers = (await client.get(unsubscribing.url(LETTER, ADA))).headers
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-robots-tag"] == "noindex"


async def put_ada(store: Store) -> None:
    ada = begin(LETTER.person_id, "main", "v", 1_790_000_000_000)
    async with store.transaction() as transaction:
        await transaction.save(Changes(people=[structs.replace(ada, email=ADA)]))


async def unsubscribed(store: Store) -> object:
    person = await store.reads.person(LETTER.person_id)
    assert person is not None
    return person.profile.get("unsubscribed_from_emails")


async def test_the_persons_profile_says_so_too(
    client: httpx2.AsyncClient, store: Store, unsubscribing: Unsubscribing
) -> None:
    await put_ada(store)
    await client.post(unsubscribing.url(LETTER, ADA))
    assert await unsubscribed(store) is True
    await client.post(unsubscribing.url(LETTER, ADA), data={"again": "1"})
    assert await unsubscribed(store) is False


async def test_what_a_server_says_of_a_person_is_heard(store: Store, unsubscribing: Unsubscribing) -> None:
    await put_ada(store)
    assert not await unsubscribing.is_out(LETTER, ADA)

    def mark(person: Person) -> Person:
        return structs.replace(person, profile={"unsubscribed_from_emails": True})

    await Roster(store).change(LETTER.person_id, mark, 1_790_000_000_001)
    assert await unsubscribing.is_out(LETTER, ADA)
