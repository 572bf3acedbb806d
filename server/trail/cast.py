"""Who takes part in one transaction: whose batches these are, read once and held until the commit."""

from collections.abc import Sequence

from server.model import Batch, Person, new_person_id, visitor_ident
from server.people.state import begin
from server.store.base import Transaction


class Cast:
    """The people of one transaction, as they now are."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.people: dict[int, Person] = {}

    async def find(self, batches: Sequence[Batch]) -> list[int]:
        """The person of each batch; those who come for the first time begin here."""
        idents = [visitor_ident(batch.site, batch.visitor) for batch in batches]
        ids = await self._transaction.resolve(set(idents))
        begun: dict[int, Person] = {}
        newcomers: dict[str, int] = {}
        for ident, batch in zip(idents, batches, strict=True):
            if ident not in ids and ident not in newcomers:
                at = min(event.at for event in batch.events)
                person = begin(new_person_id(at), batch.site, batch.visitor, at)
                newcomers[ident] = person.person_id
                begun[person.person_id] = person
        if newcomers:
            ids |= await self._transaction.claim(newcomers)
        owners = set(ids.values())
        # Another server may have claimed the visitor meanwhile; then its person is read, and ours never was.
        self.people = {new: begun[new] for new in begun.keys() & owners}
        self.people |= await self._follow_merges(owners - begun.keys())
        return [self._final(ids[ident]) for ident in idents]

    async def follow(self, person_ids: set[int]) -> dict[int, int]:
        """Who each of these people is by now; whoever is gone is left out."""
        self.people |= await self._follow_merges(person_ids)
        return {person_id: self._final(person_id) for person_id in person_ids if person_id in self.people}

    async def _follow_merges(self, person_ids: set[int]) -> dict[int, Person]:
        people: dict[int, Person] = {}
        missing = person_ids
        while missing:
            people |= await self._transaction.people(missing)
            missing = {p.merged_into for p in people.values() if p.merged_into is not None} - people.keys()
        return people

    def _final(self, person_id: int) -> int:
        while (merged := self.people[person_id].merged_into) is not None:
            person_id = merged
        return person_id
