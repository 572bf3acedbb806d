"""Filters as SQL, for every engine: fields by a list of our own, every value bound. Means what
`people.matching` means.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from server import filters
from server.filters import MEMBERS, All, Condition, Filter, Known, Like, OneOf, Over, Under, Within, folded
from server.model import Kind, Role

_LAST_SEEN = (
    f"(SELECT max(t.last) FROM totals AS t WHERE t.person_id = people.person_id AND t.kind = {Kind.event:d})"
)
_FIRST_SEEN = (
    f"(SELECT min(t.first) FROM totals AS t WHERE t.person_id = people.person_id AND t.kind = {Kind.event:d})"
)
_ROLE = " ".join(f"WHEN {role:d} THEN '{role.name}'" for role in Role)

TEXT: Mapping[str, str] = {
    "role": f"CASE role {_ROLE} END",
    "name": "name",
    "email": "email",
    "user_id": "user_id",
    "browser": "nullif(browser, '')",
    "language": "nullif(language, '')",
    "os": "nullif(os, '')",
    "country": "nullif(country, '')",
    "referrer": "nullif(referrer, '')",
}

NUMBERS: Mapping[str, str] = {
    "id": "person_id",
    "created": f"coalesce(created, {_FIRST_SEEN}, session_start)",
    "signed_up": "became_user",
    "updated": (
        f"coalesce(CASE WHEN updated > {_LAST_SEEN} THEN updated ELSE {_LAST_SEEN} END,"
        " updated, session_start)"
    ),
    "last_seen": _LAST_SEEN,
    "sessions": "sessions",
}


class Compiled(NamedTuple):
    """A condition in portable form, and what is bound to it in this order."""

    sql: str
    parameters: list[Any]


def compile_filter(wanted: Filter) -> Compiled:
    """The filter as a condition on `people`."""
    if isinstance(wanted, Condition):
        return _condition(wanted)
    joined = " AND " if isinstance(wanted, All) else " OR "
    parts = [compile_filter(part) for part in wanted.parts]
    if not parts:
        return Compiled("1 = 1" if isinstance(wanted, All) else "1 = 0", [])
    return Compiled(
        f"({joined.join(part.sql for part in parts)})",
        [value for part in parts for value in part.parameters],
    )


def _condition(condition: Condition) -> Compiled:
    field, test, negated = condition
    if field.of in MEMBERS:
        inner = _passes(test, "m.text", "m.number")
        found = Compiled(
            f"EXISTS (SELECT 1 FROM MEMBERS ({field.of}) AS m WHERE m.name = ? AND {inner.sql})",
            [field.name, *inner.parameters],
        )
    elif field.name == "tag":
        inner = _passes(test, "t.tag", None)
        found = Compiled(
            f"EXISTS (SELECT 1 FROM tagged AS t WHERE t.person_id = people.person_id AND {inner.sql})",
            inner.parameters,
        )
    else:
        found = _passes(test, TEXT.get(field.name), NUMBERS.get(field.name), whole=field.name == "id")
    if not negated:
        return found
    # What is unknown is not equal to anything, so it passes.
    return Compiled(f"coalesce(NOT ({found.sql}), 1 = 1)", found.parameters)


def _passes(test: filters.Test, text: str | None, number: str | None, *, whole: bool = False) -> Compiled:
    """The test on the expressions of a field; None where it has no text or no number."""
    match test:
        case OneOf(texts, numbers):
            parts, parameters = list[str](), list[Any]()
            if text is not None and texts:
                parts.append(f"{text} IN LIST (TEXT)")
                parameters.append(list(texts))
            if number is not None and numbers:
                # Ids have more digits than a double holds.
                parts.append(f"{number} IN LIST ({'BIGINT' if whole else 'DOUBLE PRECISION'})")
                ids = [int(n) for n in numbers if abs(n) < 1 << 63] if whole else None
                parameters.append([float(n) for n in numbers] if ids is None else ids)
            return Compiled(f"({' OR '.join(parts) or '1 = 0'})", parameters)
        case Like() if text is not None:
            return Compiled(f"lower({text}) LIKE ? ESCAPE '!'", [_pattern(test)])
        case Known():
            known = " OR ".join(f"{side} IS NOT NULL" for side in (text, number) if side is not None)
            return Compiled(f"({known})", [])
    if number is None or isinstance(test, Like):
        return Compiled("1 = 0", [])
    bounds = list[tuple[str, float]]()
    match test:
        case Within(low, high):
            bounds += [(">=", low)] if low is not None else []
            bounds += [("<", high)] if high is not None else []
        case Over(least, equal):
            bounds.append((">=" if equal else ">", least))
        case Under(most, equal):
            bounds.append(("<=" if equal else "<", most))
    compared = " AND ".join(f"{number} {sign} CAST(? AS DOUBLE PRECISION)" for sign, _ in bounds)
    return Compiled(f"({compared or f'{number} IS NOT NULL'})", [float(bound) for _, bound in bounds])


def _pattern(like: Like) -> str:
    escaped = (re.sub("[!%_]", r"!\g<0>", folded(part)) for part in like.parts)
    inner = "%".join(escaped)
    return f"{'' if like.begins else '%'}{inner}{'' if like.ends else '%'}"
