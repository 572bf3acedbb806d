"""Erasing a person: every row, every id, and a tomb that keeps them from coming back."""

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from server.errors import NotFound
from server.ids import public_id
from server.store.base import Store, Transaction
from server.trail.repeat import until_written
from server.trail.tombs import person_tomb, tomb

PEOPLE_A_STEP = 1_000


class Erasure(NamedTuple):
    """What was erased."""

    people: list[str]
    """The ids of the person, and of all who were merged into them."""
    tombs: dict[str, int]
    """What is kept: (hash, when)."""


async def erase(store: Store, person_id: int, now: int) -> Erasure:
    """Erase a person, with all who were merged into them. Raises NotFound.

    After it nothing of them is in the database or its log; PostgreSQL frees the space when it vacuums.
    """

    async def write() -> Erasure:
        async with store.transaction() as transaction:
            return await _erase(transaction, person_id, now)

    erasure = await until_written(write)
    await store.tell_backups(erasure.tombs)
    await store.scrub()
    return erasure


async def erase_again(store: Store, tombs: Mapping[str, int], now: int) -> int:
    """Erase from a backup that was put back whoever was erased since it was made; how many that were."""
    after, erased = -1, 0
    while tombs and (people := await store.reads.person_ids(after, PEOPLE_A_STEP)):
        after = people[-1]
        for person_id in people:
            if person_tomb(person_id) in tombs:
                # With somebody who was merged into them since, they may be gone already.
                with contextlib.suppress(NotFound):
                    erased += len((await erase(store, person_id, now)).people)
    if tombs:
        async with store.transaction() as transaction:
            await transaction.bury(tombs)
    return erased


async def _erase(transaction: Transaction, person_id: int, now: int) -> Erasure:
    found = await transaction.people([person_id])
    if person_id not in found:
        raise NotFound("not_found", "User Not Found")
    everybody, more = {person_id}, {person_id}
    while more:
        more = await transaction.merged_into(more) - everybody
        everybody |= more
    await transaction.people(everybody)
    visitors = [ident for ident in await transaction.idents(everybody) if ident.split("/")[1] == "visitor"]
    tombs = {tomb(ident): now for ident in visitors} | {person_tomb(each): now for each in everybody}
    await transaction.forget(sorted(everybody))
    await transaction.bury(tombs)
    return Erasure([public_id(each) for each in sorted(everybody)], tombs)
