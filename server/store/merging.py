"""What a transaction does when people become one, two again, or nobody: for every engine."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from server.identity import Merge
from server.model import Milestone, Total, TotalKey
from server.store import belongings
from server.store.engine import Writing
from server.store.rows import insert, replace, selected
from server.store.statement import Statement

ALL_TOTALS = Statement(
    "all totals",
    "SELECT {person_id, kind, key, count, first, last} FROM totals WHERE person_id = ?",
    tuple[int, int, str, int, int, int],
)

_MILESTONES = Statement(
    "milestones", f"SELECT {selected(Milestone)} FROM milestones WHERE person_id = ?", Milestone
)

MERGES = Statement(
    "merges", f"SELECT {selected(Merge)} FROM merges WHERE person_id = ? ORDER BY at DESC", Merge
)

SAVE_MERGES = insert(Merge, "merges", replace(Merge, "person_id", "merged", "at"))

FORGET_MERGES = Statement[None]("forget merges", "DELETE FROM merges WHERE at < ? AND undone IS NULL")

_EVENT_IDS = Statement("event ids", "SELECT {id} FROM events WHERE id IN LIST (TEXT)", tuple[str])

_MERGED_PEOPLE = Statement(
    "merged people", "SELECT {person_id} FROM people WHERE merged_into IN LIST (BIGINT)", tuple[int]
)

_IDENTS = Statement("idents", "SELECT {ident} FROM identities WHERE person_id IN LIST (BIGINT)", tuple[str])

_BURY = Statement[None](
    "bury",
    """
INSERT INTO erased (ident, at) SELECT ident, at FROM ROWS (ident TEXT, at BIGINT) AS new
WHERE true ON CONFLICT (ident) DO UPDATE SET at = excluded.at""",
)

_BURIED = Statement("buried", "SELECT {ident, at} FROM erased WHERE ident IN LIST (TEXT)", tuple[str, int])


class SqlMerging:
    """The part of `store.base.Transaction` that is about who is who."""

    _writing: Writing

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        rows = await self._writing.ask(ALL_TOTALS(person_id))
        return {(of, kind, key): Total(count, first, last) for of, kind, key, count, first, last in rows}

    async def milestones(self, person_id: int) -> list[Milestone]:
        return await self._writing.ask(_MILESTONES(person_id))

    async def merges(self, person_id: int) -> list[Merge]:
        return await self._writing.ask(MERGES(person_id))

    async def event_ids(self, ids: Collection[str]) -> set[str]:
        return {event_id for (event_id,) in await self._writing.ask(_EVENT_IDS(list(ids)))}

    async def latest_events(self, person_id: int, received: int) -> list[str]:
        rows = await self._writing.ask(belongings.latest_events(person_id, received))
        return [event_id for (event_id,) in rows]

    async def rename_events(self, person_id: int, ids: Collection[str]) -> None:
        await self._writing.run(belongings.rename_events(person_id, list(ids)))

    async def move(self, source: int, target: int, sessions: int) -> None:
        await self._writing.run(*belongings.move(source, target, sessions))

    async def move_back(self, merge: Merge, before: int, sessions: int, latest: Sequence[str]) -> None:
        calls = belongings.move_back(
            merge.merged,
            merge.person_id,
            before=before,
            sessions=sessions,
            merged_at=merge.at,
            latest=list(latest),
        )
        await self._writing.run(*calls)

    async def forget_offers(self, person_id: int) -> None:
        await self._writing.run(*belongings.forget_offers(person_id))

    async def forget_empty_totals(self, person_id: int) -> None:
        await self._writing.run(*belongings.forget_empty_totals(person_id))

    async def take_milestones_away(self, person_id: int, milestones: Iterable[Milestone]) -> None:
        calls = belongings.take_milestones_away(milestones, person_id)
        if calls:
            await self._writing.run(*calls)

    async def merged_into(self, person_ids: Collection[int]) -> set[int]:
        return {of for (of,) in await self._writing.ask(_MERGED_PEOPLE(list(person_ids)))}

    async def idents(self, person_ids: Collection[int]) -> set[str]:
        return {ident for (ident,) in await self._writing.ask(_IDENTS(list(person_ids)))}

    async def forget(self, person_ids: Iterable[int]) -> None:
        for person_id in person_ids:
            await self._writing.run(*belongings.forget_everything(person_id))

    async def bury(self, tombs: Mapping[str, int]) -> None:
        await self._writing.run(_BURY(sorted(tombs.items())))

    async def buried(self, tombs: Collection[str]) -> dict[str, int]:
        return dict(await self._writing.ask(_BURIED(list(tombs))))
