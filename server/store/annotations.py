"""Tags, notes and declared traits, for every engine. That a person has a tag or a note is written with the
person (`ingest`).
"""

from server.filters import folded
from server.model import Attribute, Note, Tag, Tagged
from server.store.engine import Engine
from server.store.rows import insert, selected
from server.store.statement import Statement

_TAGS = Statement("read tags", f"SELECT {selected(Tag)} FROM tags ORDER BY made, id", Tag)
_TAG = Statement("read tag", f"SELECT {selected(Tag)} FROM tags WHERE id = ?", Tag)
_TAG_NAMED = Statement("read tag by name", f"SELECT {selected(Tag)} FROM tags WHERE folded = ?", Tag)

_ADD_TAG = Statement(
    "add tag",
    f"""
INSERT INTO tags (id, name, folded, made) VALUES (?, ?, ?, ?)
ON CONFLICT (folded) DO UPDATE SET name = excluded.name RETURNING {selected(Tag)}""",
    Tag,
)
_RENAME_TAG = Statement[None]("rename tag", "UPDATE tags SET name = ?, folded = ? WHERE id = ?")
_REMOVE_TAG = Statement[None]("remove tag", "DELETE FROM tags WHERE id = ?")

_PEOPLE_TAGGED = Statement(
    "people tagged",
    "SELECT {person_id} FROM tagged WHERE tag = ? AND person_id > ? ORDER BY person_id LIMIT ?",
    tuple[int],
)
_TAGS_OF = Statement(
    "tags of a person",
    f"SELECT {selected(Tagged)} FROM tagged WHERE person_id = ? ORDER BY applied, tag",
    Tagged,
)

_NOTES = Statement(
    "read notes",
    f"SELECT {selected(Note)} FROM notes WHERE person_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
    Note,
)
_COUNT_NOTES = Statement("count notes", "SELECT {count(*)} FROM notes WHERE person_id = ?", tuple[int])
_NOTE = Statement("read note", f"SELECT {selected(Note)} FROM notes WHERE id = ?", Note)

_ATTRIBUTES = Statement(
    "read attributes", f"SELECT {selected(Attribute)} FROM attributes ORDER BY id", Attribute
)
_SAME_NAME = Statement(
    "read attribute by name", "SELECT {id} FROM attributes WHERE model = ? AND name = ?", tuple[int]
)
_FORGET_ATTRIBUTE = Statement[None]("forget attribute", "DELETE FROM attributes WHERE id = ?")
_SAVE_ATTRIBUTE = insert(Attribute, "attributes", "ON CONFLICT DO NOTHING")


class SqlAnnotations:
    """Implements `store.base.Annotations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def tags(self) -> list[Tag]:
        return await self._engine.read(_TAGS())

    async def tag(self, tag_id: str) -> Tag | None:
        return next(iter(await self._engine.read(_TAG(tag_id))), None)

    async def tag_named(self, name: str) -> Tag | None:
        return next(iter(await self._engine.read(_TAG_NAMED(folded(name)))), None)

    async def add_tag(self, tag: Tag) -> Tag:
        [added] = await self._engine.write(_ADD_TAG(tag.id, tag.name, folded(tag.name), tag.made))
        return added

    async def rename_tag(self, tag_id: str, name: str) -> None:
        await self._engine.write(_RENAME_TAG(name, folded(name), tag_id))

    async def remove_tag(self, tag_id: str) -> None:
        await self._engine.write(_REMOVE_TAG(tag_id))

    async def people_tagged(self, tag_id: str, *, after: int, limit: int) -> list[int]:
        return [person_id for (person_id,) in await self._engine.read(_PEOPLE_TAGGED(tag_id, after, limit))]

    async def tags_of(self, person_id: int) -> list[Tagged]:
        return await self._engine.read(_TAGS_OF(person_id))

    async def notes(self, person_id: int, *, limit: int, skip: int) -> tuple[list[Note], int]:
        [(total,)] = await self._engine.read(_COUNT_NOTES(person_id))
        return await self._engine.read(_NOTES(person_id, limit, skip)), total

    async def note(self, note_id: int) -> Note | None:
        return next(iter(await self._engine.read(_NOTE(note_id))), None)

    async def attributes(self) -> list[Attribute]:
        return await self._engine.read(_ATTRIBUTES())

    async def save_attribute(self, attribute: Attribute) -> bool:
        async with self._engine.transaction() as writing:
            same = await writing.ask(_SAME_NAME(attribute.model, attribute.name))
            if any(other != attribute.id for (other,) in same):
                return False
            await writing.run(_FORGET_ATTRIBUTE(attribute.id), _SAVE_ATTRIBUTE([attribute]))
        return True
