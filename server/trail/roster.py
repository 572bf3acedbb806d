"""What servers say of people, each call in a transaction of its own: made, changed, tagged, noted down.

The API's token is proof (CONTRACT section 3), so what is said here is known and not claimed. Events go
through the inbox like everybody's.
"""

import secrets
from collections.abc import Callable, Collection

from msgspec import structs

from server.errors import BadRequest, Conflict, NotFound
from server.identity import email_ident, user_ident
from server.ids import new_person_id, public_id, visitor_ident
from server.model import Delivery, Kind, Milestone, Note, Person, Role, Tagged, Total, TotalKey
from server.people.state import begin
from server.store.base import Changes, Store, Transaction
from server.trail.merging import merge
from server.trail.names import OTHER, Names
from server.trail.repeat import until_written

Edit = Callable[[Person], Person]


class Roster:
    """Writes about people on one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(
        self, site: str, edit: Edit, now: int, *, created: int | None = None, visitor: str | None = None
    ) -> Person:
        """A new person. Raises Conflict when somebody of the site is known by the same user_id or e-mail, or
        by the visitor id that is given.

        They get a visitor id as everybody has one; nobody holds a token of it.
        """
        since = now if created is None else created
        begun = begin(new_person_id(since), site, visitor or secrets.token_hex(16), since)
        person = structs.replace(edit(begun), created=since, updated=now)

        async def write() -> Person:
            async with self._store.transaction() as transaction:
                await self._claim(transaction, idents_of(person) | {_visitor(person)}, person)
                await transaction.save(Changes(people=[person], milestones=_became(begun, person, now)))
            return person

        return await until_written(write)

    async def change(
        self,
        person_id: int,
        edit: Edit,
        now: int,
        *,
        tagged: Collection[Tagged] = (),
        untagged: Collection[tuple[int, str]] = (),
        notes: Collection[Note] = (),
        deliveries: Collection[Delivery] = (),
    ) -> Person:
        """The person after the edit. Raises NotFound where there is none (a merged one is none any more), and
        Conflict when the edit gives them an identity that is somebody else's.
        """

        async def write() -> Person:
            async with self._store.transaction() as transaction:
                before = await _held(transaction, person_id)
                after = structs.replace(edit(before), updated=now)
                await self._claim(transaction, idents_of(after) - idents_of(before), after)
                gone = _possible_idents(before) - _possible_idents(after)
                whose = await transaction.resolve(gone) if gone else {}
                await transaction.save(
                    Changes(
                        people=[after],
                        released=[ident for ident, owner in whose.items() if owner == person_id],
                        milestones=_became(before, after, now),
                        tagged=tagged,
                        untagged=untagged,
                        notes=notes,
                        deliveries=deliveries,
                    )
                )
            return after

        return await until_written(write)

    async def merge(self, source: int, target: int, now: int) -> Person:
        """The target once everything of the source is theirs; old ids reach them for ever. Raises NotFound,
        or BadRequest where the two may not be one.
        """

        async def write() -> Person:
            async with self._store.transaction() as transaction:
                # Held in one go, so that two merges cannot wait for each other.
                await transaction.people({source, target})
                joins, goes_on = await _held(transaction, source), await _held(transaction, target)
                if source == target or joins.site != goes_on.site:
                    raise BadRequest("invalid_merge", "These two contacts cannot be one.")
                if joins.user_id not in (None, goes_on.user_id):
                    raise BadRequest("invalid_merge", "A user is never merged into another user.")
                both, _ = await merge(transaction, joins, goes_on, by="api", at=now, now=now)
            return both

        return await until_written(write)

    async def summarise(self, person_id: int, summaries: dict[str, Total], now: int) -> None:
        """Say how often the person did something before it was counted here: the base to which events are
        added. Said again, it replaces what was said.
        """

        async def write() -> None:
            async with self._store.transaction() as transaction:
                await _summarise(transaction, await _held(transaction, person_id), summaries, now)

        await until_written(write)

    async def _claim(self, transaction: Transaction, idents: Collection[str], person: Person) -> None:
        if not idents:
            return
        claimed = await transaction.claim(dict.fromkeys(idents, person.person_id))
        for other in sorted({*claimed.values()} - {person.person_id}):
            await _refuse(transaction, other)


def idents_of(person: Person) -> set[str]:
    """What this person alone of the site is known by: the user_id, else the proved e-mail of a user."""
    if person.user_id is not None:
        return {user_ident(person.site, person.user_id)}
    if person.email is not None and person.verified:
        return {email_ident(person.site, person.email)}
    return set()


def _possible_idents(person: Person) -> set[str]:
    """What they may be known by, if it is theirs."""
    site = person.site
    by_user_id = {user_ident(site, person.user_id)} if person.user_id is not None else set()
    return by_user_id | ({email_ident(site, person.email)} if person.email is not None else set())


def _visitor(person: Person) -> str:
    return visitor_ident(person.site, person.visitor)


async def _held(transaction: Transaction, person_id: int) -> Person:
    person = (await transaction.people([person_id])).get(person_id)
    if person is None or person.merged_into is not None:
        raise NotFound("not_found", "User Not Found")
    return person


async def _refuse(transaction: Transaction, person_id: int) -> None:
    """Raises Conflict with the id of who is known by that already, followed through merges."""
    person = (await transaction.people([person_id])).get(person_id)
    while person is not None and person.merged_into is not None:
        person = (await transaction.people([person.merged_into])).get(person.merged_into)
    if person is None:
        raise Conflict("conflict", "A contact matching those details is just being made.")
    which = "An archived contact" if person.archived is not None else "A contact"
    raise Conflict(
        "conflict", f"{which} matching those details already exists with id={public_id(person.person_id)}"
    )


async def _summarise(transaction: Transaction, person: Person, summaries: dict[str, Total], now: int) -> None:
    names = Names(transaction, {})
    named = {
        name if await names.use(name, person.site, base.first) else OTHER: base
        for name, base in summaries.items()
    }
    asked = [(int(kind), name) for name in named for kind in (Kind.event, Kind.base)]
    known = (await transaction.totals({person.person_id: asked})).get(person.person_id, {})
    totals: dict[TotalKey, Total] = {}
    more = 0
    for name, base in named.items():
        counted, said = known.get((Kind.event, name)), known.get((Kind.base, name))
        total = _with_base(counted, said, base)
        more += total.count - (counted.count if counted else 0)
        totals[person.person_id, int(Kind.base), name] = base
        totals[person.person_id, int(Kind.event), name] = total
    seen = [at for total in totals.values() for at in (total.first, total.last)]
    seen += [person.first_seen, person.last_seen] if person.events else []
    events = person.events + more
    changed = structs.replace(person, events=events, first_seen=min(seen), last_seen=max(seen), updated=now)
    used = [(site, name, at) for (site, name), at in names.new.items()]
    await transaction.save(Changes(people=[changed], totals=totals, event_names=used))


def _became(before: Person, after: Person, now: int) -> list[Milestone]:
    if after.role <= before.role:
        return []
    return [Milestone(after.person_id, now, "became", {"role": Role(after.role).name})]


def _with_base(counted: Total | None, said: Total | None, base: Total) -> Total:
    """The total of what was counted, on this base instead of the one that was said before."""
    own = (counted.count if counted else 0) - (said.count if said else 0)
    if counted is None or own <= 0:
        return base
    # Of the times only the outermost are known; those of the old base cannot be told from the counted ones.
    return Total(own + base.count, min(counted.first, base.first), max(counted.last, base.last))
