"""The tables that hold something of a person, and what becomes of their rows when two people become one.

Whoever adds a table with a `person_id` adds it here; a test looks for it. Erasing takes the rows out of every
one of them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from server.ids import public_id
from server.model import Hold, Milestone, Moment, Note, Tagged
from server.store.rows import columns
from server.store.statement import Call, Statement

STAY = ""
"""The rows stay under the old id."""

BELONGINGS: Mapping[str, str] = {
    "people": STAY,
    "identities": STAY,
    "merges": STAY,
    # What is under way is settled under the id that it was claimed under.
    "outbox": STAY,
    # Whoever looks at it asks who that person is by now.
    "due": STAY,
    # Both are written anew, summed and counted through (people.merge).
    "totals": "written anew",
    "offers": "written anew",
    # With the number of their sessions.
    "events": "moved",
    "milestones": "moved",
    "tagged": "moved",
    "notes": "moved",
    "holds": "moved",
}
"""What becomes of the rows of the one who joins another, by table."""

_MOVED_AS_THEY_ARE: Mapping[str, type[Struct]] = {
    "milestones": Milestone,
    "tagged": Tagged,
    "notes": Note,
    "holds": Hold,
}

_EVENT_COLUMNS = ", ".join(column for column in columns(Moment) if column not in ("person_id", "session"))

_MOVE_EVENTS = Statement[None](
    "move events",
    f"""
INSERT INTO events (person_id, {_EVENT_COLUMNS}, session)
SELECT CAST(? AS BIGINT), {_EVENT_COLUMNS}, session + CAST(? AS BIGINT) FROM events WHERE person_id = ?
ON CONFLICT DO NOTHING""",
)

# Those who joined had the sessions up to this number; what they did since then is the other one's.
_MERGED = "person_id = ? AND session > ? AND session <= ? AND (received < ? OR id IN LIST (TEXT))"

_MOVE_EVENTS_BACK = Statement[None](
    "move events back",
    f"""
INSERT INTO events (person_id, {_EVENT_COLUMNS}, session)
SELECT CAST(? AS BIGINT), {_EVENT_COLUMNS}, session - CAST(? AS BIGINT) FROM events WHERE {_MERGED}
ON CONFLICT DO NOTHING""",
)

_TAKE_EVENTS_AWAY = Statement[None]("take events away", f"DELETE FROM events WHERE {_MERGED}")

_RENAME_EVENTS = Statement[None](
    "rename events",
    f"""
UPDATE events SET id = substr(id, 1, {64 - 17}) || '-' || CAST(? AS TEXT)
WHERE person_id = ? AND id IN LIST (TEXT)""",
)
"""An id has at most 64 characters, a person's 16."""

_LATEST_EVENTS = Statement(
    "latest events", "SELECT {id} FROM events WHERE person_id = ? AND received >= ?", tuple[str]
)


def _move(table: str, row: type[Struct]) -> Statement[None]:
    names = ", ".join(column for column in columns(row) if column != "person_id")
    return Statement(
        f"move {table}",
        f"INSERT INTO {table} (person_id, {names}) SELECT CAST(? AS BIGINT), {names} FROM {table}"
        " WHERE person_id = ? ON CONFLICT DO NOTHING",
    )


_MOVE = [_move(table, row) for table, row in _MOVED_AS_THEY_ARE.items()]

_TAKE_MILESTONE_AWAY = Statement[None](
    "take milestone away", "DELETE FROM milestones WHERE person_id = ? AND at = ? AND kind = ?"
)


def _forget(table: str) -> Statement[None]:
    return Statement(f"forget {table}", f"DELETE FROM {table} WHERE person_id = ?")


_FORGET = {table: _forget(table) for table in BELONGINGS}

_FORGET_NOTHING_LEFT = Statement[None](
    "forget empty totals", "DELETE FROM totals WHERE person_id = ? AND count = 0"
)


def move(source: int, target: int, sessions: int) -> list[Call[Any]]:
    """Everything of one person becomes another's, whose sessions before theirs are so many; totals and offers
    are only taken away from them.
    """
    return [
        _MOVE_EVENTS(target, sessions, source),
        *(statement(target, source) for statement in _MOVE),
        *(_FORGET[table](source) for table, becomes in BELONGINGS.items() if becomes != STAY),
    ]


def move_back(
    source: int, target: int, *, before: int, sessions: int, merged_at: int, latest: list[str]
) -> list[Call[Any]]:
    """What a merge moved is its former owner's again: events of the sessions above `before`, `sessions` many.

    Totals, offers and milestones are the caller's to write.
    """
    merged = (target, before, before + sessions, merged_at, latest)
    return [_MOVE_EVENTS_BACK(source, before, *merged), _TAKE_EVENTS_AWAY(*merged)]


def latest_events(person_id: int, received: int) -> Call[tuple[str, ...]]:
    """The ids of the person's events that were received at this time or later."""
    return _LATEST_EVENTS(person_id, received)


def rename_events(person_id: int, ids: list[str]) -> Call[None]:
    """These events of the person get ids of their own, which end with the person's."""
    return _RENAME_EVENTS(public_id(person_id), person_id, ids)


def take_milestones_away(milestones: Iterable[Milestone], person_id: int) -> list[Call[Any]]:
    """Milestones with the time and kind of these are no longer this person's."""
    return [_TAKE_MILESTONE_AWAY(person_id, milestone.at, milestone.kind) for milestone in milestones]


def forget_offers(person_id: int) -> list[Call[Any]]:
    """All page messages of a person."""
    return [_FORGET["offers"](person_id)]


def forget_empty_totals(person_id: int) -> list[Call[Any]]:
    """Totals that were saved as nothing."""
    return [_FORGET_NOTHING_LEFT(person_id)]


def forget_everything(person_id: int) -> list[Call[Any]]:
    """Every row of a person in every table."""
    return [statement(person_id) for statement in _FORGET.values()]
