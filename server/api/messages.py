"""Messages that a server sends to one person: e-mail, through the outbox."""

import html
import re
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from server.api.endpoint import Asked
from server.api.who import Who
from server.clock import SECOND, Clock
from server.errors import BadRequest, Unprocessable
from server.ids import new_delivery_id
from server.model import Delivery, Metadata, Person
from server.people.traits import is_proved
from server.trail.roster import Roster

MAX_SUBJECT = 200
MAX_BODY = 20_000

RULE = "api"
"""What stands in the place of a rule's id where no rule has sent the message."""


class Sender(Struct):
    type: Literal["admin"] = "admin"
    id: str | int | UnsetType = UNSET


class Recipient(Struct):
    type: Literal["user", "lead", "contact"]
    id: str | None = None
    user_id: str | None = None
    email: str | None = None


class NewMessage(Struct, kw_only=True):
    """A letter. What Intercom calls in-app messages are rules of leadtrail.yaml."""

    message_type: Literal["email", "inapp", "in_app"]
    body: str | None = None
    """Plain text, or HTML of which the text is taken."""
    subject: str | None = None
    template: str | None = None
    sender: Sender | None = field(default=None, name="from")
    to: Recipient | list[Recipient]
    create_conversation_without_contact_reply: bool | None = None


class Owner(Struct):
    id: str
    type: Literal["admin"] = "admin"


class MessageShape(Struct, kw_only=True):
    type: Literal["admin_message"] = "admin_message"
    id: str
    created_at: int
    subject: str | None
    body: str
    message_type: Literal["email"] = "email"
    conversation_id: str | None = None
    owner: Owner


class Messages:
    """The route about messages."""

    def __init__(self, who: Who, roster: Roster, clock: Clock) -> None:
        self._who = who
        self._roster = roster
        self._clock = clock

    async def create(self, asked: Asked) -> MessageShape:
        """POST /messages: taken once it is in the outbox, which sends it, and tries again."""
        new: NewMessage = asked.body
        if new.message_type != "email":
            raise BadRequest(
                "parameter_invalid",
                "Only e-mail is sent by the API; messages on the page are rules of leadtrail.yaml.",
                "message_type",
            )
        body = plain(new.body or "")
        if not body or len(body) > MAX_BODY:
            raise BadRequest("parameter_invalid", "Body is required", "body")
        subject = " ".join((new.subject or "").split())
        if not subject or len(subject) > MAX_SUBJECT:
            raise BadRequest("parameter_invalid", "Subject is required", "subject")
        to = new.to if isinstance(new.to, Recipient) else new.to[0] if len(new.to) == 1 else None
        if to is None:
            raise BadRequest("parameter_invalid", "A message goes to one person.", "to")
        person = await self._who.meant(id=to.id, user_id=to.user_id, email=to.email)
        if person.email is None:
            raise Unprocessable("parameter_not_found", "This person has no e-mail address.", "to")
        now = self._clock()
        delivery = Delivery(
            person_id=person.person_id,
            id=new_delivery_id(now),
            site=person.site,
            rule=RULE,
            nth=1,
            channel="email",
            made=now,
            due=now,
            content=_letter(person, person.email, subject, body),
        )
        await self._roster.change(person.person_id, _unchanged, now, deliveries=[delivery])
        sender = str(new.sender.id) if new.sender and new.sender.id is not UNSET else "operator"
        return MessageShape(
            id=delivery.id, created_at=now // SECOND, subject=subject, body=body, owner=Owner(sender)
        )


def _letter(person: Person, address: str, subject: str, body: str) -> Metadata:
    letter: dict[str, Any] = {
        "to": address,
        "subject": subject,
        "body": body,
        "verified": is_proved(person, "email"),
        # The caller names this very person, so the address is theirs to answer for.
        "to_unverified": True,
    }
    return {**letter, "language": person.language} if person.language else letter


def _unchanged(person: Person) -> Person:
    return person


def plain(body: str) -> str:
    """The text of a body that may be HTML."""
    if not re.search(r"</?[a-zA-Z][^>]*>", body):
        return body.strip()
    broken = re.sub(r"(?i)<br\s*/?>", "\n", body)
    broken = re.sub(r"(?i)</(p|div|h[1-6]|li|tr)\s*>", "\n\n", broken)
    text = html.unescape(re.sub(r"(?s)<(script|style)\b.*?</\1\s*>|<[^>]*>", "", broken))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
