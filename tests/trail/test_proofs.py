"""Who somebody is: what a proof joins, what it hands over, and that a claim does neither. On every engine."""

import pytest

from server.ids import public_id
from server.model import Kind, Role
from tests.trail.conftest import Site

pytestmark = pytest.mark.anyio


async def test_who_proves_a_user_id_becomes_that_user_with_all_that_they_did(site: Site) -> None:
    await site.sends("a", site.view("/"), site.view("/pricing"))
    await site.sends("a", site.proves("u-1", email="ada@example.com", name="Ada"))
    user = await site.user("u-1")
    assert (user.user_id, user.role, user.verified, user.email, user.name) == (
        "u-1",
        Role.user,
        True,
        "ada@example.com",
        "Ada",
    )
    assert await site.paths(user) == ["/", "/pricing"]
    assert await site.milestones(user) == [("became", "user")]
    assert (await site.person("a")).person_id == user.person_id


async def test_two_devices_of_a_user_are_one_trail_and_the_rule_fires_once(site: Site) -> None:
    """Four anonymous views on device A, sign-up, two views on device B."""
    won = [await site.sends("a", site.view("/pricing")) for _ in range(4)]
    await site.sends("a", site.event("message_shown", metadata={"message": "pricing-help"}))
    await site.sends("a", site.proves("u-1"))
    won += [await site.sends("b", site.view("/pricing"))]
    won += [await site.sends("b", site.proves("u-1"), site.view("/pricing"))]
    assert won == [[], [], [], ["pricing-help"], [], []]
    user = await site.user("u-1")
    assert await site.paths(user) == ["/pricing"] * 6
    assert (await site.totals(user))[Kind.page, "/pricing"].count == 6
    assert await site.milestones(user) == [("became", "user"), ("merge", "user_hash")]
    assert len(await site.store.reads.all_offers(user.person_id)) == 1
    assert (user.sessions, user.events) == (2, 9)


async def test_a_merge_that_brings_the_fourth_view_lets_the_rule_see_all_of_them(site: Site) -> None:
    await site.sends("a", *(site.view("/pricing") for _ in range(2)), site.proves("u-1"))
    await site.sends("b", site.view("/pricing"))
    assert await site.sends("b", site.proves("u-1"), site.view("/pricing")) == ["pricing-help"]


async def test_a_message_that_was_shown_on_one_device_is_not_shown_on_the_other(site: Site) -> None:
    for visitor in ("a", "b"):
        assert await site.sends(visitor, *(site.view("/pricing") for _ in range(4))) == ["pricing-help"]
    await site.sends(
        "a", site.event("message_shown", metadata={"message": "pricing-help"}), site.proves("u-1")
    )
    site.now += 60_000
    assert await site.sends("b", site.proves("u-1"), site.view("/pricing")) == []
    offers = await site.store.reads.all_offers((await site.user("u-1")).person_id)
    assert [(offer.nth, offer.shown is not None) for offer in offers] == [(1, True)]


async def test_a_lead_who_signs_in_is_that_user_with_what_they_left(site: Site) -> None:
    await site.sends("a", site.view("/"), site.claims(email="ada@example.com", plan="Pro"))
    await site.sends("b", site.proves("u-1", name="Ada"))
    await site.sends("a", site.proves("u-1"))
    user = await site.user("u-1")
    assert (user.email, user.name, user.traits, user.role) == (
        "ada@example.com",
        "Ada",
        {"plan": "Pro"},
        Role.user,
    )
    assert user.became_lead is not None
    assert [kind for kind, _ in await site.milestones(user)] == ["became", "became", "merge"]


async def test_a_claim_joins_nobody_and_reads_nothing(site: Site) -> None:
    await site.sends("a", site.view("/secret"), site.proves("u-1", email="ada@example.com", name="Ada"))
    await site.sends("eve", site.view("/"), site.claims(user_id="u-1", email="ada@example.com", name="Eve"))
    user, eve = await site.user("u-1"), await site.person("eve")
    assert eve.person_id != user.person_id
    assert (user.name, await site.paths(user)) == ("Ada", ["/secret"])
    assert (eve.role, eve.verified, eve.user_id, eve.name) == (Role.lead, False, None, "Eve")
    assert await site.paths(eve) == ["/"]


async def test_a_claim_at_a_users_own_browser_overwrites_nothing_that_was_proved(site: Site) -> None:
    await site.sends("a", site.proves("u-1", email="ada@example.com", name="Ada"))
    await site.sends("a", site.claims(email="eve@example.com", name="Eve", user_id="u-2", city="Porto"))
    user = await site.user("u-1")
    assert (user.email, user.name, user.user_id) == ("ada@example.com", "Ada", "u-1")
    assert user.traits == {"city": "Porto"}


async def test_a_second_user_at_the_same_browser_takes_it_over(site: Site) -> None:
    await site.sends("a", site.view("/anonymous"), site.proves("u-1"), site.view("/first"))
    await site.sends("a", site.view("/still-first"), site.proves("u-2"), site.view("/second"))
    first, second = await site.user("u-1"), await site.user("u-2")
    assert await site.paths(first) == ["/anonymous", "/first", "/still-first"]
    assert await site.paths(second) == ["/second"]
    assert (await site.person("a")).person_id == second.person_id
    await site.sends("a", site.proves("u-1"), site.view("/first-again"))
    assert await site.paths(await site.user("u-1")) == [
        "/anonymous",
        "/first",
        "/still-first",
        "/first-again",
    ]
    assert (await site.user("u-1")).merged_into is (await site.user("u-2")).merged_into is None


