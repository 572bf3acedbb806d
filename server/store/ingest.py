"""The ingest transaction, for every engine: each call is one statement over a whole batch.

It rests on `Writing.hold`: people are held before anything of theirs is read, so known events and totals are
still as they were read when the new ones are written, also where several servers write.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import structs

from server.model import (
    Due,
    Hold,
    Kind,
    Milestone,
    Moment,
    Note,
    Offer,
    OwnKey,
    Person,
    Tagged,
    Total,
    TotalKey,
)
from server.store.base import Changes, Lane
from server.store.engine import Writing
from server.store.merging import SAVE_MERGES, SqlMerging
from server.store.outbox import SAVE_DELIVERIES, in_lanes, lane_of
from server.store.rows import insert, replace, selected
from server.store.statement import Statement

TotalRow = tuple[int, int, str, int, int, int]
"""person_id, kind, key, count, first, last."""

_RESOLVE = Statement(
    "resolve",
    "SELECT {ident, person_id} FROM identities WHERE ident IN LIST (TEXT)",
    tuple[str, int],
)

# The update changes nothing: it waits for a server that claims the same ident, and answers whose it is.
_CLAIM = Statement(
    "claim",
    """
INSERT INTO identities (ident, person_id)
SELECT ident, person_id FROM ROWS (ident TEXT, person_id BIGINT) AS new WHERE true
ON CONFLICT (ident) DO UPDATE SET person_id = identities.person_id RETURNING {ident, person_id}""",
    tuple[str, int],
)

_PEOPLE = Statement(
    "people",
    f"SELECT {selected(Person)} FROM people WHERE person_id IN LIST (BIGINT)",
    Person,
)

_KNOWN_EVENTS = Statement(
    "known events",
    """
SELECT {e.person_id, e.id} FROM ROWS (person_id BIGINT, id TEXT) AS asked
JOIN events AS e ON e.id = asked.id AND e.person_id = asked.person_id""",
    tuple[int, str],
)

TOTALS = Statement(
    "totals",
    """
SELECT {t.person_id, t.kind, t.key, t.count, t.first, t.last}
FROM ROWS (person_id BIGINT, kind SMALLINT, key TEXT) AS asked
JOIN totals AS t ON t.person_id = asked.person_id AND t.kind = asked.kind AND t.key = asked.key""",
    tuple[int, int, str, int, int, int],
)

TOTALS_OF = Statement(
    "totals of people",
    "SELECT {person_id, kind, key, count, first, last} FROM totals WHERE person_id IN LIST (BIGINT)",
    tuple[int, int, str, int, int, int],
)

_PAGE_TOTALS = Statement(
    "page totals",
    f"""
SELECT {{person_id, kind, key, count, first, last}} FROM totals
WHERE person_id IN LIST (BIGINT) AND kind = {Kind.page:d}""",
    tuple[int, int, str, int, int, int],
)

_OFFERS = Statement(
    "offers",
    f"SELECT {selected(Offer)} FROM offers WHERE person_id IN LIST (BIGINT)",
    Offer,
)

MOST_RECENT = 1_000
"""Of each name; `rules.conditions.history` asks for no more."""

RECENT = Statement(
    "recent",
    f"""
SELECT {selected(Moment)} FROM (
  SELECT e.*, row_number() OVER (PARTITION BY e.person_id, e.name ORDER BY e.at DESC, e.id DESC) AS place
  FROM ROWS (person_id BIGINT, name TEXT, since BIGINT) AS asked
  JOIN events AS e ON e.person_id = asked.person_id AND e.at >= asked.since AND e.name = asked.name
) AS newest WHERE place <= {MOST_RECENT} ORDER BY at, id""",
    Moment,
)

_DUE = Statement(
    "due of people",
    """
