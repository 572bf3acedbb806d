"""What rules need outside of the ingest transaction, for every engine: see `store.base.Rulings`."""

from collections.abc import Collection, Iterable

from server.model import Due, Moment, Offer, Person, Total, TotalKey
from server.store.base import Arming, Given, Need
from server.store.engine import Engine
from server.store.ingest import RECENT, TOTALS, TOTALS_OF, by_key
from server.store.rows import selected
from server.store.statement import Statement

_DUE = Statement(
    "due",
    "SELECT {person_id, rule, lane, at} FROM due WHERE lane = ? AND at <= ? ORDER BY at LIMIT ?",
    Due,
)

_GIVEN = Statement(
    "given",
    """
SELECT {rule, control, count(DISTINCT person_id),
  count(DISTINCT CASE WHEN shown IS NOT NULL THEN person_id END),
  count(DISTINCT CASE WHEN clicked IS NOT NULL THEN person_id END),
  count(DISTINCT CASE WHEN dismissed IS NOT NULL THEN person_id END),
  count(DISTINCT CASE WHEN goal IS NOT NULL THEN person_id END)}
FROM offers GROUP BY rule, control""",
    tuple[str, bool, int, int, int, int, int],
)

_HELD = Statement(
    "held back",
    "SELECT {rule, reason, count(*)} FROM holds GROUP BY rule, reason",
    tuple[str, str, int],
)

_HELD_PEOPLE = Statement(
    "people held back",
    "SELECT {rule, count(DISTINCT person_id)} FROM holds GROUP BY rule",
    tuple[str, int],
)

_MATCHED = Statement(
    "matched",
    """
SELECT {rule, count(*)} FROM
  (SELECT rule, person_id FROM offers UNION SELECT rule, person_id FROM holds) AS matched
GROUP BY rule""",
    tuple[str, int],
)

_CROWD = Statement(
    "crowd",
    f"""
SELECT {selected(Person)} FROM people
WHERE person_id > ? AND seen_day >= ? AND merged_into IS NULL ORDER BY person_id LIMIT ?""",
    Person,
)

_CROWD_WITH_TOTAL = Statement(
    "crowd with a total",
    f"""
SELECT {selected(Person)} FROM people
WHERE person_id > ? AND seen_day >= ? AND merged_into IS NULL AND EXISTS (
  SELECT 1 FROM totals AS needed WHERE needed.person_id = people.person_id
    AND needed.kind = ? AND needed.key = ? AND needed.count >= ?
) ORDER BY person_id LIMIT ?""",
    Person,
)

_MOMENTS_OF = Statement(
    "moments of people",
    f"SELECT {selected(Moment)} FROM events WHERE person_id IN LIST (BIGINT) ORDER BY person_id, at, id",
    Moment,
)

_OFFERS_OF = Statement(
    "offers of people",
    f"SELECT {selected(Offer)} FROM offers WHERE person_id IN LIST (BIGINT) ORDER BY person_id, rule, nth",
    Offer,
)

_ARMINGS = Statement(
    "armings", "SELECT {rule, asking, reached} FROM armings ORDER BY rule", tuple[str, str, int]
)

_SET_ARMING = Statement[None](
    "set arming",
    """
INSERT INTO armings (rule, asking, reached) VALUES (?, ?, ?)
ON CONFLICT (rule) DO UPDATE SET asking = excluded.asking, reached = excluded.reached""",
)

_ALL_EVENT_NAMES = Statement("all event names", "SELECT {name} FROM event_names GROUP BY name", tuple[str])


class SqlRulings:
    """Implements `store.base.Rulings`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def due(self, lane: int, now: int, limit: int) -> list[Due]:
        return await self._engine.read(_DUE(lane, now, limit))

    async def given(self) -> list[Given]:
        return [Given(*row) for row in await self._engine.read(_GIVEN())]

    async def held(self) -> list[tuple[str, str, int]]:
        return await self._engine.read(_HELD())

    async def held_people(self) -> list[tuple[str, int]]:
        return await self._engine.read(_HELD_PEOPLE())

    async def matched(self) -> list[tuple[str, int]]:
        return await self._engine.read(_MATCHED())

    async def crowd(
        self, *, after: int, limit: int, since_day: int = 0, need: Need | None = None
    ) -> list[Person]:
        if need is None:
            return await self._engine.read(_CROWD(after, since_day, limit))
        (kind, key), least = need
        return await self._engine.read(_CROWD_WITH_TOTAL(after, since_day, int(kind), key, least, limit))

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        return by_key(await self._engine.read(TOTALS(list(keys))))

    async def totals_of(self, person_ids: Collection[int]) -> dict[TotalKey, Total]:
        return by_key(await self._engine.read(TOTALS_OF(list(person_ids))))

    async def moments_of(self, person_ids: Collection[int]) -> list[Moment]:
        return await self._engine.read(_MOMENTS_OF(list(person_ids)))

    async def recent(self, asked: Iterable[tuple[int, str, int]]) -> list[Moment]:
        return await self._engine.read(RECENT(list(asked)))

    async def offers_of(self, person_ids: Collection[int]) -> list[Offer]:
        return await self._engine.read(_OFFERS_OF(list(person_ids)))

    async def armings(self) -> list[Arming]:
        return [Arming(*row) for row in await self._engine.read(_ARMINGS())]

    async def set_arming(self, arming: Arming) -> None:
        await self._engine.write(_SET_ARMING(*arming))

    async def all_event_names(self) -> set[str]:
        return {name for (name,) in await self._engine.read(_ALL_EVENT_NAMES())}