async def test_what_the_one_before_won_is_not_shown_to_the_one_who_takes_over(site: Site) -> None:
    await site.sends("a", site.proves("u-1"), *(site.view("/pricing") for _ in range(3)))
    assert await site.sends("a", site.view("/pricing"), site.proves("u-2"), site.view("/pricing")) == []


async def test_a_request_that_takes_over_counts_once_however_often_it_is_sent(site: Site) -> None:
    await site.sends("a", site.proves("u-1"))
    batch = (site.view("/old"), site.proves("u-2"), site.view("/new"))
    for _ in range(3):
        await site.sends("a", *batch)
    assert await site.paths(await site.user("u-1")) == ["/old"]
    assert await site.paths(await site.user("u-2")) == ["/new"]


async def test_a_request_that_merges_counts_once_however_often_it_is_sent(site: Site) -> None:
    await site.sends("a", site.view("/a"), site.proves("u-1"))
    batch = (site.view("/b"), site.proves("u-1"), site.view("/b"))
    for _ in range(3):
        await site.sends("b", *batch)
    user = await site.user("u-1")
    assert await site.paths(user) == ["/a", "/b", "/b"]
    assert (await site.totals(user))[Kind.event, "page_view"].count == 3
    assert len([kind for kind, _ in await site.milestones(user) if kind == "merge"]) == 1


async def test_events_of_two_people_with_one_id_are_both_kept(site: Site) -> None:
    await site.sends("a", site.view("/a", "order-1"), site.proves("u-1"))
    await site.sends("b", site.view("/b", "order-1"), site.view("/c", "x" * 64), site.proves("u-1"))
    await site.sends("b", site.view("/b", "order-1"))
    user = await site.user("u-1")
    assert await site.paths(user) == ["/a", "/b", "/c"]
    assert (await site.totals(user))[Kind.event, "page_view"].count == 3


async def test_a_new_browser_of_a_user_that_did_nothing_yet_is_no_merge(site: Site) -> None:
    await site.sends("a", site.proves("u-1"))
    await site.sends("b", site.proves("u-1"), site.view("/b"))
    user = await site.user("u-1")
    assert (await site.milestones(user), await site.paths(user)) == ([("became", "user")], ["/b"])


async def test_a_proved_e_mail_is_one_lead_on_every_device(site: Site) -> None:
    await site.sends("a", site.view("/a"), site.proves(email="ada@example.com"))
    await site.sends("b", site.view("/b"), site.proves(email="ada@example.com"))
    lead = await site.person("b")
    assert (lead.role, lead.verified, lead.user_id) == (Role.lead, True, None)
    assert await site.paths(lead) == ["/a", "/b"]
    await site.sends("b", site.proves("u-1", email="ada@example.com"))
    user = await site.user("u-1")
    assert (user.person_id, user.role) == (lead.person_id, Role.user)


async def test_a_lead_with_a_proved_e_mail_follows_the_user_who_proves_the_same(site: Site) -> None:
    await site.sends("a", site.view("/a"), site.proves(email="ada@example.com"))
    await site.sends("b", site.view("/b"), site.proves("u-1"))
    await site.sends("b", site.proves("u-1", email="ada@example.com"))
    assert await site.paths(await site.user("u-1")) == ["/a", "/b"]


async def test_somebody_with_another_proved_e_mail_is_somebody_else(site: Site) -> None:
    await site.sends("a", site.view("/a"), site.proves(email="ada@example.com"))
    await site.sends("a", site.proves(email="bob@example.com"), site.view("/b"))
    assert await site.paths(await site.person("a")) == ["/b"]


async def test_many_who_sign_in_within_one_commit_are_told_apart(site: Site) -> None:
    from server.model import Batch

    batches = [
        Batch(
            site="main",
            visitor=f"v{n}",
            events=[site.view(f"/{n}"), site.proves(f"u-{n % 3}"), site.view(f"/{n}")],
        )
        for n in range(12)
    ]
    answers = await site.trail.record(batches, site.now)
    assert [answer.stored for answer in answers] == [3] * 12
    for number in range(3):
        user = await site.user(f"u-{number}")
        assert (await site.totals(user))[Kind.event, "page_view"].count == 8
        assert (user.events, len(await site.paths(user))) == (12, 8)


async def test_a_user_of_one_site_is_nobody_on_another(site: Site) -> None:
    await site.sends("a", site.proves("u-1"))
    await site.sends("a", site.proves("u-1"), site="shop")
    assert (await site.person("a")).person_id != (await site.person("a", "shop")).person_id


async def test_a_message_names_only_what_was_said_at_this_browser(site: Site) -> None:
    await site.sends("a", site.proves("u-1", name="Ada"))
    await site.sends(
        "b", site.view("/pricing"), site.proves("u-1"), *(site.view("/pricing") for _ in range(3))
    )
    [offer] = await site.store.reads.all_offers((await site.user("u-1")).person_id)
    assert offer.message["title"] == "Questions, stranger?"


async def test_the_merge_can_be_looked_at(site: Site) -> None:
    await site.sends("a", site.view("/a"), site.proves("u-1"))
    await site.sends("b", site.view("/b"))
    before = await site.person("b")
    proof = site.proves("u-1")
    await site.sends("b", proof)
    user = await site.user("u-1")
    [merge] = await site.store.reads.merges(user.person_id)
    assert (merge.merged, merge.by, merge.event_id) == (before.person_id, "user_hash", proof.id)
    [told] = [m for m in await site.store.reads.milestones(user.person_id) if m.kind == "merge"]
    assert told.detail == {
        "contact": public_id(before.person_id),
        "visitor": "b",
        "by": "user_hash",
        "event": proof.id,
    }
    gone = await site.store.reads.person(before.person_id)
    assert gone is not None
    assert gone.merged_into == user.person_id
