"""Whether a filter holds of a person: the meaning that the store's SQL has too (`store.search`). Pure."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from server import filters
from server.filters import All, Condition, Field, Filter, Like, OneOf, Over, Under, Within, folded
from server.model import Person, Role

READ: Mapping[str, Callable[[Person], Any]] = {
    "id": lambda person: person.person_id,
    "role": lambda person: Role(person.role).name,
    "name": lambda person: person.name,
    "email": lambda person: person.email,
    "user_id": lambda person: person.user_id,
    "browser": lambda person: person.browser or None,
    "language": lambda person: person.language or None,
    "os": lambda person: person.os or None,
    "country": lambda person: person.country or None,
    "referrer": lambda person: person.referrer or None,
    "created": lambda person: created(person),
    "signed_up": lambda person: person.became_user,
    "updated": lambda person: updated(person),
    "last_seen": lambda person: last_seen(person),
    "sessions": lambda person: person.sessions,
    "tag": lambda person: list(person.tags),
}


_EXACT = 1 << 53


def created(person: Person) -> int:
    """When the person was made by a server, else first seen; ms."""
    return person.first_seen if person.created is None else person.created


def last_seen(person: Person) -> int | None:
    """When the person last did anything; None where they never did."""
    return person.last_seen if person.events else None


def updated(person: Person) -> int:
    """When a server last changed the person or they last did something; ms."""
    times = [at for at in (person.updated, last_seen(person)) if at is not None]
    return max(times, default=person.session_start)


def holds(wanted: Filter, person: Person) -> bool:
    """Whether it holds of this person now."""
    if isinstance(wanted, All):
        return all(holds(part, person) for part in wanted.parts)
    if isinstance(wanted, filters.Any):
        return any(holds(part, person) for part in wanted.parts)
    return _condition(wanted, person)


def _condition(condition: Condition, person: Person) -> bool:
    value = _value(condition.field, person)
    values = value if isinstance(value, list) else [] if value is None else [value]
    return any(_passes(condition.test, one) for one in values) != condition.negated


def _value(field: Field, person: Person) -> Any:
    if not field.of:
        return READ[field.name](person)
    value = getattr(person, field.of).get(field.name)
    if isinstance(value, bool):
        return "true" if value else "false"
    # Objects such as amounts are not searched.
    return value if isinstance(value, (str, int, float)) else None


def _passes(test: filters.Test, value: str | float) -> bool:
    match test:
        case OneOf(texts, numbers):
            if isinstance(value, str):
                return value in texts
            # An id is a whole number with more digits than a double holds.
            return value in numbers if isinstance(value, int) and value > _EXACT else float(value) in numbers
        case Like():
            return isinstance(value, str) and _pattern(test).fullmatch(folded(value)) is not None
        case filters.Known():
            return True
    if isinstance(value, str):
        return False
    match test:
        case Within(low, high):
            return (low is None or value >= low) and (high is None or value < high)
        case Over(number, equal):
            return value > number or (equal and value == number)
        case Under(number, equal):
            return value < number or (equal and value == number)


@lru_cache(maxsize=256)
def _pattern(like: Like) -> re.Pattern[str]:
    inner = ".*".join(re.escape(folded(part)) for part in like.parts)
    return re.compile(f"{'' if like.begins else '.*'}{inner}{'' if like.ends else '.*'}", re.DOTALL)
