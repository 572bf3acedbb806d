"""Tags: made, renamed, given to people and taken away again."""

from typing import Any, Literal

from msgspec import Struct, structs

from server.api.endpoint import Asked
from server.api.who import Who
from server.clock import SECOND, Clock
from server.errors import BadRequest, NotFound
from server.ids import new_small_id
from server.model import Person, Tag, Tagged
from server.store.base import Annotations
from server.trail.roster import Roster

MAX_NAME = 120
PEOPLE_A_STEP = 200
UNKNOWN = "Resource Not Found"


class TaggedUser(Struct):
    """Who is tagged, or with `untag` not any more."""

    id: str | None = None
    user_id: str | None = None
    email: str | None = None
    untag: bool = False


class NewTag(Struct):
    """A tag to make; to rename (`id`); or to give (`users`)."""

    name: str
    id: str | int | None = None
    users: list[TaggedUser] | None = None


class TagId(Struct):
    id: str | int


class Admin(Struct):
    id: str = "operator"
    type: Literal["admin"] = "admin"


class TagShape(Struct, kw_only=True, omit_defaults=True):
    type: str
    id: str
    name: str
    applied_at: int | None = None
    applied_by: Admin | None = None


class TagList(Struct):
    data: list[TagShape]
    type: Literal["list"] = "list"


class Tags:
    """The routes about tags."""

    def __init__(self, annotations: Annotations, who: Who, roster: Roster, clock: Clock) -> None:
        self._annotations = annotations
        self._who = who
        self._roster = roster
        self._clock = clock

    async def list(self, asked: Asked) -> TagList:
        """GET /tags."""
        return TagList([_shape(tag) for tag in await self._annotations.tags()])

    async def find(self, asked: Asked) -> TagShape:
        """GET /tags/{id}."""
        return _shape(await self._tag(asked.path("id")))

    async def create(self, asked: Asked) -> TagShape:
        """POST /tags: makes one, or takes the one of that name; `id` renames it, `users` get it."""
        new: NewTag = asked.body
        name = _name(new.name)
        if new.id is not None and str(new.id):
            return _shape(await self._rename(str(new.id), name))
        now = self._clock()
        people = [
            (await self._who.meant(id=user.id, user_id=user.user_id, email=user.email), user.untag)
            for user in new.users or ()
        ]
        tag = await self._annotations.add_tag(Tag(str(new_small_id(now)), name, now))
        if tag.made != now:
            await self._write_name(tag)
        for person, untag in people:
            await (self._untag if untag else self._give)(person, tag)
        return _shape(tag)

    async def delete(self, asked: Asked) -> None:
        """DELETE /tags/{id}: nobody has it any more."""
        tag = await self._tag(asked.path("id"))
        async for person_id in self._people(tag):
            await self._roster.change(person_id, _without(tag), self._clock(), untagged=[(person_id, tag.id)])
        await self._annotations.remove_tag(tag.id)

    async def of_contact(self, asked: Asked) -> TagList:
        """GET /contacts/{id}/tags."""
        person = await self._who.contact(asked.path("id"))
        applied = {given.tag: given.applied for given in await self._annotations.tags_of(person.person_id)}
        return TagList([_applied(Tag(tag, name, 0), applied.get(tag)) for tag, name in person.tags.items()])

    async def tag_contact(self, asked: Asked) -> TagShape:
        """POST /contacts/{id}/tags."""
        person = await self._who.contact(asked.path("id"))
        tag = await self._tag(str(asked.body.id))
        return _applied(tag, await self._give(person, tag))

    async def untag_contact(self, asked: Asked) -> TagShape:
        """DELETE /contacts/{id}/tags/{tag_id}."""
        person = await self._who.contact(asked.path("id"))
        tag = await self._tag(asked.path("tag_id"))
        await self._untag(person, tag)
        return _shape(tag)

    async def _tag(self, tag_id: str) -> Tag:
        tag = await self._annotations.tag(tag_id)
        if tag is None:
            raise NotFound("not_found", UNKNOWN)
        return tag

    async def _rename(self, tag_id: str, name: str) -> Tag:
        tag = await self._tag(tag_id)
        same = await self._annotations.tag_named(name)
        if same is not None and same.id != tag.id:
            raise BadRequest("parameter_invalid", "Another tag has this name.", "name")
        await self._annotations.rename_tag(tag.id, name)
        renamed = structs.replace(tag, name=name)
        await self._write_name(renamed)
        return renamed

    async def _write_name(self, tag: Tag) -> None:
        """People carry the names of their tags, so that rules need not look them up."""
        async for person_id in self._people(tag):
            await self._roster.change(person_id, _with(tag), self._clock())

    async def _give(self, person: Person, tag: Tag) -> int:
        now = self._clock()
        await self._roster.change(
            person.person_id, _with(tag), now, tagged=[Tagged(person.person_id, tag.id, now)]
        )
        return now

    async def _untag(self, person: Person, tag: Tag) -> None:
        await self._roster.change(
            person.person_id, _without(tag), self._clock(), untagged=[(person.person_id, tag.id)]
        )

    async def _people(self, tag: Tag) -> Any:
        after = 0
        while people := await self._annotations.people_tagged(tag.id, after=after, limit=PEOPLE_A_STEP):
            for person_id in people:
                yield person_id
            after = people[-1]


def _with(tag: Tag) -> Any:
    return lambda person: structs.replace(person, tags={**person.tags, tag.id: tag.name})


def _without(tag: Tag) -> Any:
    return lambda person: structs.replace(
        person, tags={tag_id: name for tag_id, name in person.tags.items() if tag_id != tag.id}
    )


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BadRequest("parameter_invalid", f"A tag's name has 1 to {MAX_NAME} characters.", "name")
    return name


def _shape(tag: Tag) -> TagShape:
    return TagShape(type="tag", id=tag.id, name=tag.name)


def _applied(tag: Tag, at: int | None) -> TagShape:
    when = None if at is None else at // SECOND
    return structs.replace(_shape(tag), applied_at=when, applied_by=Admin())
