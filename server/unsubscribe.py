"""How somebody is left alone: the link in every letter, the page behind it, and the mailbox's own button.

The link carries no address, only a signed hash of it; what is kept is the same hash. Opening it changes
nothing (mail scanners open links), a POST does: the page's button, or the one click of RFC 8058.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import parse_qs

from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import structs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.clock import Clock
from server.errors import NotFound
from server.identity import letters_ident
from server.ids import person_id_of, public_id
from server.model import Delivery, Person
from server.store.base import Store
from server.store.lookup import merged
from server.trail.roster import Roster

SALT = "leadtrail.unsubscribe.v1"
MAX_TOKEN = 512
MAX_FORM = 4 * 1024

FLAG = "unsubscribed_from_emails"
"""The member of a person's profile, as Intercom's API has it; servers may set it too."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "language": "en",
        "title": "E-mails from this site",
        "ask": "Do you want no more e-mails of this kind?",
        "stop": "Unsubscribe",
        "done": "You are unsubscribed. No more e-mails of this kind will be sent to you.",
        "again": "That was a mistake: send them again",
        "back": "You will get these e-mails again.",
        "bad": "This link is not complete. Copy the whole of it from the e-mail.",
    },
    "pt": {
        "language": "pt",
        "title": "Mensagens deste site",
        "ask": "Não quer receber mais mensagens deste tipo?",
        "stop": "Cancelar a subscrição",
        "done": "A subscrição foi cancelada. Não receberá mais mensagens deste tipo.",
        "again": "Foi um engano: quero voltar a recebê-las",
        "back": "Voltará a receber estas mensagens.",
        "bad": "Esta ligação não está completa. Copie-a inteira da mensagem.",
    },
}


class Meant(NamedTuple):
    """Whom a link means: the address by its hash, and the person to whom the letter went."""

    ident: str
    person: str


class Unsubscribing:
    """Implements `messages.channel.Unsubscribing`; `base` is this server's own URL, without a slash."""

    def __init__(self, store: Store, keys: Sequence[str], base: str) -> None:
        self._store = store
        self._roster = Roster(store)
        self._base = base
        self._serializer = URLSafeSerializer(
            list(keys), salt=SALT, signer_kwargs={"digest_method": hashlib.sha256}
        )

    async def is_out(self, delivery: Delivery, address: str) -> bool:
        if await self._store.outbox.is_unsubscribed(letters_ident(delivery.site, address)):
            return True
        person = await merged(self._store.reads, delivery.person_id)
        return person is not None and bool(person.profile.get(FLAG))

    def url(self, delivery: Delivery, address: str) -> str:
        meant = Meant(letters_ident(delivery.site, address), public_id(delivery.person_id))
        return f"{self._base}/unsubscribe/{self._serializer.dumps(meant)}"

    def read(self, token: str) -> Meant | None:
        """Whom a link's token means, or None for one that was not made here."""
        if len(token) > MAX_TOKEN:
            return None
        try:
            return Meant(*self._serializer.loads(token))
        except BadSignature:
            return None

    async def set_out(self, meant: Meant, out: bool, now: int) -> None:
        """From now on they get no letters, or do again. What the API tells of the person says so too."""
        if out:
            await self._store.outbox.unsubscribe(meant.ident, now)
        else:
            await self._store.outbox.resubscribe(meant.ident)
        person = await merged(self._store.reads, person_id_of(meant.person) or 0)
        if person is not None:

            def mark(person: Person) -> Person:
                return structs.replace(person, profile={**person.profile, FLAG: out})

            # Whoever was erased meanwhile has no profile; the address is remembered all the same.
            with contextlib.suppress(NotFound):
                await self._roster.change(person.person_id, mark, now)


def unsubscribe_routes(unsubscribing: Unsubscribing, clock: Clock) -> list[Route]:
    """`/unsubscribe/{token}`, open to everybody who has the token."""

    async def show(request: Request) -> Response:
        words = _words(request)
        if unsubscribing.read(request.path_params["token"]) is None:
            return _page(words, "bad", status=404)
        return _page(words, "ask", button="stop")

    async def submit(request: Request) -> Response:
        words = _words(request)
        meant = unsubscribing.read(request.path_params["token"])
        if meant is None:
            return _page(words, "bad", status=404)
        if await _form(request) == {"again": ["1"]}:
            await unsubscribing.set_out(meant, False, clock())
            return _page(words, "back", button="stop")
        # Whatever else the form says: a mailbox sends List-Unsubscribe=One-Click, and some send nothing.
        await unsubscribing.set_out(meant, True, clock())
        return _page(words, "done", button="again")

    return [
        Route("/unsubscribe/{token}", show),
        Route("/unsubscribe/{token}", submit, methods=["POST"]),
    ]


async def _form(request: Request) -> dict[str, list[str]]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return {}
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        return {}


def _words(request: Request) -> Mapping[str, str]:
    asked = request.headers.get("accept-language", "")[:2].lower()
    return _WORDS[asked if asked in _WORDS else "en"]


def _page(words: Mapping[str, str], says: str, *, button: str = "", status: int = 200) -> Response:
    label = escape(words.get(button, ""))
    form = f'<form method="post"><button class="primary" name="{button}" value="1">{label}</button></form>'
    form = form if button else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{words["language"]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(words["title"])}</title>'
        '<link rel="stylesheet" href="/dashboard/static/dashboard.css"></head>'
        f'<body class="alone"><main><div class="card narrow"><h1>{escape(words["title"])}</h1>'
        f"<p>{escape(words[says])}</p>{form if button else ''}</div></main></body></html>",
        status,
        _HEADERS,
    )
