"""Intercom's search language as filters: `{field, operator, value}`, joined by AND and OR. Pure.

What cannot be asked is refused with the name of what is wrong. Dates are compared by the calendar day in the
site's time zone, as Intercom does.
"""

import enum
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from server import filters
from server.clock import SECOND
from server.errors import BadRequest
from server.filters import All, Condition, Field, Filter, Known, Like, OneOf, Over, Under, Within
from server.ids import person_id_of

MAX_DEPTH = 3
"""Groups within groups; Intercom takes two."""
MAX_PARTS = 15
"""Filters in one group, as in Intercom."""
MAX_TEXT = 1_024
MAX_SECONDS = 1 << 40
"""Some 34,000 years."""


class Kind(enum.Enum):
    """What a field holds, which says what can be asked of it."""

    text = "text"
    number = "number"
    date = "date"
    flag = "flag"
    person = "person"
    tag = "tag"
    any = "any"


class _Asked(NamedTuple):
    """A field as the search names it."""

    field: Field
    kind: Kind
    scale: int = 1
    """What a Unix second is in the stored number."""


def _profile(name: str, kind: Kind) -> _Asked:
    return _Asked(Field(name, "profile"), kind)


FIELDS = {
    "id": _Asked(Field("id"), Kind.person),
    "role": _Asked(Field("role"), Kind.text),
    "name": _Asked(Field("name"), Kind.text),
    "email": _Asked(Field("email"), Kind.text),
    "email_domain": _Asked(Field("email"), Kind.text),
    "external_id": _Asked(Field("user_id"), Kind.text),
    "browser": _Asked(Field("browser"), Kind.text),
    "browser_language": _Asked(Field("language"), Kind.text),
    "os": _Asked(Field("os"), Kind.text),
    "location.country": _Asked(Field("country"), Kind.text),
    "location.country_code": _Asked(Field("country"), Kind.text),
    "referrer": _Asked(Field("referrer"), Kind.text),
    "created_at": _Asked(Field("created"), Kind.date, SECOND),
    "signed_up_at": _Asked(Field("signed_up"), Kind.date, SECOND),
    "updated_at": _Asked(Field("updated"), Kind.date, SECOND),
    "last_seen_at": _Asked(Field("last_seen"), Kind.date, SECOND),
    "session_count": _Asked(Field("sessions"), Kind.number),
    "tag_id": _Asked(Field("tag"), Kind.tag),
    "owner_id": _profile("owner_id", Kind.number),
    **{
        name: _profile(name, Kind.text)
        for name in ("phone", "avatar", "language_override", "location.region", "location.city")
    },
    **{
        name: _profile(name, Kind.date)
        for name in ("last_contacted_at", "last_replied_at", "last_email_opened_at", "last_email_clicked_at")
    },
    **{
        name: _profile(name, Kind.flag)
        for name in ("unsubscribed_from_emails", "marked_email_as_spam", "has_hard_bounced")
    },
    **{
        f"utm_{name}": _Asked(Field(name, "utm"), Kind.text)
        for name in ("campaign", "content", "medium", "source", "term")
    },
}
"""What can be searched besides `custom_attributes.<name>`. What Leadtrail never knows, of Intercom's fields,
is unknown of everybody.
"""

_EQUAL = ("=", "!=", "IN", "NIN")
_LIKE = ("~", "!~", "^", "$")
_ORDER = ("<", ">", "<=", ">=")

OPERATORS = {
    Kind.text: (*_EQUAL, *_LIKE),
    Kind.number: (*_EQUAL, *_ORDER),
    Kind.date: ("=", "<", ">"),
    Kind.flag: _EQUAL,
    Kind.person: _EQUAL,
    Kind.tag: _EQUAL,
    Kind.any: (*_EQUAL, *_LIKE, *_ORDER),
}


def parse_query(query: Any, timezone: str) -> Filter:
    """The `query` of a search. `timezone` is where days begin. Raises BadRequest."""
    return _parse(query, ZoneInfo(timezone), 1)


def _parse(query: Any, zone: ZoneInfo, depth: int) -> Filter:
    if not isinstance(query, dict):
        raise _wrong(
            "query", "A filter is an object: {field, operator, value}, or {operator, value} of a group."
        )
    operator = query.get("operator")
    if not isinstance(operator, str):
        raise _wrong("operator", "A filter needs its `operator`.")
    if "field" not in query and operator.upper() in ("AND", "OR"):
        return _group(operator.upper(), query.get("value"), zone, depth)
    return _single(query.get("field"), operator, query.get("value"), zone)


