"""What every storage engine must do with tags, notes and declared traits."""

import pytest
from msgspec import structs

from server.model import Attribute, Note, Person, Tag, Tagged
from server.people.state import begin
from server.store.base import Changes, Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000


def person(person_id: int = 1, **fields: object) -> Person:
    return structs.replace(begin(person_id, "main", f"visitor-{person_id}", NOW), **fields)


async def save(store: Store, **changes: object) -> None:
    async with store.transaction() as transaction:
        await transaction.save(Changes(**changes))  # type: ignore[arg-type]


async def test_what_a_server_says_of_a_person_comes_back_as_saved(store: Store) -> None:
    said = person(
        profile={"phone": "+351", "owner_id": 7, "avatar": {"url": "https://x.example", "value": 1}},
        tags={"12": "VIP"},
        created=NOW - 1,
        updated=NOW,
        archived=NOW,
    )
    await save(store, people=[said])
    assert await store.reads.person(1) == said


async def test_an_ident_that_is_released_is_nobodys(store: Store) -> None:
    await save(store, identities={"main/user/1": 1, "main/user/2": 1})
    await save(store, released=["main/user/1"], identities={"main/user/3": 1})
    async with store.transaction() as transaction:
        assert await transaction.resolve(["main/user/1", "main/user/2", "main/user/3"]) == {
            "main/user/2": 1,
            "main/user/3": 1,
        }
        assert await transaction.claim({"main/user/1": 2}) == {"main/user/1": 2}


async def test_whoever_is_archived_is_found_by_those_who_ask_for_them(store: Store) -> None:
    await save(store, people=[person(1), person(2, archived=NOW)])
    assert [found.person_id for found in (await store.reads.find_people(limit=9)).people] == [2, 1]
    assert (await store.reads.find_people(archived=False, limit=9)).people == [person(1)]


async def test_a_tags_name_is_one_in_any_case(store: Store) -> None:
    notes = store.annotations
    assert await notes.add_tag(Tag("1", "vip", NOW)) == Tag("1", "vip", NOW)
    assert await notes.add_tag(Tag("2", "VIP", NOW + 1)) == Tag("1", "VIP", NOW)
    assert await notes.add_tag(Tag("3", "new", NOW + 2)) == Tag("3", "new", NOW + 2)
    assert await notes.tag_named("Vip") == await notes.tag("1") == Tag("1", "VIP", NOW)
    assert await notes.tags() == [Tag("1", "VIP", NOW), Tag("3", "new", NOW + 2)]
    await notes.rename_tag("1", "gold")
    await notes.remove_tag("3")
    assert await notes.tags() == [Tag("1", "gold", NOW)]
    assert (await notes.tag("3"), await notes.tag_named("vip")) == (None, None)


async def test_people_have_tags_until_they_are_taken_away(store: Store) -> None:
    tagged = [Tagged(number, "1", NOW) for number in (1, 2, 3)]
    await save(store, tagged=[*tagged, Tagged(1, "2", NOW - 1)])
    await save(store, tagged=[Tagged(1, "1", NOW + 9)])
    await save(store, untagged=[(2, "1"), (3, "2")])
    assert await store.annotations.people_tagged("1", after=0, limit=9) == [1, 3]
    assert await store.annotations.people_tagged("1", after=1, limit=9) == [3]
    assert await store.annotations.tags_of(1) == [Tagged(1, "2", NOW - 1), Tagged(1, "1", NOW)]


async def test_notes_are_read_newest_first(store: Store) -> None:
    written = [Note(1, number, NOW, f"note {number}\n<b>", "op") for number in range(5)]
    await save(store, notes=[*written, Note(2, 9, NOW, "of another")])
    assert await store.annotations.notes(1, limit=2, skip=1) == ([written[3], written[2]], 5)
    assert await store.annotations.notes(1, limit=2, skip=9) == ([], 5)
    assert await store.annotations.note(9) == Note(2, 9, NOW, "of another")
    assert await store.annotations.note(10) is None


async def test_an_attribute_is_declared_once_by_its_name(store: Store) -> None:
    plan = Attribute(1, "plan", "contact", "string", NOW, NOW, options={"values": ["Pro", "Free"]})
    assert await store.annotations.save_attribute(plan)
    assert not await store.annotations.save_attribute(structs.replace(plan, id=2))
    assert await store.annotations.save_attribute(structs.replace(plan, id=3, model="company"))
    changed = structs.replace(plan, description="Which plan", archived=True, messenger_writable=True)
    assert await store.annotations.save_attribute(changed)
    assert await store.annotations.attributes() == [changed, structs.replace(plan, id=3, model="company")]
