"""The ingest transaction on SQLite: each call is one statement over a whole batch, in and out as JSON.

Reads answer one row that holds a JSON array, so that the rows are made in C and decoded straight into types.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from server.model import Milestone, Moment, Offer, Person, Total, TotalKey, encode_json
from server.store.base import Changes
from server.store.sqlite.cache import Cache, split
from server.store.sqlite.engine import Writing
from server.store.sqlite.rows import columns, json_row

T = TypeVar("T")

_PEOPLE = f"""
/* ingest: people */ SELECT json_group_array({json_row(Person)}) FROM people
WHERE person_id IN (SELECT value FROM json_each(?))"""

_RESOLVE = """
/* ingest: resolve */ SELECT json_group_array(json_array(ident, person_id)) FROM identities
WHERE ident IN (SELECT value FROM json_each(?))"""

_KNOWN_EVENTS = """
/* ingest: known events */ SELECT json_group_array(json_array(e.person_id, e.id)) FROM json_each(?) AS asked
CROSS JOIN events AS e ON e.id = asked.value ->> 1 AND e.person_id = asked.value ->> 0"""

_TOTALS = """
/* ingest: totals */ SELECT json_group_array(json_array(t.person_id, t.kind, t.key, t.count, t.first, t.last))
FROM json_each(?) AS asked
CROSS JOIN totals AS t
  ON t.person_id = asked.value ->> 0 AND t.kind = asked.value ->> 1 AND t.key = asked.value ->> 2"""

_PAGE_TOTALS = """
/* ingest: page totals */ SELECT json_group_array(json_array(person_id, kind, key, count, first, last))
FROM totals WHERE person_id IN (SELECT value FROM json_each(?)) AND kind = 2"""

_OFFERS = f"""
/* ingest: offers */ SELECT json_group_array({json_row(Offer)}) FROM offers
WHERE person_id IN (SELECT value FROM json_each(?))"""

_EVENT_NAMES = """
/* ingest: event names */ SELECT json_group_array(name) FROM event_names WHERE site = ?"""

_SAVE_IDENTITIES = """
/* ingest: save identities */ INSERT INTO identities (ident, person_id)
SELECT value ->> 0, value ->> 1 FROM json_each(?)"""

_SAVE_EVENT_NAMES = """
/* ingest: save event names */ INSERT INTO event_names (site, name, first_seen)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"""

_SAVE_TOTALS = """
/* ingest: save totals */ INSERT INTO totals (person_id, kind, key, site, count, first, last)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(?) WHERE true
ON CONFLICT (person_id, kind, key)
  DO UPDATE SET count = excluded.count, first = excluded.first, last = excluded.last"""


def _insert(table: str, row: type[msgspec.Struct], on_conflict: str = "") -> str:
    places = columns(row)
    values = ", ".join(f"value ->> {place}" for place in places.values())
    # "WHERE true" keeps the parser from reading ON as the join's.
    return (
        f"/* ingest: save {table} */ INSERT INTO {table} ({', '.join(places)}) "
        f"SELECT {values} FROM json_each(?) WHERE true {on_conflict}"
    )


def _replace(row: type[msgspec.Struct], *key: str) -> str:
    rest = (column for column in columns(row) if column not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET " + ", ".join(f"{c} = excluded.{c}" for c in rest)


_SAVE_PEOPLE = _insert("people", Person, _replace(Person, "person_id"))
_SAVE_EVENTS = _insert("events", Moment)
_SAVE_MILESTONES = _insert("milestones", Milestone, "ON CONFLICT DO NOTHING")
_SAVE_OFFERS = _insert("offers", Offer, _replace(Offer, "person_id", "rule", "nth"))

_as_idents = msgspec.json.Decoder(list[tuple[str, int]]).decode
_as_event_keys = msgspec.json.Decoder(list[tuple[int, str]]).decode
_as_people = msgspec.json.Decoder(list[Person], strict=False).decode
_as_totals = msgspec.json.Decoder(list[tuple[int, int, str, int, int, int]]).decode
_as_offers = msgspec.json.Decoder(list[Offer]).decode
_as_names = msgspec.json.Decoder(set[str]).decode


class SqliteTransaction:
    """Implements `store.base.Transaction` on the writing connection, inside BEGIN IMMEDIATE."""

    def __init__(self, writing: Writing, cache: Cache) -> None:
        self._writing = writing
        self._cache = cache
        self._before: dict[int, Person] = {}
        self.saved: list[Changes] = []
        """What the cache may take over after the commit."""

    async def resolve(self, idents: Iterable[str]) -> dict[str, int]:
        found, missing = split(self._cache.idents, idents)
        if missing:
            read = dict(_as_idents(await self._one(_RESOLVE, missing)))
            self._cache.idents.update(read)
            found |= read
        return found

    async def people(self, person_ids: Iterable[int]) -> dict[int, Person]:
        found, missing = split(self._cache.people, person_ids)
        if missing:
            read = {person.person_id: person for person in _as_people(await self._one(_PEOPLE, missing))}
            self._cache.people.update(read)
            found |= read
        self._before |= found
        return found

    async def known_events(self, keys: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
        return set(_as_event_keys(await self._one(_KNOWN_EVENTS, list(keys))))

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        found, missing = split(self._cache.totals, keys)
        if missing:
            read = dict.fromkeys(missing) | _by_key(await self._one(_TOTALS, missing))
            self._cache.totals.update(read)
            found |= read
        return {key: total for key, total in found.items() if total is not None}

    async def page_totals(self, person_ids: Iterable[int]) -> dict[TotalKey, Total]:
        return _by_key(await self._one(_PAGE_TOTALS, list(person_ids)))

    async def offers(self, person_ids: Iterable[int]) -> list[Offer]:
        found, missing = split(self._cache.offers, person_ids)
        if missing:
            found |= {person_id: [] for person_id in missing}
            for offer in _as_offers(await self._one(_OFFERS, missing)):
                found[offer.person_id].append(offer)
            self._cache.offers.update({person_id: found[person_id] for person_id in missing})
        return [offer for offers in found.values() for offer in offers]

    async def event_names(self, site: str) -> set[str]:
        [[(names,)]] = await self._writing.run((_EVENT_NAMES, (site,)))
        return _as_names(names)

    async def save(self, changes: Changes) -> None:
        writes = [
            (sql, (encode_json(rows).decode(),))
            for sql, rows in (
                (_SAVE_IDENTITIES, list(changes.identities.items())),
                (_SAVE_PEOPLE, [person for person in changes.people if self._row_changes(person)]),
                (_SAVE_EVENTS, list(changes.events)),
                (_SAVE_TOTALS, _total_rows(changes)),
                (_SAVE_MILESTONES, list(changes.milestones)),
                (_SAVE_OFFERS, list(changes.offers)),
                (_SAVE_EVENT_NAMES, list(changes.event_names)),
            )
            if rows
        ]
        if writes:
            await self._writing.run(*writes)
            self.saved.append(changes)

    def _row_changes(self, person: Person) -> bool:
        """Whether more of the person has changed than is read from their totals."""
        before = self._before.get(person.person_id)
        return before is None or before != structs.replace(
            person, first_seen=before.first_seen, last_seen=before.last_seen, events=before.events
        )

    async def _one(self, sql: str, asked: Iterable[Any]) -> str:
        [[(answer,)]] = await self._writing.run((sql, (encode_json(asked).decode(),)))
        return str(answer)


def _by_key(rows: str) -> dict[TotalKey, Total]:
    return {
        (person, kind, key): Total(count, first, last)
        for person, kind, key, count, first, last in _as_totals(rows)
    }


def _total_rows(changes: Changes) -> list[tuple[Any, ...]]:
    sites = {person.person_id: person.site for person in changes.people}
    # In the order of the key, so that neighbours are written together.
    return sorted(
        (person, kind, key, sites[person], total.count, total.first, total.last)
        for (person, kind, key), total in changes.totals.items()
    )
