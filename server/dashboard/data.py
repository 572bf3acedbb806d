"""What an operator does with a person's data: export it, erase it, take a merge back."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.clock import Clock
from server.errors import BadRequest, NotFound
from server.ids import person_id_of, public_id
from server.model import Person
from server.people.export import as_csv, as_json
from server.store.base import Store
from server.trail.erasing import erase
from server.trail.separating import take_back

PEOPLE = "/dashboard/people"


class PersonData:
    """The routes about a person's data."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def export(self, request: Request) -> Response:
        """GET /dashboard/people/{id}/export.json or .csv"""
        person = await self._person(request)
        everything = await self._store.reads.everything(person.person_id)
        form = request.path_params["form"]
        if form == "csv":
            content, media_type = as_csv(everything).encode(), "text/csv; charset=utf-8"
        elif form == "json":
            content, media_type = as_json(person, everything, self._clock()), "application/json"
        else:
            raise NotFound("no_such_page", "An export is JSON or CSV.")
        name = f"{public_id(person.person_id)}.{form}"
        return Response(
            content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'}
        )

    async def erase(self, request: Request) -> Response:
        """POST /dashboard/people/{id}/erase, with the box ticked."""
        person = await self._person(request)
        if request.scope["leadtrail.form"].get("sure") != "yes":
            raise BadRequest("not_sure", "Tick the box to erase the person: it cannot be undone.")
        await erase(self._store, person.person_id, self._clock())
        return RedirectResponse(PEOPLE, 303)

    async def take_apart(self, request: Request) -> Response:
        """POST /dashboard/people/{id}/take-apart: the merge of the form's `merged` is taken back."""
        person = await self._person(request)
        merged = person_id_of(request.scope["leadtrail.form"].get("merged", ""))
        if merged is None:
            raise NotFound("no_such_merge", "There is no such merge.")
        await take_back(self._store, person.person_id, merged, self._clock())
        return RedirectResponse(f"{PEOPLE}/{public_id(person.person_id)}", 303)

    async def _person(self, request: Request) -> Person:
        person_id = person_id_of(request.path_params["id"])
        person = None if person_id is None else await self._store.reads.person(person_id)
        if person is None or person.merged_into is not None:
            raise NotFound("no_such_person", "There is nobody under this address. They may have been erased.")
        return person
