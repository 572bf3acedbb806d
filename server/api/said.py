"""What a call says of a person, cleaned: identifiers, attributes, metadata; each refused by its name."""

from typing import Any

from server.collect.clean import clean_metadata, clean_traits
from server.errors import BadRequest, EventRejected
from server.model import Metadata

MAX_ATTRIBUTES = 100
"""Custom attributes of one person."""
MAX_SECONDS = 1 << 33
"""The latest time that a call can say: the year 2242. What is later was meant in milliseconds."""


_OWN = frozenset({"email", "name", "user_id", "user_hash", "user_jwt"})
"""What no custom attribute may be named: it is said in a place of its own."""


def identifier(name: str, value: str | int | None) -> str | None:
    """A `user_id`, `email` or `name` as it is kept; None where it is none. Raises BadRequest."""
    if value is None or not str(value).strip():
        return None
    try:
        cleaned, _ = clean_traits({name: str(value).strip()})
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, name) from None
    text: str = cleaned[name]
    return text


def attributes(given: dict[str, Any]) -> Metadata:
    """Custom attributes, of the types that metadata has. Raises BadRequest with the attribute's name."""
    if len(given) > MAX_ATTRIBUTES:
        raise BadRequest(
            "custom_data_limit_reached",
            f"A person has at most {MAX_ATTRIBUTES} custom attributes.",
            "custom_attributes",
        )
    for name in _OWN & given.keys():
        raise BadRequest(
            "parameter_invalid", f"`{name}` is no custom attribute.", f"custom_attributes.{name}"
        )
    return {name: _member("custom_attributes", name, value) for name, value in given.items()}


def metadata(given: dict[str, Any], event_name: str) -> Metadata:
    """An event's metadata. Raises BadRequest with the key's name."""
    for name, value in given.items():
        if event_name != "form_error" or name != "fields":
            _member("metadata", name, value)
    try:
        return clean_metadata(given, event_name)
    except EventRejected as error:
        raise BadRequest("parameter_invalid", error.message, "metadata") from None


def _member(group: str, name: str, value: Any) -> Any:
    try:
        clean_metadata({name: value}, "")
    except EventRejected as error:
        shown = name if name.isprintable() else ascii(name)
        raise BadRequest("parameter_invalid", error.message, f"{group}.{shown}"[:120]) from None
    return value


def milliseconds(name: str, seconds: int) -> int:
    """Unix seconds as milliseconds. Raises BadRequest for what is no such time."""
    if not 0 <= seconds <= MAX_SECONDS:
        raise BadRequest("parameter_invalid", f"`{name}` is a time in Unix seconds.", name)
    return seconds * 1_000
