"""Who takes part in one transaction: whose batches these are, read once and held until the commit."""

from collections.abc import Iterable, Sequence

from server.errors import StoreInterrupted
from server.identity import Proof, email_ident, user_ident
from server.ids import new_person_id, visitor_ident
from server.model import Batch, Person
from server.people.state import begin
from server.store.base import Changes, Transaction
from server.trail.tombs import tomb

Numbered = list[tuple[int, Batch]]
"""Batches of a transaction, each with its place among them."""


class Cast:
    """The people of one transaction, as they now are."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.people: dict[int, Person] = {}
        self.begun: set[int] = set()
        """Those who came for the first time and of whom nothing is stored yet."""
        self._ids: dict[str, int] = {}
        self._erased: dict[int, int] = {}
        """When whoever was at the browser of these before was erased."""

    async def find(self, batches: Sequence[Batch]) -> list[int]:
        """The person of each batch; those who come for the first time begin here.

        Whoever is proved in the batches is read and held with them.
        """
        visitors = [visitor_ident(batch.site, batch.visitor) for batch in batches]
        proved = {
            ident
            for batch in batches
            for event in batch.events
            if event.proof is not None
            for ident in idents_of(batch.site, event.proof)
        }
        ids = await self._transaction.resolve({*visitors, *proved})
        begun: dict[int, Person] = {}
        newcomers: dict[str, int] = {}
        for ident, batch in zip(visitors, batches, strict=True):
            if ident not in ids and ident not in newcomers:
                at = min(event.at for event in batch.events)
                person = begin(new_person_id(at), batch.site, batch.visitor, at)
                newcomers[ident] = person.person_id
                begun[person.person_id] = person
        if newcomers:
            ids |= await self._transaction.claim(newcomers)
            buried = await self._transaction.buried([tomb(ident) for ident in newcomers])
            for ident, person_id in newcomers.items():
                if (erased := buried.get(tomb(ident))) is not None:
                    self._erased[person_id] = erased
        self._ids |= ids
        owners = set(ids.values())
        # Another server may have claimed the visitor meanwhile; then its person is read, and ours never was.
        self._begin(begun[new] for new in begun.keys() & owners)
        await self._read(owners)
        if gone := owners - self.people.keys():
            # Erased by another server since the ident was looked up; the repeat finds that too.
            raise StoreInterrupted(f"{len(gone)} people were erased meanwhile.")
        return [self._final(ids[ident]) for ident in visitors]

    def too_late(self, owners: Sequence[int], batches: Numbered) -> set[tuple[int, str]]:
        """(owner, event id) of what was done before the person at that browser was erased: it is sent once
        more, and must not bring them back.
        """
        return {
            (owner, event.id)
            for owner, (_, batch) in zip(owners, batches, strict=True)
            if (erased := self._erased.get(owner)) is not None
            for event in batch.events
            if event.at <= erased
        }

    async def let_go(self) -> None:
        """Nobody is begun for whom nothing was done."""
        idle = self.begun & self._erased.keys()
        released = [ident for ident, person_id in self._ids.items() if person_id in idle]
        if released:
            await self._transaction.save(Changes(released=released))

    async def follow(self, person_ids: set[int]) -> dict[int, int]:
        """Who each of these people is by now; whoever is gone is left out."""
        await self._read(person_ids)
        return {person_id: self._final(person_id) for person_id in person_ids if person_id in self.people}

    def known_as(self, ident: str) -> int | None:
        """Whom an ident of a proof means, of those that were found."""
        person_id = self._ids.get(ident)
        return None if person_id is None else self._final(person_id)

    async def claim(self, ident: str, person: Person) -> int:
        """Whose the ident is: this person's, unless it is somebody's already."""
        [person_id] = (await self._transaction.claim({ident: person.person_id})).values()
        self._ids[ident] = person_id
        if person_id == person.person_id:
            self.people.setdefault(person_id, person)
        else:
            await self._read({person_id})
        return self._final(person_id)

    async def hand_over(self, site: str, visitor: str, person_id: int) -> None:
        """From now on the visitor is this person; whoever it was keeps what they did."""
        ident = visitor_ident(site, visitor)
        await self._transaction.save(Changes(identities={ident: person_id}))
        self._ids[ident] = person_id

    def newcomer(self, site: str, visitor: str, at: int) -> Person:
        """Somebody of whom nothing is known yet, at a browser that was another one's."""
        person = begin(new_person_id(at), site, visitor, at)
        self._begin([person])
        return person

    def _begin(self, people: Iterable[Person]) -> None:
        for person in people:
            self.people[person.person_id] = person
            self.begun.add(person.person_id)

    async def _read(self, person_ids: set[int]) -> None:
        """Read and hold these people, and those whom they were merged into."""
        missing = person_ids - self.people.keys()
        while missing:
            self.people |= await self._transaction.people(missing)
            merged = (self.people[known].merged_into for known in missing & self.people.keys())
            missing = {person_id for person_id in merged if person_id is not None} - self.people.keys()

    def _final(self, person_id: int) -> int:
        while (merged := self.people[person_id].merged_into) is not None:
            person_id = merged
        return person_id


def idents_of(site: str, proof: Proof) -> list[str]:
    """The idents that a proof proves, the one that decides first."""
    idents = []
    if proof.user_id:
        idents.append(user_ident(site, proof.user_id))
    if proof.email:
        idents.append(email_ident(site, proof.email))
    return idents
