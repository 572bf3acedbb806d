"""THE STORY: batches of events become people, totals, matches and messages, in one transaction.

    people are read once -> events that are known already are set aside -> each new one is folded into its
    person and its totals -> the rules that it concerns are asked -> a match claims its message ->
    everything is written -> commit

Nothing is answered before the commit. What a rule sees are the totals just after its own event. Who takes
part is `cast`'s, the names of events are `names`', messages are `claims`'.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import structlog

from server.errors import StoreInterrupted
from server.model import Answer, Batch, Event, Metadata, Milestone, Moment, Role, Total, TotalKey
from server.people.state import add, counts_for, fold
from server.rules.facts import Facts
from server.rules.reload import Live
from server.rules.schema import Rule
from server.store.base import Changes, Store, Transaction
from server.trail.cast import Cast
from server.trail.claims import REPORTS, Claims
from server.trail.names import KnownNames, Names

log = structlog.get_logger()

WAITS = (0.02, 0.1, 0.5)
"""The most that is waited, in seconds, before a transaction that was cut off is written again. A repeat is
safe: what was committed after all is found as known.
"""


class Trail:
    """Records batches. One at a time on one store; several servers may share the store."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._live = live
        self._names: KnownNames = {}

    async def record(self, batches: Sequence[Batch], now: int, *, ask_rules: bool = True) -> list[Answer]:
        """Commit the batches and answer each.

        `now` is the server's time in ms; `ask_rules` is off for imports.
        """
        for wait in WAITS:
            try:
                return await self._write(batches, now, ask_rules=ask_rules)
            except StoreInterrupted as interruption:
                log.info("transaction_repeated", reason=str(interruption))
                await asyncio.sleep(wait * random.random())  # noqa: S311 - so that two do not meet again
        return await self._write(batches, now, ask_rules=ask_rules)

    async def _write(self, batches: Sequence[Batch], now: int, *, ask_rules: bool) -> list[Answer]:
        async with self._store.transaction() as transaction:
            names = Names(transaction, self._names)
            chapter = _Chapter(transaction, self._live, names, now, ask_rules=ask_rules)
            answers = await chapter.write(batches)
        names.remember()
        return answers


class _News(NamedTuple):
    """What one batch tells of its person: the events that are new, and the ids of those told before."""

    owner: int
    batch: Batch
    events: list[Event]
    repeated: set[str]


class _Chapter:
    """One transaction's work: what was read, what has become of it, and what is to be written."""

    def __init__(
        self, transaction: Transaction, live: Live, names: Names, now: int, *, ask_rules: bool
    ) -> None:
        self.transaction = transaction
        self.rules = live.current.rules
        self.names = names
        self.now = now
        self.ask_rules = ask_rules
        self.cast = Cast(transaction)
        self.claims = Claims(transaction, now)
        self.totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
        self.moments: dict[tuple[int, str], Moment] = {}
        self.counted: set[TotalKey] = set()
        self.touched: set[int] = set()
        self.milestones: list[Milestone] = []

    async def write(self, batches: Sequence[Batch]) -> list[Answer]:
        owners = await self.cast.find(batches)
        news = await self._set_known_aside(owners, batches)
        await self._read_totals(news)
        answers = [await self._tell(new) for new in news]
        await self._save()
        return answers

    async def _set_known_aside(self, owners: Sequence[int], batches: Sequence[Batch]) -> list[_News]:
        """What is new of each batch, under the name that it counts as, and what was told before."""
        keys = {
            (owner, event.id) for owner, batch in zip(owners, batches, strict=True) for event in batch.events
        }
        known = await self.transaction.known_events(keys)
        all_news = []
        for owner, batch in zip(owners, batches, strict=True):
            news = _News(owner, batch, [], set())
            for event in batch.events:
                if (owner, event.id) in known:
                    news.repeated.add(event.id)
                else:
                    known.add((owner, event.id))
                    news.events.append(await self.names.name(event, batch.site))
            all_news.append(news)
        return all_news

    async def _read_totals(self, all_news: Sequence[_News]) -> None:
        """The totals that these events change and those that the rules which they concern ask for."""
        wanted: set[TotalKey] = set()
        globbed: set[int] = set()
        for owner, batch, events, _ in all_news:
            for event in events:
                wanted.update((owner, kind, key) for kind, key in counts_for(event))
                for rule in self._concerned(event, batch.site):
                    wanted.update((owner, kind, key) for kind, key in rule.asks)
                    if rule.asks_pages:
                        globbed.add(owner)
        found = await self.transaction.totals(wanted) if wanted else {}
        if globbed:
            found |= await self.transaction.page_totals(globbed)
        for (owner, kind, key), total in found.items():
            self.totals[owner][kind, key] = total

    def _concerned(self, event: Event, site: str) -> Iterable[Rule]:
        return self.rules.concerned(event, site) if self.ask_rules else ()

    async def _tell(self, news: _News) -> Answer:
        owner, batch, events, repeated = news
        messages: dict[str, Metadata] = {}
        for event in events:
            self._fold(owner, event, batch)
            if event.name in REPORTS:
                await self.claims.report(owner, event)
            for rule in self._concerned(event, batch.site):
                facts = Facts(self.cast.people[owner], self.totals[owner], event, self.now)
                if message := await self.claims.ask(rule, facts, shows_messages=batch.shows_messages):
                    messages[rule.id] = message
        if repeated:
            for offer in await self.claims.won_by(owner, repeated):
                messages.setdefault(offer.rule, offer.message)
        return Answer(len(events), len(batch.events) - len(events), list(messages.values()))

    def _fold(self, owner: int, event: Event, batch: Batch) -> None:
        before = self.cast.people[owner]
        person = fold(before, event, batch.agent, batch.language)
        self.cast.people[owner] = person
        self.touched.add(owner)
        self.moments[owner, event.id] = Moment(
            person_id=owner,
            id=event.id,
            site=batch.site,
            at=event.at,
            received=event.received,
            name=event.name,
            path=event.path,
            url=event.url,
            title=event.title,
            referrer=event.referrer,
            metadata=event.metadata,
            role=before.role,
            session=person.sessions,
        )
        totals = self.totals[owner]
        for kind, key in counts_for(event):
            totals[kind, key] = add(totals.get((kind, key)), event.at)
            self.counted.add((owner, kind, key))
        if person.role > before.role:
            self.milestones.append(Milestone(owner, event.at, "became", {"role": Role(person.role).name}))

    async def _save(self) -> None:
        if not self.touched:
            return
        people = self.cast.people
        await self.transaction.save(
            Changes(
                people=[people[person_id] for person_id in sorted(self.touched)],
                events=list(self.moments.values()),
                totals={
                    (owner, kind, key): self.totals[owner][kind, key] for owner, kind, key in self.counted
                },
                milestones=self.milestones,
                offers=self.claims.changed,
                event_names=[(site, name, at) for (site, name), at in self.names.new.items()],
            )
        )
