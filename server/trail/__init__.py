"""THE STORY: batches of events become people, totals, matches and messages, in one transaction.

    people are read once -> events that are known already are set aside -> each new one is folded into its
    person and its totals -> the rules that it concerns are asked -> a match claims its message ->
    everything is written -> commit

Nothing is answered before the commit. What a rule sees are the totals just after its own event. Who takes
part is `cast`'s, what a proof does to them `proofs`' and `merging`'s, the names of events are `names`', the
past is `memory`'s, messages are `claims`'.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import structs

from server.model import Answer, Batch, Event, Metadata, Milestone, Moment, Role
from server.people.state import SESSION_GAP, fold, moment_of
from server.rules.index import NOBODY, Concern
from server.rules.reload import Live
from server.rules.rule import Rule
from server.store.base import Changes, Store, Transaction
from server.trail.cast import Cast, Numbered
from server.trail.claims import REPORTS, Claims
from server.trail.memory import Memory
from server.trail.names import KnownNames, Names
from server.trail.proofs import settle, told_to_others, until_somebody_is_proved
from server.trail.repeat import until_written


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
        # A repeat is safe: what was committed after all is found as known.
        return await until_written(lambda: self._write(batches, now, ask_rules=ask_rules))

    async def _write(self, batches: Sequence[Batch], now: int, *, ask_rules: bool) -> list[Answer]:
        async with self._store.transaction() as transaction:
            names, cast = Names(transaction, self._names), Cast(transaction)
            answers = [Answer(0, 0) for _ in batches]
            untold = list(enumerate(batches))
            while untold:
                chapter = _Chapter(transaction, cast, self._live, names, now, ask_rules=ask_rules)
                untold = await chapter.write(untold, answers)
            await cast.let_go()
        names.remember()
        return answers


class _News(NamedTuple):
    """What one batch tells of its person: the events that are new, and the ids of those told before."""

    owner: int
    batch: Batch
    events: list[Event]
    repeated: set[str]


class _Chapter:
    """What is told in one go: what was read, what has become of it, and what is to be written.

    A transaction has another one only where somebody is proved whom the browser did not have before: who is
    who changes there.
    """

    def __init__(
        self,
        transaction: Transaction,
        cast: Cast,
        live: Live,
        names: Names,
        now: int,
        *,
        ask_rules: bool,
    ) -> None:
        self.transaction = transaction
        self.rules = live.current.rules
        self.names = names
        self.now = now
        self.ask_rules = ask_rules
        self.visits: Sequence[Rule] = self.rules.armed_by_visits if ask_rules else ()
        """The rules that may fall due some time after any visit."""
        self.cast = cast
        self.memory = Memory(transaction, now)
        self.claims = Claims(transaction, now, live.current.caps)
        self.moments: list[Moment] = []
        self.touched: set[int] = set()
        self.milestones: list[Milestone] = []

    async def write(self, batches: Numbered, answers: list[Answer]) -> Numbered:
        """Tell the batches and add to their answers. What is left is for the next chapter."""
        owners = await self.cast.find([batch for _, batch in batches])
        known = await self.transaction.known_events(
            {
                (owner, event.id)
                for owner, (_, batch) in zip(owners, batches, strict=True)
                for event in batch.events
            }
        )
        known |= await told_to_others(self.transaction, owners, batches, known)
        known |= self.cast.too_late(owners, batches)
        told, turns, untold = until_somebody_is_proved(self.cast, owners, batches, known)
        news = await self._set_known_aside(told, known)
        await self._read([new for _, new in news])
        for number, new in news:
            answers[number] = _both(answers[number], self._tell(new))
        await self._save()
        for turn in turns:
            if await settle(self.transaction, self.cast, turn):
                # What the one before won is not shown to the one who is there now.
                answers[turn.number] = structs.replace(answers[turn.number], messages=[])
        return untold

    async def _set_known_aside(
        self, batches: Sequence[tuple[int, int, Batch]], known: set[tuple[int, str]]
    ) -> list[tuple[int, _News]]:
        """What is new of each batch, under the name that it counts as, and what was told before."""
        all_news = []
        for owner, number, batch in batches:
            news = _News(owner, batch, [], set())
            for event in batch.events:
                if (owner, event.id) in known:
                    news.repeated.add(event.id)
                else:
                    known.add((owner, event.id))
                    known_name = self.names.knows(event.name, batch.site)
                    news.events.append(event if known_name else await self.names.name(event, batch.site))
            all_news.append((number, news))
        return all_news

    async def _read(self, all_news: Sequence[_News]) -> None:
        """The totals that these events change, and what the rules which they concern look at."""
        with_messages: set[int] = set()
        for owner, _, events, repeated in all_news:
            for event in events:
                self.memory.will_count(owner, event)
                concern = self._concern(event)
                if concern is not NOBODY:
                    self.memory.want(owner, concern.wants)
                    with_messages.add(owner)
                elif event.name in REPORTS:
                    with_messages.add(owner)
            if repeated:
                with_messages.add(owner)
            if self.visits and self._comes(owner, events):
                self.memory.want_for(owner, self.visits)
                with_messages.add(owner)
        await self.memory.read()
        if with_messages:
            await self.claims.read(with_messages)

    def _concern(self, event: Event) -> Concern:
        return self.rules.concern(event) if self.ask_rules else NOBODY

    def _comes(self, owner: int, events: Sequence[Event]) -> bool:
        """Whether these events begin a visit."""
        person = self.cast.people[owner]
        return bool(events) and (
            person.events == 0 or any(event.at - person.last_seen > SESSION_GAP for event in events)
        )

    def _tell(self, news: _News) -> Answer:
        owner, batch, events, repeated = news
        messages: dict[str, Metadata] = {}
        comes = bool(self.visits) and self._comes(owner, events)
        for event in events:
            self._fold(owner, event, batch)
            if event.name in REPORTS:
                self.claims.report(owner, event)
            concern = self._concern(event)
            if concern is NOBODY:
                continue
            facts = self.memory.facts(self.cast.people[owner], event, self.claims.of(owner))
            self.claims.reach(concern.goals, owner, event)
            for rule in concern.asked:
                if message := self.claims.ask(
                    rule, facts, batch.visitor, shows_messages=batch.shows_messages
                ):
                    messages[rule.id] = message
            for rule in concern.armed:
                self.claims.arm(rule, facts)
        if comes:
            facts = self.memory.facts(self.cast.people[owner], None, self.claims.of(owner))
            for rule in self.visits:
                self.claims.arm(rule, facts)
        if repeated:
            for offer in self.claims.won_by(owner, repeated):
                messages.setdefault(offer.rule, offer.message)
        return Answer(len(events), len(batch.events) - len(events), list(messages.values()))

    def _fold(self, owner: int, event: Event, batch: Batch) -> None:
        before = self.cast.people[owner]
        person = fold(before, event, batch.agent, batch.language, batch.visitor, batch.country)
        self.cast.people[owner] = person
        self.touched.add(owner)
        moment = moment_of(before, person, event, batch.site)
        self.moments.append(moment)
        self.memory.count(owner, event, moment)
        if person.role > before.role:
            self.milestones.append(Milestone(owner, event.at, "became", {"role": Role(person.role).name}))

    async def _save(self) -> None:
        if not self.touched:
            return
        people = self.cast.people
        self.cast.begun -= self.touched
        await self.transaction.save(
            Changes(
                people=[people[person_id] for person_id in sorted(self.touched)],
                events=self.moments,
                totals=self.memory.changed,
                milestones=self.milestones,
                offers=self.claims.changed,
                holds=self.claims.holds,
                due=self.claims.due,
                deliveries=self.claims.deliveries,
                event_names=[(site, name, at) for (site, name), at in self.names.new.items()],
            )
        )


def _both(before: Answer, then: Answer) -> Answer:
    """The answer of a batch that was told in two parts."""
    if not before.stored and not before.repeated:
        return then
    messages = {message["id"]: message for message in (*before.messages, *then.messages)}
    return Answer(before.stored + then.stored, before.repeated + then.repeated, list(messages.values()))
