"""What is asked of people, as types: conditions on their fields, joined by `All` and `Any`.

Each filter means the same as a predicate (`people.matching`) and as SQL (`store.search`). A field is one of
FIELDS or a member of one of MEMBERS; no name that a caller gives ever becomes SQL.
"""

from collections.abc import Sequence
from typing import NamedTuple

FIELDS = frozenset(
    [
        "id",
        "role",
        "name",
        "email",
        "user_id",
        "browser",
        "language",
        "os",
        "country",
        "referrer",
        "created",
        "signed_up",
        "updated",
        "last_seen",
        "sessions",
        "tag",
    ]
)
"""What is asked by a name of its own: times in milliseconds, `id` as the person's number, `tag` as a tag's
id.
"""

MEMBERS = frozenset(["traits", "profile", "utm"])
"""Fields of a person that hold members of any name."""


class Field(NamedTuple):
    """A field of FIELDS, or the member `name` of one of MEMBERS."""

    name: str
    of: str = ""


class OneOf(NamedTuple):
    """Equal to one of these. Text is compared by its bytes, numbers as numbers."""

    texts: Sequence[str] = ()
    numbers: Sequence[float] = ()


class Like(NamedTuple):
    """Holds these parts one after the other, the case of A to Z aside; `begins` and `ends` tie the first part
    to the beginning and the last to the end.
    """

    parts: Sequence[str]
    begins: bool = False
    ends: bool = False


class Within(NamedTuple):
    """A number that is at least `low` and below `high`; None is no bound."""

    low: float | None = None
    high: float | None = None


class Over(NamedTuple):
    """A number greater than this, or with `equal` as great."""

    number: float
    equal: bool = False


class Under(NamedTuple):
    """A number less than this, or with `equal` as small."""

    number: float
    equal: bool = False


class Known(NamedTuple):
    """Has any value at all."""


Test = OneOf | Like | Within | Over | Under | Known


class Condition(NamedTuple):
    """One field and what must hold of it. Nothing holds of what is unknown, so everything negated does."""

    field: Field
    test: Test
    negated: bool = False


class All(NamedTuple):
    """All of these hold."""

    parts: Sequence["Filter"]


class Any(NamedTuple):
    """One of these holds at least."""

    parts: Sequence["Filter"]


Filter = Condition | All | Any

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLDED = str.maketrans(_UPPER, _UPPER.lower())


def folded(text: str) -> str:
    """The text with A to Z in lower case, as `lower()` of every engine does it."""
    return text.translate(_FOLDED)
