"""Who was merged into a person, as their page shows it. Pure."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import NamedTuple

from server.dashboard.times import When, when
from server.identity import Merge
from server.ids import public_id

HOW = {
    "user_hash": "proved by user_hash",
    "user_jwt": "proved by user_jwt",
    "api": "by the API",
    "operator": "by an operator",
}


class Join(NamedTuple):
    """One merge."""

    id: str
    """The old id of who joined."""
    short: str
    how: str
    when: When
    undone: bool


def present_joins(merges: Iterable[Merge], now: int, zone: tzinfo) -> list[Join]:
    """The latest first."""
    return [
        Join(
            public_id(merge.merged),
            public_id(merge.merged)[-6:],
            HOW.get(merge.by, merge.by),
            when(merge.at, now, zone),
            merge.undone is not None,
        )
        for merge in merges
    ]
