"""What the dashboard and the API look at, for every engine. Nothing here writes."""

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from server.clock import MINUTE
from server.filters import Filter
from server.identity import Merge
from server.model import Milestone, Moment, Offer, Person, Total, TotalKey
from server.store.base import Page, Trail
from server.store.engine import Engine
from server.store.everything import everything
from server.store.ingest import TOTALS, by_key
from server.store.merging import ALL_TOTALS, MERGES
from server.store.rows import selected
from server.store.search import compile_filter
from server.store.statement import Statement

WRONG_CLOCK = 10 * MINUTE
"""How wrong a browser's clock may be for its events to be found by their ids."""

NEWER_MOMENTS = 200
"""How far after a slice the end of its newest page views is looked for."""

_PERSON = Statement("read person", f"SELECT {selected(Person)} FROM people WHERE person_id = ?", Person)

_PERSON_IDS = Statement(
    "read person ids",
    "SELECT {person_id} FROM people WHERE person_id > ? ORDER BY person_id LIMIT ?",
    tuple[int],
)

_PERSON_OF = Statement("read person of", "SELECT {person_id} FROM identities WHERE ident = ?", tuple[int])

_EVERYBODY = "merged_into IS NULL"
_BY_SITE = "site = ?"
_BY_EMAIL = "email = ?"
_BY_EMAIL_PREFIX = "email >= ? AND email < ?"
_BY_ROLE = "role IN LIST (SMALLINT)"
_NOT_ARCHIVED = "archived IS NULL"
_BEFORE = "person_id < ?"

_TRAIL = Statement(
    "read trail",
    f"""
SELECT {selected(Moment)} FROM events WHERE person_id = ? AND (at, id) < (?, ?)
ORDER BY at DESC, id DESC LIMIT ?""",
    Moment,
)

_LATEST = Statement(
    "read latest moments",
    f"SELECT {selected(Moment)} FROM events WHERE id >= ? AND id < ? AND at >= ? ORDER BY id DESC LIMIT ?",
    Moment,
)

_NEWER = Statement(
    "read newer moments",
    f"""
SELECT {selected(Moment)} FROM events WHERE person_id = ? AND (at, id) > (?, ?)
ORDER BY at, id LIMIT ?""",
    Moment,
)

_MILESTONES = Statement(
    "read milestones",
    f"SELECT {selected(Milestone)} FROM milestones WHERE person_id = ? ORDER BY at DESC, kind DESC",
    Milestone,
)

_ALL_OFFERS = Statement(
    "read all offers",
    f"SELECT {selected(Offer)} FROM offers WHERE person_id = ? ORDER BY claimed DESC, rule, nth DESC",
    Offer,
)

_END_OF_TIME = (1 << 63) - 1


@lru_cache(maxsize=256)
def _count_people(*conditions: str) -> Statement[tuple[int, ...]]:
    where = " AND ".join(conditions)
    return Statement("count people", f"SELECT {{count(*)}} FROM people WHERE {where}", tuple[int])


@lru_cache(maxsize=256)
def _find_people(*conditions: str) -> Statement[Person]:
    where = " AND ".join(conditions)
    return Statement(
        "find people",
        f"SELECT {selected(Person)} FROM people WHERE {where} ORDER BY person_id DESC LIMIT ?",
        Person,
    )


class SqlReads:
    """Implements `store.base.Reads`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def person(self, person_id: int) -> Person | None:
        for person in await self._engine.read(_PERSON(person_id)):
            return person
        return None

    async def person_ids(self, after: int, limit: int) -> list[int]:
        return [person_id for (person_id,) in await self._engine.read(_PERSON_IDS(after, limit))]

    async def person_of(self, ident: str) -> int | None:
        for (person_id,) in await self._engine.read(_PERSON_OF(ident)):
            return person_id
        return None

    async def find_people(
        self,
        *,
        site: str | None = None,
        email: str | None = None,
        email_prefix: str | None = None,
        roles: Collection[int] = (),
        where: Filter | None = None,
        archived: bool = True,
        limit: int,
        before: int | None = None,
    ) -> Page:
        conditions, parameters = _conditions(site, email, email_prefix, roles)
        if not archived:
            conditions.append(_NOT_ARCHIVED)
        if where is not None:
            condition, values = compile_filter(where)
            conditions.append(condition)
            parameters += values
        [(total,)] = await self._engine.read(_count_people(*conditions)(*parameters))
        if before is not None:
            conditions.append(_BEFORE)
            parameters.append(before)
        found = await self._engine.read(_find_people(*conditions)(*parameters, limit + 1))
        return Page(found[:limit], total, len(found) > limit)

    async def trail(self, person_id: int, *, limit: int, before: tuple[int, str] | None = None) -> Trail:
        at, event_id = before or (_END_OF_TIME, "")
        moments = await self._engine.read(_TRAIL(person_id, at, event_id, limit + 1))
        newer: list[Moment] = []
        if moments and before is not None:
            newest = moments[0]
            newer = await self._engine.read(_NEWER(person_id, newest.at, newest.id, NEWER_MOMENTS))
        return Trail(moments[:limit], newer, len(moments) > limit)

    async def moments_since(self, person_id: int, since: tuple[int, str], limit: int) -> list[Moment]:
        return await self._engine.read(_NEWER(person_id, *since, limit))

    async def latest(self, since: int, now: int, limit: int) -> list[Moment]:
        first, last = _id_at(since - WRONG_CLOCK), _id_at(now + WRONG_CLOCK)
        found = await self._engine.read(_LATEST(first, last, since, limit))
        return sorted(found, key=lambda moment: (moment.at, moment.id), reverse=True)

    async def milestones(self, person_id: int) -> list[Milestone]:
        return await self._engine.read(_MILESTONES(person_id))

    async def merges(self, person_id: int) -> list[Merge]:
        return await self._engine.read(MERGES(person_id))

    async def everything(self, person_id: int) -> dict[str, list[dict[str, Any]]]:
        return await everything(self._engine, person_id)

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        return by_key(await self._engine.read(ALL_TOTALS(person_id)))

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        return by_key(await self._engine.read(TOTALS(list(keys))))

    async def all_offers(self, person_id: int) -> list[Offer]:
        return await self._engine.read(_ALL_OFFERS(person_id))


def _conditions(
    site: str | None, email: str | None, email_prefix: str | None, roles: Collection[int]
) -> tuple[list[str], list[Any]]:
    """The conditions of a search and what is bound to them."""
    conditions, parameters = [_EVERYBODY], list[Any]()
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
        parameters.append(sorted(map(int, roles)))
    return conditions, parameters


def _id_at(ms: int) -> str:
    """How the ids of events begin that were made at this time: UUIDv7."""
    text = f"{ms & ((1 << 48) - 1):012x}"
    return f"{text[:8]}-{text[8:]}"
