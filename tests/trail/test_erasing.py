"""Erasing: nothing is left of a person, and nothing brings them back. On every engine."""

from pathlib import Path

import pytest

from server.errors import NotFound
from server.trail.erasing import erase
from tests.trail.conftest import Site

pytestmark = pytest.mark.anyio

EMAIL = "ada.lovelace@example.com"


async def known(site: Site) -> int:
    """A user with two devices and a proved e-mail, seen on both."""
    await site.sends("a", site.view("/a"), site.claims(email=EMAIL, name="Ada Lovelace"))
    await site.sends(
        "b", site.view("/b"), site.proves("u-1", email=EMAIL), *(site.view("/pricing") for _ in range(4))
    )
    await site.sends("a", site.proves("u-1"))
    return (await site.user("u-1")).person_id


async def test_nothing_of_an_erased_person_is_found_any_more(site: Site) -> None:
    person_id = await known(site)
    await site.sends("c", site.view("/c"))
    erasure = await erase(site.store, person_id, site.now)
    assert len(erasure.people) == 2
    reads = site.store.reads
    assert await reads.person(person_id) is None
    for ident in ("main/visitor/a", "main/visitor/b", "main/user/u-1", f"main/email/{EMAIL}"):
        assert await reads.person_of(ident) is None
    assert (await reads.trail(person_id, limit=9)).moments == []
    assert await reads.all_totals(person_id) == {}
    assert await reads.all_offers(person_id) == await reads.milestones(person_id) == []
    assert await reads.merges(person_id) == []
    assert (await reads.find_people(limit=9)).total == 1
    with pytest.raises(NotFound):
        await erase(site.store, person_id, site.now)


def files_with(folder: Path, text: str) -> list[str]:
    """The names of the files that hold the text."""
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_files_hold_nothing_of_them(site: Site, tmp_path: Path) -> None:
    person_id = await known(site)
    for number in range(300):
        await site.sends("b", site.view(f"/private/{number}"))
    assert files_with(tmp_path, EMAIL)
    await erase(site.store, person_id, site.now)
    for text in (EMAIL, "Lovelace", "/private/", "u-1"):
        assert files_with(tmp_path, text) == [], text


async def test_a_request_that_is_sent_once_more_does_not_bring_them_back(site: Site) -> None:
    late = (site.view("/late"), site.claims(email=EMAIL))
    person_id = await known(site)
    await erase(site.store, person_id, site.now)
    for _ in range(2):
        await site.sends("a", *late)
    assert (await site.store.reads.find_people(limit=9)).total == 0
    assert await site.store.reads.person_of("main/visitor/a") is None


async def test_whoever_comes_again_after_it_is_somebody_new(site: Site) -> None:
    late = site.view("/late")
    person_id = await known(site)
    await erase(site.store, person_id, site.now)
    await site.sends("a", late, site.view("/new"))
    again = await site.person("a")
    assert again.person_id != person_id
    assert await site.paths(again) == ["/new"]
    await site.sends("a", site.proves("u-1"), site.view("/newer"))
    assert await site.paths(await site.user("u-1")) == ["/new", "/newer"]