def _group(operator: str, parts: Any, zone: ZoneInfo, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise _wrong("value", f"Groups nest at most {MAX_DEPTH} deep.")
    if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_PARTS:
        raise _wrong("value", f"The value of {operator} is a list of 1 to {MAX_PARTS} filters.")
    joined = tuple(_parse(part, zone, depth + 1) for part in parts)
    return All(joined) if operator == "AND" else filters.Any(joined)


def _single(name: Any, operator: str, value: Any, zone: ZoneInfo) -> Filter:
    asked = _field(name)
    operator = operator.upper()
    if operator not in OPERATORS[asked.kind]:
        raise _wrong(
            "operator",
            f"`{name}` can be asked with {' '.join(OPERATORS[asked.kind])}, not with that operator.",
        )
    if name == "email_domain":
        return _domain(operator, value)
    if asked.kind is Kind.flag:
        return _flag_filter(asked.field, operator, value)
    negated = operator in ("!=", "NIN", "!~")
    if operator in ("=", "!=") and (value is None or value == ""):
        # As in Intercom's own filters: equal to nothing is unknown.
        return Condition(asked.field, Known(), not negated)
    return Condition(asked.field, _TESTS[asked.kind](asked, operator, value, zone), negated)


def _field(name: Any) -> _Asked:
    if not isinstance(name, str):
        raise _wrong("field", "A filter needs its `field`.")
    if name in FIELDS:
        return FIELDS[name]
    group, _, rest = name.partition(".")
    if group == "custom_attributes" and rest and len(rest) <= MAX_TEXT:
        return _Asked(Field(rest, "traits"), Kind.date if rest.endswith(("_at", "_date")) else Kind.any)
    if re.fullmatch(r"(android|ios)_[a-z_]{1,40}", name):
        return _profile(name, Kind.date if name.endswith("_at") else Kind.text)
    if name == "segment_id":
        raise _wrong("field", "Segments are asked by GET /segments/{id}/contacts.")
    raise _wrong("field", "There is no such field to search; docs/http-api.md lists them.")


def _text_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    if operator in _LIKE:
        return _like(operator, _text(value))
    texts = [_text(one) for one in _values(operator, value)]
    # Addresses are kept in lower case, and a role has no other.
    return OneOf(
        tuple(text.strip().lower() if asked.field.name in ("email", "role") else text for text in texts)
    )


def _like(operator: str, text: str) -> Like:
    return Like((text,), begins=operator == "^", ends=operator == "$")


def _number_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    if operator in _ORDER:
        return _order(operator, _number(value))
    return OneOf(numbers=tuple(_number(one) for one in _values(operator, value)))


def _order(operator: str, number: float) -> filters.Test:
    bound = Over if operator[0] == ">" else Under
    return bound(number, operator.endswith("="))


def _date_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    begins, ends = _day(value, zone)
    begins, ends = begins * asked.scale, ends * asked.scale
    if operator == "=":
        return Within(begins, ends)
    return Within(low=ends) if operator == ">" else Within(high=begins)


def _day(value: Any, zone: ZoneInfo) -> tuple[int, int]:
    """When the day of a Unix time begins there, and when the next one does; in seconds."""
    seconds = _number(value)
    if not 0 <= seconds <= MAX_SECONDS:
        raise _wrong("value", "The value must be a time in Unix seconds.")
    midnight = datetime.fromtimestamp(seconds, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    following = (midnight + timedelta(days=1)).replace(tzinfo=zone)
    return int(midnight.timestamp()), int(following.timestamp())


def _person_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    ids = [person_id_of(_text(one)) for one in _values(operator, value)]
    return OneOf(numbers=tuple(person_id for person_id in ids if person_id is not None))


def _tag_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    return OneOf(tuple(_text(one) for one in _values(operator, value)))


def _any_test(asked: _Asked, operator: str, value: Any, zone: ZoneInfo) -> filters.Test:
    if operator in _LIKE:
        return _like(operator, _text(value))
    if operator in _ORDER:
        return _order(operator, _number(value))
    texts, numbers = list[str](), list[float]()
    for one in _values(operator, value):
        if isinstance(one, bool):
            texts.append("true" if one else "false")
            continue
        texts.append(_text(one))
        # Numbers may be asked as text, as in Intercom's own examples.
        if (number := _as_number(one)) is not None:
            numbers.append(number)
    return OneOf(tuple(texts), tuple(numbers))


_TESTS: dict[Kind, Callable[[_Asked, str, Any, ZoneInfo], filters.Test]] = {
    Kind.text: _text_test,
    Kind.number: _number_test,
    Kind.date: _date_test,
    Kind.person: _person_test,
    Kind.tag: _tag_test,
    Kind.any: _any_test,
}


def _domain(operator: str, value: Any) -> Filter:
    """What stands behind the @ of an address."""
    email = Field("email")
    negated = operator in ("!=", "NIN", "!~")
    if operator in ("=", "!=") and not value:
        return Condition(email, Known(), not negated)
    begins, ends = operator not in ("~", "!~", "$"), operator not in ("~", "!~", "^")
    one_of = [
        Condition(email, Like((f"@{text}",) if begins else ("@", text), ends=ends))
        for text in map(_text, _values(operator, value))
    ]
    if not negated:
        return filters.Any(tuple(one_of))
    return All(tuple(condition._replace(negated=True) for condition in one_of))


def _flag_filter(field: Field, operator: str, value: Any) -> Filter:
    """What was never said is false."""
    wanted = {_flag(one) for one in _values(operator, value)}
    if operator in ("!=", "NIN"):
        wanted = {True, False} - wanted
    one_of = [Condition(field, OneOf(("true",)), not flag) for flag in sorted(wanted)]
    return filters.Any(tuple(one_of))


def _values(operator: str, value: Any) -> Sequence[Any]:
    if operator not in ("IN", "NIN"):
        return (value,)
    if not isinstance(value, list) or not 1 <= len(value) <= 100:
        raise _wrong("value", f"The value of {operator} is a list of 1 to 100 values.")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _wrong("value", "The value must be text.")
    text = str(value)
    if not text.strip() or len(text) > MAX_TEXT or "\0" in text:
        raise _wrong("value", f"The value must be text of 1 to {MAX_TEXT} characters.")
    return text


def _number(value: Any) -> float:
    number = _as_number(value)
    if number is None:
        raise _wrong("value", "The value must be a number.")
    return number


def _as_number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e18:
        return None
    return value if math.isfinite(value) else None


def _flag(value: Any) -> bool:
    # python-intercom's typed class sends True as 1.
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, (bool, int, str)) or value not in known:
        raise _wrong("value", "The value must be true or false.")
    return known[value]


def _wrong(field: str, message: str) -> BadRequest:
    return BadRequest("parameter_invalid", message, field)
