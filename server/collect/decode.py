"""Bytes become hits: JSON of the right shape and within every documented limit. Nothing is believed yet.

A mistake of the whole body refuses the request; a mistake in one event rejects that event and no other.
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from server.errors import BadRequest, EventRejected, TooLarge
from server.model import Rejection

MAX_BODY = 64 * 1024
MAX_EVENT = 32 * 1024
MAX_EVENTS = 100
MAX_DEPTH = 6
MAX_NAME = 120
MAX_URL = 2_048
MAX_ID = 64

_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_OPENING = re.compile(rb"[{[]+|[}\]]+")

MAX_AT = 1 << 53
"""The largest time that a browser can say exactly."""


class Hit(Struct, gc=False):
    """One event as it came, typed but not yet cleaned."""

    name: str
    id: str = ""
    at: int | float | None = None
    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    metadata: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None


class Body(Struct, gc=False):
    """The envelope of `POST /e`; its events are still raw."""

    site: str
    events: list[msgspec.Raw] = []
    sent_at: int | float | None = None
    visitor: str | None = None
    webdriver: bool = False
    consent: str | None = None


class _OnlyId(Struct):
    id: str = ""


_body = msgspec.json.Decoder(Body).decode
_hit = msgspec.json.Decoder(Hit).decode
_only_id = msgspec.json.Decoder(_OnlyId).decode


def decode_body(body: bytes) -> Body:
    """The envelope. Raises TooLarge or BadRequest."""
    if len(body) > MAX_BODY:
        raise TooLarge("body_too_large", f"The body has {len(body)} bytes; at most {MAX_BODY} are taken.")
    try:
        decoded = _body(body)
    except RecursionError:
        raise BadRequest("too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep.") from None
    except msgspec.ValidationError as error:
        raise BadRequest("wrong_shape", _readable(error), field=_field(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest("invalid_json", f"The body is no JSON: {_readable(error)}.") from None
    if _envelope_too_deep(body, decoded.events):
        raise BadRequest("too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    if len(decoded.events) > MAX_EVENTS:
        raise BadRequest(
            "too_many_events",
            f"The batch has {len(decoded.events)} events; at most {MAX_EVENTS} are taken.",
            "events",
        )
    return decoded


def _envelope_too_deep(body: bytes, events: list[msgspec.Raw]) -> bool:
    """Whether something beside the events is nested too deep; an event that is must not take the others with
    it.
    """
    openings = _openings(body)
    # Few requests are looked at twice: brackets of the events alone are no depth of the envelope.
    if openings <= MAX_DEPTH or openings - sum(_openings(bytes(raw)) for raw in events) <= MAX_DEPTH:
        return False
    return depth_over(body, MAX_DEPTH) and not any(depth_over(raw, MAX_DEPTH - 2) for raw in events)


def decode_hit(raw: bytes | msgspec.Raw) -> Hit:
    """One event of the envelope. Raises EventRejected."""
    data = bytes(raw)
    if len(data) > MAX_EVENT:
        raise EventRejected(
            "event_too_large", f"The event has {len(data)} bytes; at most {MAX_EVENT} are taken."
        )
    if depth_over(data, MAX_DEPTH - 2):
        raise EventRejected("too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    try:
        hit = _hit(data)
    except msgspec.ValidationError as error:
        raise EventRejected("wrong_shape", _readable(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventRejected("invalid_json", f"The event is no JSON: {_readable(error)}.") from None
    check(hit)
    return hit


def check(hit: Hit) -> None:
    """The limits on what the caller chooses. Raises EventRejected."""
    if hit.id and not _ID.fullmatch(hit.id):
        raise EventRejected("invalid_id", f"An event id has 1 to {MAX_ID} characters of A-Z a-z 0-9 _ and -.")
    if not hit.name.strip():
        raise EventRejected("invalid_name", "The event has no name.")
    if len(hit.name) > MAX_NAME:
        raise EventRejected(
            "invalid_name", f"The event's name has {len(hit.name)} characters; at most {MAX_NAME} are taken."
        )
    if _CONTROL.search(hit.name):
        raise EventRejected("invalid_name", "The event's name holds a control character.")
    if hit.url is not None and len(hit.url) > MAX_URL:
        raise EventRejected(
            "invalid_url", f"The URL has {len(hit.url)} characters; at most {MAX_URL} are taken."
        )
    if hit.at is not None and not 0 <= hit.at <= MAX_AT:
        raise EventRejected("invalid_at", "`at` is a Unix time in milliseconds.")


def rejection(raw: bytes | msgspec.Raw, error: EventRejected) -> Rejection:
    """The answer's line for an event that could not be taken, under its id if it has a usable one."""
    try:
        event_id = _only_id(raw).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        event_id = ""
    return Rejection(event_id if _ID.fullmatch(event_id) else "", error.code, error.message)


def depth_over(data: bytes | msgspec.Raw, limit: int) -> bool:
    """Whether JSON text is nested deeper than `limit` levels. Brackets inside of texts do not count."""
    text = bytes(data)
    if _openings(text) <= limit:
        return False
    depth = 0
    for run in _OPENING.findall(_TEXT.sub(b"", text)):
        if run[0] in b"{[":
            depth += len(run)
            if depth > limit:
                return True
        else:
            depth -= len(run)
    return False


def _openings(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[")


def _readable(error: Exception) -> str:
    # msgspec's messages name types and places, never the input.
    return str(error)[:200]


def _field(error: msgspec.ValidationError) -> str | None:
    found = re.search(r"at `\$\.?([^`]*)`", str(error)) or re.search(r"required field `(\w+)`", str(error))
    return found[1][:64] or None if found else None
