"""Notes about people."""

import html
import re
from typing import Literal

from msgspec import Struct, field

from server.api.contacts import page_size
from server.api.endpoint import Asked
from server.api.shapes import Avatar
from server.api.who import Who
from server.clock import SECOND, Clock
from server.errors import BadRequest, NotFound
from server.ids import new_small_id, public_id
from server.model import Note
from server.store.base import Annotations
from server.trail.roster import Roster

DEFAULT_PER_PAGE = 15
MAX_BODY = 10_000
MAX_PAGE = 100_000


class NewNote(Struct):
    body: str
    admin_id: str | int | None = None


class NotesPage(Struct):
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE


class OfContact(Struct):
    id: str
    type: Literal["contact"] = "contact"


class Author(Struct, kw_only=True):
    type: Literal["admin"] = "admin"
    id: str
    name: str | None = None
    email: str | None = None
    away_mode_enabled: bool = False
    away_mode_reassign: bool = False
    avatar: Avatar = field(default_factory=Avatar)


class NoteShape(Struct, kw_only=True):
    type: Literal["note"] = "note"
    id: str
    created_at: int
    contact: OfContact
    author: Author
    body: str
    """HTML made of the text: what was written is escaped."""


class NotePages(Struct, kw_only=True):
    type: Literal["pages"] = "pages"
    page: int
    per_page: int
    total_pages: int
    next: str | None


class NoteList(Struct, kw_only=True):
    type: Literal["list"] = "list"
    data: list[NoteShape]
    total_count: int
    pages: NotePages


class Notes:
    """The routes about notes."""

    def __init__(self, annotations: Annotations, who: Who, roster: Roster, clock: Clock) -> None:
        self._annotations = annotations
        self._who = who
        self._roster = roster
        self._clock = clock

    async def create(self, asked: Asked) -> NoteShape:
        """POST /contacts/{id}/notes."""
        new: NewNote = asked.body
        person = await self._who.contact(asked.path("id"))
        now = self._clock()
        author = str(new.admin_id or "operator")
        note = Note(person.person_id, new_small_id(now), now, _text(new.body), author[:120])
        await self._roster.change(person.person_id, lambda unchanged: unchanged, now, notes=[note])
        return _shape(note)

    async def list(self, asked: Asked) -> NoteList:
        """GET /contacts/{id}/notes, newest first; a page past the end is empty."""
        page, limit = asked.query.page, page_size(asked.query.per_page)
        if not 1 <= page <= MAX_PAGE:
            raise BadRequest("parameter_invalid", f"page is a whole number from 1 to {MAX_PAGE}.", "page")
        person = await self._who.contact(asked.path("id"))
        notes, total = await self._annotations.notes(person.person_id, limit=limit, skip=(page - 1) * limit)
        pages = -(-total // limit)
        following = None
        if page < pages:
            following = str(asked.request.url.include_query_params(page=page + 1, per_page=limit))
        return NoteList(
            data=[_shape(note) for note in notes],
            total_count=total,
            pages=NotePages(page=page, per_page=limit, total_pages=pages, next=following),
        )

    async def find(self, asked: Asked) -> NoteShape:
        """GET /notes/{id}."""
        number = asked.path("id")
        note = None
        if re.fullmatch("[0-9]{1,16}", number):
            note = await self._annotations.note(int(number))
        if note is None:
            raise NotFound("not_found", "Resource Not Found")
        return _shape(note)


def _text(body: str) -> str:
    """The note as plain text. Raises BadRequest."""
    text = body.strip()
    if not text or len(text) > MAX_BODY or "\0" in text:
        raise BadRequest("parameter_invalid", f"A note has 1 to {MAX_BODY} characters.", "body")
    return text


def _shape(note: Note) -> NoteShape:
    paragraphs = re.split(r"\n{2,}", note.body)
    body = "\n".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs)
    return NoteShape(
        id=str(note.id),
        created_at=note.made // SECOND,
        contact=OfContact(public_id(note.person_id)),
        author=Author(id=note.author),
        body=body,
    )
