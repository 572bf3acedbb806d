"""Taking a merge back: two people again. On every engine."""

import pytest

from server.errors import Conflict, NotFound
from server.model import Kind, Role
from server.trail.separating import take_back
from tests.trail.conftest import Site

pytestmark = pytest.mark.anyio


async def merged(site: Site) -> tuple[int, int]:
    """The user and the visitor who was merged into them: two views of the one, three of the other."""
    await site.sends("a", site.view("/a"), site.view("/both"), site.proves("u-1", plan="Pro"))
    await site.sends("b", site.view("/b"), site.view("/both"), site.view("/both"), site.claims(city="Porto"))
    visitor = (await site.person("b")).person_id
    await site.sends("b", site.proves("u-1"), site.view("/after"))
    return (await site.user("u-1")).person_id, visitor


async def test_everything_goes_back_to_whose_it_was(site: Site) -> None:
    user_id, visitor_id = await merged(site)
    await take_back(site.store, user_id, visitor_id, site.now)
    user, visitor = await site.user("u-1"), await site.person("b")
    assert (user.person_id, visitor.person_id) == (user_id, visitor_id)
    assert await site.paths(user) == ["/a", "/both", "/after"]
    assert await site.paths(visitor) == ["/b", "/both", "/both"]
    assert (await site.totals(user))[Kind.page, "/both"].count == 1
    assert (Kind.page, "/b") not in await site.totals(user)
    assert (await site.totals(visitor))[Kind.page, "/both"].count == 2
    assert (user.traits, visitor.traits) == ({"plan": "Pro"}, {"city": "Porto"})
    assert (user.role, visitor.role, visitor.merged_into) == (Role.user, Role.visitor, None)
    assert (user.events, visitor.events) == (5, 4)
    assert {m.session for m in (await site.store.reads.trail(visitor_id, limit=9)).moments} == {1}
    assert [kind for kind, _ in await site.milestones(visitor)] == ["separated"]
    assert [kind for kind, _ in await site.milestones(user)] == ["became", "merge", "separated"]


async def test_who_was_separated_is_not_merged_again_by_the_next_proof(site: Site) -> None:
    user_id, visitor_id = await merged(site)
    await take_back(site.store, user_id, visitor_id, site.now)
    await site.sends("b", site.proves("u-1"), site.view("/again"))
    assert "/again" in await site.paths(await site.user("u-1"))
    again = await site.store.reads.person(visitor_id)
    assert again is not None
    assert again.merged_into is None
    assert await site.paths(again) == ["/b", "/both", "/both"]


async def test_a_merge_is_taken_back_once(site: Site) -> None:
    user_id, visitor_id = await merged(site)
    await take_back(site.store, user_id, visitor_id, site.now)
    with pytest.raises(Conflict):
        await take_back(site.store, user_id, visitor_id, site.now)
    with pytest.raises(NotFound):
        await take_back(site.store, user_id, 12345, site.now)


async def test_after_the_retention_it_can_no_longer_be_taken_back(site: Site) -> None:
    user_id, visitor_id = await merged(site)
    await site.store.forget_merges(site.now + 1)
    assert await site.store.reads.merges(user_id) == []
    with pytest.raises(NotFound, match="forgotten"):
        await take_back(site.store, user_id, visitor_id, site.now)


async def test_a_message_that_both_won_is_each_ones_again(site: Site) -> None:
    for visitor in ("a", "b"):
        await site.sends(visitor, *(site.view("/pricing") for _ in range(4)))
        await site.sends(visitor, site.event("message_shown", metadata={"message": "pricing-help"}))
    await site.sends("a", site.proves("u-1"))
    visitor_id = (await site.person("b")).person_id
    await site.sends("b", site.proves("u-1"))
    user_id = (await site.user("u-1")).person_id
    assert len(await site.store.reads.all_offers(user_id)) == 2
    await take_back(site.store, user_id, visitor_id, site.now)
    for person_id in (user_id, visitor_id):
        [offer] = await site.store.reads.all_offers(person_id)
        assert (offer.nth, offer.shown is not None) == (1, True)