SELECT {d.person_id, d.rule, d.lane, d.at} FROM ROWS (person_id BIGINT, rule TEXT) AS asked
JOIN due AS d ON d.person_id = asked.person_id AND d.rule = asked.rule""",
    Due,
)

_EVENT_NAMES = Statement(
    "event names",
    "SELECT {name} FROM event_names WHERE site = ?",
    tuple[str],
)

_SAVE_IDENTITIES = Statement[None](
    "save identities",
    """
INSERT INTO identities (ident, person_id)
SELECT ident, person_id FROM ROWS (ident TEXT, person_id BIGINT) AS new WHERE true
ON CONFLICT (ident) DO UPDATE SET person_id = excluded.person_id""",
)

_SAVE_TOTALS = Statement[None](
    "save totals",
    """
INSERT INTO totals (person_id, kind, key, site, count, first, last)
SELECT person_id, kind, key, site, count, first, last
FROM ROWS
  (person_id BIGINT, kind SMALLINT, key TEXT, site TEXT, count BIGINT, first BIGINT, last BIGINT) AS new
WHERE true ON CONFLICT (person_id, kind, key)
DO UPDATE SET count = excluded.count, first = excluded.first, last = excluded.last""",
)

_SAVE_EVENT_NAMES = Statement[None](
    "save event names",
    """
INSERT INTO event_names (site, name, first_seen)
SELECT site, name, first_seen FROM ROWS (site TEXT, name TEXT, first_seen BIGINT) AS new
WHERE true ON CONFLICT DO NOTHING""",
)

_RELEASE = Statement[None]("release identities", "DELETE FROM identities WHERE ident IN LIST (TEXT)")

_UNTAG = Statement[None](
    "untag",
    """
DELETE FROM tagged
WHERE (person_id, tag) IN (SELECT person_id, tag FROM ROWS (person_id BIGINT, tag TEXT) AS gone)""",
)

_TAG = insert(Tagged, "tagged", "ON CONFLICT DO NOTHING")
_SAVE_NOTES = insert(Note, "notes", "ON CONFLICT DO NOTHING")
_SETTLE = Statement[None](
    "settle due",
    """
