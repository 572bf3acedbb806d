"""A copy in memory of the people who are active, so that their rows are not read again for every event.

It is right because one process alone writes the file (the engine's lock), because one transaction at a time
reads and fills it, and because all of it is forgotten when a transaction fails.
"""

from collections.abc import Collection, Iterable, Mapping
from sys import intern
from typing import TypeVar

from server.model import Kind, Offer, OwnKey, Person, Total
from server.store.base import Changes
from server.store.engine import Writing
from server.store.ingest import SqlTransaction

MAX_PEOPLE = 20_000
MAX_TOTALS = 600_000
"""About 150 MB at the most; whoever was first taken in is forgotten first."""

K = TypeVar("K")
V = TypeVar("V")


class Cache:
    """What is known of idents, people, and of people all totals and all offers."""

    def __init__(self) -> None:
        self.idents: dict[str, int] = {}
        self.people: dict[int, Person] = {}
        self.totals: dict[int, dict[OwnKey, Total]] = {}
        self._counted = 0
        """How many totals that are."""
        self.offers: dict[int, list[Offer]] = {}

    def take_over(self, changes: Changes) -> None:
        """What a transaction has written."""
        for ident in changes.released:
            self.idents.pop(ident, None)
        self.idents.update(changes.identities)
        for (person_id, kind, key), total in changes.totals.items():
            if (own := self.totals.get(person_id)) is not None:
                self._counted += (kind, key) not in own
                own[kind, key] = total
        self.people.update((person.person_id, person) for person in changes.people)
        for offer in changes.offers:
            if (known := self.offers.get(offer.person_id)) is not None:
                same = (offer.rule, offer.nth)
                known[:] = [kept for kept in known if (kept.rule, kept.nth) != same] + [offer]

    def learn_totals(self, totals: Mapping[int, dict[OwnKey, Total]]) -> None:
        """All totals of people of whom they were not known."""
        for person_id, own in totals.items():
            self.totals[person_id] = {(kind, intern(key)): total for (kind, key), total in own.items()}
            self._counted += len(own)

    def forget_totals(self, person_id: int) -> None:
        """Whatever is known of that person's totals."""
        self._counted -= len(self.totals.pop(person_id, ()))

    def forget(self) -> None:
        """Everything."""
        for known in (self.idents, self.people, self.totals, self.offers):
            known.clear()
        self._counted = 0

    def forget_the_oldest(self) -> None:
        """Keep to the limits."""
        _shrink(self.idents, MAX_PEOPLE)
        _shrink(self.people, MAX_PEOPLE)
        _shrink(self.offers, MAX_PEOPLE)
        if self._counted > MAX_TOTALS:
            for person_id in list(self.totals):
                self.forget_totals(person_id)
                if self._counted <= MAX_TOTALS * 9 // 10:
                    break


class CachedTransaction(SqlTransaction):
    """The ingest transaction, which asks the cache first."""

    def __init__(self, writing: Writing, cache: Cache) -> None:
        super().__init__(writing)
        self._cache = cache

    async def resolve(self, idents: Iterable[str]) -> dict[str, int]:
        found, missing = split(self._cache.idents, idents)
        if missing:
            read = await super().resolve(missing)
            self._cache.idents.update(read)
            found |= read
        return found

    async def claim(self, idents: Mapping[str, int]) -> dict[str, int]:
        claimed = await super().claim(idents)
        self._cache.idents.update(claimed)
        return claimed

    async def people(self, person_ids: Iterable[int]) -> dict[int, Person]:
        found, missing = split(self._cache.people, person_ids)
        self._before |= found
        if missing:
            read = await super().people(missing)
            self._cache.people.update(read)
            found |= read
        return found

    async def totals(self, asked: Mapping[int, Collection[OwnKey]]) -> dict[int, dict[OwnKey, Total]]:
        known = await self._totals_of(asked)
        return {
            person_id: {key: own[key] for key in keys if key in own}
            for (person_id, keys), own in zip(asked.items(), known, strict=True)
        }

    async def page_totals(self, person_ids: Iterable[int]) -> dict[int, dict[OwnKey, Total]]:
        asked = list(person_ids)
        return {
            person_id: {key: total for key, total in own.items() if key[0] == Kind.page}
            for person_id, own in zip(asked, await self._totals_of(asked), strict=True)
        }

    async def _totals_of(self, person_ids: Iterable[int]) -> list[dict[OwnKey, Total]]:
        """All totals of each of these people, as the cache has them. They are read whole, so that whatever is
        new to somebody who is known is known to be new.
        """
        cached = self._cache.totals
        if missing := [person_id for person_id in person_ids if person_id not in cached]:
            self._cache.learn_totals(await super().totals_of(missing))
        return [cached[person_id] for person_id in person_ids]

    async def offers(self, person_ids: Iterable[int]) -> list[Offer]:
        found, missing = split(self._cache.offers, person_ids)
        if missing:
            found |= {person_id: [] for person_id in missing}
            for offer in await super().offers(missing):
                found[offer.person_id].append(offer)
            self._cache.offers.update({person_id: found[person_id] for person_id in missing})
        return [offer for offers in found.values() for offer in offers]

    async def save(self, changes: Changes) -> None:
        await super().save(changes)
        self._cache.take_over(changes)

    async def move(self, source: int, target: int, sessions: int) -> None:
        await super().move(source, target, sessions)
        self._cache.forget_totals(source)
        self._cache.offers.pop(source, None)

    async def forget_offers(self, person_id: int) -> None:
        await super().forget_offers(person_id)
        self._cache.offers.pop(person_id, None)

    async def forget_empty_totals(self, person_id: int) -> None:
        await super().forget_empty_totals(person_id)
        self._cache.forget_totals(person_id)

    async def forget(self, person_ids: Iterable[int]) -> None:
        await super().forget(person_ids)
        self._cache.forget()


def split(known: Mapping[K, V], asked: Iterable[K]) -> tuple[dict[K, V], Collection[K]]:
    """What is known of the keys asked for, and the keys of which nothing is."""
    found: dict[K, V] = {}
    missing: list[K] = []
    for key in asked:
        if key in known:
            found[key] = known[key]
        else:
            missing.append(key)
    return found, missing


def _shrink(entries: dict[K, V], limit: int) -> None:
    if len(entries) > limit:
        for key in list(entries)[: len(entries) - limit * 9 // 10]:
            del entries[key]
