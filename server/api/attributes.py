"""Data attributes: custom attributes that were declared, and what every contact has."""

import re
from typing import Literal

from msgspec import Struct, structs

from server.api.endpoint import Asked
from server.clock import SECOND, Clock
from server.errors import BadRequest, NotFound
from server.ids import new_small_id
from server.model import Attribute
from server.store.base import Annotations

DataType = Literal["string", "integer", "float", "boolean", "datetime", "date"]

OWN: dict[str, str] = {
    "id": "string",
    "external_id": "string",
    "role": "string",
    "email": "string",
    "name": "string",
    "phone": "string",
    "owner_id": "integer",
    "created_at": "date",
    "signed_up_at": "date",
    "updated_at": "date",
    "last_seen_at": "date",
    "browser": "string",
    "browser_language": "string",
    "os": "string",
    "referrer": "string",
    "session_count": "integer",
    "unsubscribed_from_emails": "boolean",
}
"""What every contact has, and can be searched by."""

# "Alphanumeric characters, currency symbols and hyphens", and what traits have at all: spaces, _ and dots.
_NAME = re.compile(r"[\w \-.$€£¥₹]{1,64}")
MAX_OPTIONS = 100
MAX_TEXT = 255


class Option(Struct):
    value: str


class WhichAttributes(Struct):
    model: Literal["contact", "company", "conversation"] | None = None
    include_archived: bool = False


class NewAttribute(Struct, kw_only=True):
    name: str
    model: Literal["contact", "company"]
    data_type: DataType | Literal["options"]
    options: list[Option | str] | None = None
    description: str | None = None
    messenger_writable: bool | None = None


class ChangedAttribute(Struct, kw_only=True):
    archived: bool | None = None
    description: str | None = None
    options: list[Option | str] | None = None
    messenger_writable: bool | None = None


class AttributeShape(Struct, kw_only=True, omit_defaults=True):
    type: str
    name: str
    full_name: str
    label: str
    data_type: str
    model: str
    api_writable: bool
    ui_writable: bool
    messenger_writable: bool
    custom: bool
    archived: bool
    id: int | None = None
    description: str | None = None
    options: list[str] | None = None
    admin_id: str | None = None
    created_at: int | None = None
    updated_at: int | None = None


class AttributeList(Struct):
    data: list[AttributeShape]
    type: Literal["list"] = "list"


class Attributes:
    """The routes about data attributes."""

    def __init__(self, annotations: Annotations, clock: Clock) -> None:
        self._annotations = annotations
        self._clock = clock

    async def list(self, asked: Asked) -> AttributeList:
        """GET /data_attributes."""
        query: WhichAttributes = asked.query
        declared = await self._annotations.attributes()
        shown = [
            _shape(attribute)
            for attribute in declared
            if query.model in (None, attribute.model) and (query.include_archived or not attribute.archived)
        ]
        own = [_own(name, of_type) for name, of_type in OWN.items()]
        return AttributeList([*(own if query.model in (None, "contact") else []), *shown])

    async def create(self, asked: Asked) -> AttributeShape:
        """POST /data_attributes."""
        new: NewAttribute = asked.body
        if not _NAME.fullmatch(new.name) or new.name != new.name.strip():
            raise BadRequest(
                "parameter_invalid", "A name has letters, digits, currency symbols, '-' and '_'.", "name"
            )
        if (new.data_type == "options") != bool(new.options):
            raise BadRequest(
                "parameter_invalid",
                "`options` goes with the data_type `options`, with at least one.",
                "options",
            )
        now = self._clock()
        attribute = Attribute(
            id=new_small_id(now),
            name=new.name,
            model=new.model,
            data_type=new.data_type,
            made=now,
            updated=now,
            label=new.name,
            description=_description(new.description),
            options=_options(new.options),
            messenger_writable=bool(new.messenger_writable),
        )
        if not await self._annotations.save_attribute(attribute):
            raise BadRequest(
                "parameter_invalid", "You already have an attribute of this name on this model.", "name"
            )
        return _shape(attribute)

    async def update(self, asked: Asked) -> AttributeShape:
        """PUT /data_attributes/{id}."""
        changed: ChangedAttribute = asked.body
        for attribute in await self._annotations.attributes():
            if str(attribute.id) == asked.path("id"):
                break
        else:
            raise NotFound("field_not_found", "We couldn't find that data attribute to update")
        if changed.options is not None and attribute.data_type != "options":
            raise BadRequest("parameter_invalid", "This attribute has no options.", "options")
        told = {
            "archived": changed.archived,
            "messenger_writable": changed.messenger_writable,
            "description": None if changed.description is None else _description(changed.description),
            "options": None if changed.options is None else _options(changed.options),
        }
        after = structs.replace(
            attribute,
            updated=self._clock(),
            **{name: value for name, value in told.items() if value is not None},
        )
        await self._annotations.save_attribute(after)
        return _shape(after)


def _description(text: str | None) -> str:
    if text and (len(text) > MAX_TEXT or "\0" in text):
        raise BadRequest(
            "parameter_invalid", f"A description has at most {MAX_TEXT} characters.", "description"
        )
    return text or ""


def _options(given: "list[Option | str] | None") -> dict[str, list[str]]:
    values = [option if isinstance(option, str) else option.value for option in given or ()]
    if len(values) > MAX_OPTIONS or any(not 1 <= len(value) <= MAX_TEXT or "\0" in value for value in values):
        raise BadRequest(
            "parameter_invalid",
            f"There are at most {MAX_OPTIONS} options of 1 to {MAX_TEXT} characters.",
            "options",
        )
    return {"values": values} if values else {}


def _own(name: str, data_type: str) -> AttributeShape:
    return AttributeShape(
        type="data_attribute",
        name=name,
        full_name=name,
        label=name.replace("_", " ").capitalize(),
        data_type=data_type,
        model="contact",
        api_writable=name in ("external_id", "role", "email", "name", "phone", "owner_id", "signed_up_at"),
        ui_writable=False,
        messenger_writable=name in ("email", "name"),
        custom=False,
        archived=False,
    )


def _shape(attribute: Attribute) -> AttributeShape:
    return AttributeShape(
        type="data_attribute",
        id=attribute.id,
        name=attribute.name,
        full_name=f"custom_attributes.{attribute.name}",
        label=attribute.label,
        description=attribute.description or None,
        data_type="string" if attribute.data_type == "options" else attribute.data_type,
        options=attribute.options.get("values"),
        model=attribute.model,
        api_writable=True,
        ui_writable=False,
        messenger_writable=attribute.messenger_writable,
        custom=True,
        archived=attribute.archived,
        admin_id="operator",
        created_at=attribute.made // SECOND,
        updated_at=attribute.updated // SECOND,
    )
