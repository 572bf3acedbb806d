"""What the dashboard and the API look at, on SQLite. Nothing here writes.

Each row comes as one JSON array and is decoded straight into its type, as in `ingest`.
"""

from collections.abc import Collection, Iterable

import msgspec

from server.model import Milestone, Moment, Offer, Person, Total, TotalKey, encode_json
from server.store.base import Page, Trail
from server.store.sqlite.engine import Engine
from server.store.sqlite.rows import json_row

NEWER_MOMENTS = 200
"""How far after a slice the end of its newest page views is looked for."""

_PERSON = f"/* reads: person */ SELECT {json_row(Person)} FROM people WHERE person_id = ?"  # noqa: S608 - our own column names

_PERSON_OF = "/* reads: person of */ SELECT person_id FROM identities WHERE ident = ?"

_EVERYBODY = "merged_into IS NULL"
_BY_SITE = "site = ?"
_BY_EMAIL = "email = ?"
_BY_EMAIL_PREFIX = "email >= ? AND email < ?"
_BY_ROLE = "role IN (SELECT value FROM json_each(?))"
_BEFORE = "person_id < ?"

_COUNT_PEOPLE = "/* reads: count people */ SELECT count(*) FROM people WHERE {conditions}"

_FIND_PEOPLE = f"""
/* reads: find people */ SELECT {json_row(Person)} FROM people WHERE {{conditions}}
ORDER BY person_id DESC LIMIT ?"""  # noqa: S608 - our own column names

_TRAIL = f"""
/* reads: trail */ SELECT {json_row(Moment)} FROM events WHERE person_id = ? AND (at, id) < (?, ?)
ORDER BY at DESC, id DESC LIMIT ?"""  # noqa: S608 - our own column names

_NEWER = f"""
/* reads: newer moments */ SELECT {json_row(Moment)} FROM events WHERE person_id = ? AND (at, id) > (?, ?)
ORDER BY at, id LIMIT ?"""  # noqa: S608 - our own column names

_MILESTONES = f"""
/* reads: milestones */ SELECT {json_row(Milestone)} FROM milestones WHERE person_id = ?
ORDER BY at DESC, kind DESC"""  # noqa: S608 - our own column names

_ALL_TOTALS = """
/* reads: all totals */ SELECT json_array(person_id, kind, key, count, first, last) FROM totals
WHERE person_id = ?"""

_TOTALS = """
/* reads: totals */ SELECT json_array(t.person_id, t.kind, t.key, t.count, t.first, t.last)
FROM json_each(?) AS asked
CROSS JOIN totals AS t
ON t.person_id = asked.value ->> 0 AND t.kind = asked.value ->> 1 AND t.key = asked.value ->> 2"""

_ALL_OFFERS = f"""
/* reads: all offers */ SELECT {json_row(Offer)} FROM offers WHERE person_id = ?
ORDER BY claimed DESC, rule, nth DESC"""  # noqa: S608 - our own column names

_END_OF_TIME = (1 << 63) - 1

_as_person = msgspec.json.Decoder(Person, strict=False).decode
_as_moment = msgspec.json.Decoder(Moment).decode
_as_milestone = msgspec.json.Decoder(Milestone).decode
_as_total = msgspec.json.Decoder(tuple[int, int, str, int, int, int]).decode
_as_offer = msgspec.json.Decoder(Offer).decode


class SqliteReads:
    """Implements `store.base.Reads` on the reading connections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def person(self, person_id: int) -> Person | None:
        for (row,) in await self._engine.read(_PERSON, (person_id,)):
            return _as_person(row)
        return None

    async def person_of(self, ident: str) -> int | None:
        for (person_id,) in await self._engine.read(_PERSON_OF, (ident,)):
            return int(person_id)
        return None

    async def find_people(
        self,
        *,
        site: str | None = None,
        email: str | None = None,
        email_prefix: str | None = None,
        roles: Collection[int] = (),
        limit: int,
        before: int | None = None,
    ) -> Page:
        conditions, parameters = _conditions(site, email, email_prefix, roles)
        [(total,)] = await self._engine.read(
            _COUNT_PEOPLE.format(conditions=" AND ".join(conditions)), parameters
        )
        if before is not None:
            conditions.append(_BEFORE)
            parameters.append(before)
        rows = await self._engine.read(
            _FIND_PEOPLE.format(conditions=" AND ".join(conditions)), (*parameters, limit + 1)
        )
        return Page([_as_person(row) for (row,) in rows[:limit]], total, len(rows) > limit)

    async def trail(self, person_id: int, *, limit: int, before: tuple[int, str] | None = None) -> Trail:
        at, event_id = before or (_END_OF_TIME, "")
        rows = await self._engine.read(_TRAIL, (person_id, at, event_id, limit + 1))
        moments = [_as_moment(row) for (row,) in rows[:limit]]
        newer: list[Moment] = []
        if moments and before is not None:
            newest = moments[0]
            found = await self._engine.read(_NEWER, (person_id, newest.at, newest.id, NEWER_MOMENTS))
            newer = [_as_moment(row) for (row,) in found]
        return Trail(moments, newer, len(rows) > limit)

    async def milestones(self, person_id: int) -> list[Milestone]:
        return [_as_milestone(row) for (row,) in await self._engine.read(_MILESTONES, (person_id,))]

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        return _by_key(row for (row,) in await self._engine.read(_ALL_TOTALS, (person_id,)))

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        asked = encode_json(list(keys)).decode()
        return _by_key(row for (row,) in await self._engine.read(_TOTALS, (asked,)))

    async def all_offers(self, person_id: int) -> list[Offer]:
        return [_as_offer(row) for (row,) in await self._engine.read(_ALL_OFFERS, (person_id,))]


def _conditions(
    site: str | None, email: str | None, email_prefix: str | None, roles: Collection[int]
) -> tuple[list[str], list[str | int]]:
    """The conditions of a search and what is bound to them."""
    conditions, parameters = [_EVERYBODY], list[str | int]()
    if site is not None:
        conditions.append(_BY_SITE)
        parameters.append(site)
    if email is not None:
        conditions.append(_BY_EMAIL)
        parameters.append(email)
    if email_prefix is not None:
        conditions.append(_BY_EMAIL_PREFIX)
        # The highest code point is no character, so no e-mail holds it.
        parameters += [email_prefix, email_prefix + "\U0010ffff"]
    if roles:
        conditions.append(_BY_ROLE)
        parameters.append(encode_json(sorted(map(int, roles))).decode())
    return conditions, parameters


def _by_key(rows: Iterable[str]) -> dict[TotalKey, Total]:
    found = (_as_total(row) for row in rows)
    return {(person, kind, key): Total(count, first, last) for person, kind, key, count, first, last in found}