DELETE FROM due WHERE (person_id, rule) IN
  (SELECT person_id, rule FROM ROWS (person_id BIGINT, rule TEXT) AS settled)""",
)

_SAVE_DUE = insert(
    Due, "due", "ON CONFLICT (person_id, rule) DO UPDATE SET at = excluded.at WHERE excluded.at < due.at"
)
_SAVE_HOLDS = insert(Hold, "holds", "ON CONFLICT DO NOTHING")
_SAVE_PEOPLE = insert(Person, "people", replace(Person, "person_id"))
_SAVE_EVENTS = insert(Moment, "events")
_SAVE_MILESTONES = insert(Milestone, "milestones", "ON CONFLICT DO NOTHING")
_SAVE_OFFERS = insert(Offer, "offers", replace(Offer, "person_id", "rule", "nth"))


class SqlTransaction(SqlMerging):
    """Implements `store.base.Transaction`."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._before: dict[int, Person] = {}
        self.delivers: set[Lane] = set()
        """Where the outbox has something to send once this is committed."""

    async def resolve(self, idents: Iterable[str]) -> dict[str, int]:
        return dict(await self._writing.ask(_RESOLVE(list(idents))))

    async def claim(self, idents: Mapping[str, int]) -> dict[str, int]:
        # In one order everywhere, so that two servers wait for each other and never in a circle.
        return dict(await self._writing.ask(_CLAIM(sorted(idents.items()))))

    async def people(self, person_ids: Iterable[int]) -> dict[int, Person]:
        asked = sorted(person_ids)
        await self._writing.hold(asked)
        found = {person.person_id: person for person in await self._writing.ask(_PEOPLE(asked))}
        self._before |= found
        return found

    async def known_events(self, keys: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
        return set(await self._writing.ask(_KNOWN_EVENTS(list(keys))))

    async def totals(self, asked: Mapping[int, Collection[OwnKey]]) -> dict[int, dict[OwnKey, Total]]:
        keys = [(person_id, kind, key) for person_id, own in asked.items() for kind, key in own]
        return by_person(asked, await self._writing.ask(TOTALS(keys)))

    async def page_totals(self, person_ids: Iterable[int]) -> dict[int, dict[OwnKey, Total]]:
        asked = list(person_ids)
        return by_person(asked, await self._writing.ask(_PAGE_TOTALS(asked)))

    async def totals_of(self, person_ids: Iterable[int]) -> dict[int, dict[OwnKey, Total]]:
        """By person, every total of these people."""
        asked = list(person_ids)
        return by_person(asked, await self._writing.ask(TOTALS_OF(asked)))

    async def offers(self, person_ids: Iterable[int]) -> list[Offer]:
        return await self._writing.ask(_OFFERS(list(person_ids)))

    async def recent(self, asked: Iterable[tuple[int, str, int]]) -> list[Moment]:
        return await self._writing.ask(RECENT(list(asked)))

    async def due(self, keys: Iterable[tuple[int, str]]) -> list[Due]:
        return await self._writing.ask(_DUE(list(keys)))

    async def event_names(self, site: str) -> set[str]:
        return {name for (name,) in await self._writing.ask(_EVENT_NAMES(site))}

    async def save(self, changes: Changes) -> None:
        writes = [
            statement(rows)
            for statement, rows in (
                (_RELEASE, sorted(changes.released)),
                (_SAVE_IDENTITIES, sorted(changes.identities.items())),
                (_SAVE_PEOPLE, [person for person in changes.people if self._row_changes(person)]),
                (_SAVE_EVENTS, list(changes.events)),
                (_SAVE_TOTALS, _total_rows(changes)),
                (_SAVE_MILESTONES, list(changes.milestones)),
                (_SAVE_OFFERS, list(changes.offers)),
                (_SAVE_HOLDS, list(changes.holds)),
                (_SETTLE, list(changes.settled)),
                (_SAVE_DUE, list(changes.due)),
                (_SAVE_EVENT_NAMES, sorted(changes.event_names)),
                (SAVE_DELIVERIES, in_lanes(changes.deliveries)),
                (_UNTAG, list(changes.untagged)),
                (_TAG, list(changes.tagged)),
                (_SAVE_NOTES, list(changes.notes)),
                (SAVE_MERGES, list(changes.merges)),
            )
            if rows
        ]
        if writes:
            await self._writing.run(*writes)
        self._before |= {person.person_id: person for person in changes.people}
        self.delivers.update(lane_of(delivery) for delivery in changes.deliveries)

    def _row_changes(self, person: Person) -> bool:
        """Whether more of the person has changed than is read from their totals."""
        before = self._before.get(person.person_id)
        return before is None or before != structs.replace(
            person, first_seen=before.first_seen, last_seen=before.last_seen, events=before.events
        )


def by_person(person_ids: Iterable[int], rows: Iterable[TotalRow]) -> dict[int, dict[OwnKey, Total]]:
    """Rows of totals by these people, whose they are, and by their own keys."""
    found: dict[int, dict[OwnKey, Total]] = {person_id: {} for person_id in person_ids}
    for person_id, kind, key, count, first, last in rows:
        found[person_id][kind, key] = Total(count, first, last)
    return found


def by_key(rows: Iterable[TotalRow]) -> dict[TotalKey, Total]:
    """Rows of totals by their keys."""
    return {(person, kind, key): Total(count, first, last) for person, kind, key, count, first, last in rows}


def _total_rows(changes: Changes) -> list[tuple[int, int, str, str, int, int, int]]:
    sites = {person.person_id: person.site for person in changes.people}
    # In the order of the key, so that neighbours are written together.
    return sorted(
        (person, kind, key, sites[person], total.count, total.first, total.last)
        for (person, kind, key), total in changes.totals.items()
    )
