"""What a person may ask of whoever keeps data about them: everything of it, or that none is kept; and merges,
which can be looked at and taken back.
"""

from typing import Any, Literal

from msgspec import Struct
from starlette.responses import Response

from server.api.endpoint import Asked
from server.api.shapes import ContactState
from server.api.who import Who
from server.clock import SECOND, Clock
from server.errors import NotFound
from server.identity import Merge
from server.ids import person_id_of, public_id
from server.people.export import as_csv, as_document
from server.store.base import Store
from server.trail.erasing import erase
from server.trail.separating import take_back


class WhichForm(Struct):
    format: Literal["json", "csv"] = "json"


class ExportShape(Struct):
    """Everything that is stored of a person: by table the rows, each column by its name."""

    exported_at: str
    contact: dict[str, Any]
    rows: dict[str, int]
    """How many there are of each table."""
    data: dict[str, list[dict[str, Any]]]
    type: Literal["export"] = "export"


class MergeShape(Struct):
    """That another person was merged into this one."""

    contact: str
    """Their old id."""
    created_at: int
    by: str
    """`user_hash`, `user_jwt`, `api` or `operator`."""
    event: str | None
    """The event that proved it."""
    undone: bool
    type: Literal["merge"] = "merge"


class MergeList(Struct):
    data: list[MergeShape]
    total_count: int
    type: Literal["list"] = "list"


class Data:
    """The routes about a person's data."""

    def __init__(self, store: Store, who: Who, clock: Clock) -> None:
        self._store = store
        self._who = who
        self._clock = clock

    async def export(self, asked: Asked) -> Response | dict[str, Any]:
        """GET /contacts/{id}/export, also by a visitor's id or a merged person's old one."""
        person = await self._who.anyone(asked.path("id"))
        everything = await self._store.reads.everything(person.person_id)
        if asked.query.format == "csv":
            name = f"{public_id(person.person_id)}.csv"
            headers = {"content-disposition": f'attachment; filename="{name}"'}
            return Response(as_csv(everything), headers=headers, media_type="text/csv; charset=utf-8")
        return as_document(person, everything, self._clock())

    async def erase(self, asked: Asked) -> ContactState:
        """DELETE /contacts/{id}: the person leaves no trace."""
        person = await self._who.contact(asked.path("id"))
        await erase(self._store, person.person_id, self._clock())
        return ContactState(id=public_id(person.person_id), external_id=person.user_id, deleted=True)

    async def merges(self, asked: Asked) -> MergeList:
        """GET /contacts/{id}/merges: who was merged into this person, the latest first."""
        person = await self._who.anyone(asked.path("id"))
        merges = await self._store.reads.merges(person.person_id)
        return MergeList([_merge(merge) for merge in merges], len(merges))

    async def take_back(self, asked: Asked) -> MergeShape:
        """DELETE /contacts/{id}/merges/{merged}: two people again."""
        person_id, merged = person_id_of(asked.path("id")), person_id_of(asked.path("merged"))
        if person_id is None or merged is None:
            raise NotFound("not_found", "There is no such merge.")
        return _merge(await take_back(self._store, person_id, merged, self._clock()))


def _merge(merge: Merge) -> MergeShape:
    return MergeShape(
        contact=public_id(merge.merged),
        created_at=merge.at // SECOND,
        by=merge.by,
        event=merge.event_id or None,
        undone=merge.undone is not None,
    )
