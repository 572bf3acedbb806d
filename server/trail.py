"""THE STORY: batches of events become people, totals, matches and messages, in one transaction.

    people are read once -> events that are known already are set aside -> each new one is folded into its
    person and its totals -> the rules that it concerns are asked -> a match claims its message ->
    everything is written -> commit

Nothing is answered before the commit. What a rule sees are the totals just after its own event.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from msgspec import structs

from server.clock import SECOND
from server.collect.clean import RESERVED
from server.messages.render import page_message
from server.model import (
    Answer,
    Batch,
    Event,
    Metadata,
    Milestone,
    Moment,
    Offer,
    Person,
    Role,
    Total,
    TotalKey,
    new_person_id,
    visitor_ident,
)
from server.people.state import add, begin, counts_for, fold
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.reload import Live
from server.rules.schema import Rule
from server.store.base import Changes, Store, Transaction

log = structlog.get_logger()

OFFER_AGAIN = 30 * SECOND
"""A message that was answered but not reported as shown within this time is offered again (CONTRACT section
6).
"""

NEVER = 0
"""When a message was offered that a pixel won: at once again on the next page view that can show it."""

MAX_EVENT_NAMES = 500
OTHER = "(other)"

REPORTS = {"message_shown": "shown", "message_clicked": "clicked", "message_dismissed": "dismissed"}


class Trail:
    """Records batches. One at a time on one store; several servers may share the store."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._live = live
        self._names: dict[str, set[str]] = {}

    async def record(self, batches: Sequence[Batch], now: int, *, ask_rules: bool = True) -> list[Answer]:
        """Commit the batches and answer each.

        `now` is the server's time in ms; `ask_rules` is off for imports.
        """
        async with self._store.transaction() as transaction:
            chapter = _Chapter(transaction, self._live, self._names, now, ask_rules=ask_rules)
            answers = await chapter.write(batches)
        # Only what was committed may be remembered.
        for site, name in chapter.new_names:
            self._names[site].add(name)
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
        self, transaction: Transaction, live: Live, names: dict[str, set[str]], now: int, *, ask_rules: bool
    ) -> None:
        self.transaction = transaction
        self.config = live.current
        self.names = names
        self.now = now
        self.ask_rules = ask_rules
        self.people: dict[int, Person] = {}
        self.totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
        self.offers: dict[int, dict[str, list[Offer]]] = {}
        self.identities: dict[str, int] = {}
        self.moments: dict[tuple[int, str], Moment] = {}
        self.counted: set[TotalKey] = set()
        self.touched: set[int] = set()
        self.milestones: list[Milestone] = []
        self.claimed: dict[tuple[int, str, int], Offer] = {}
        self.new_names: dict[tuple[str, str], int] = {}

    async def write(self, batches: Sequence[Batch]) -> list[Answer]:
        owners = await self._find_people(batches)
        news = await self._set_known_aside(owners, batches)
        await self._read_totals(news)
        answers = [await self._tell(new) for new in news]
        await self._save()
        return answers

    async def _find_people(self, batches: Sequence[Batch]) -> list[int]:
        """The person of each batch, read and held; those who come for the first time begin here."""
        idents = [visitor_ident(batch.site, batch.visitor) for batch in batches]
        ids = await self.transaction.resolve(set(idents))
        self.people = await self._follow_merges(set(ids.values()))
        for ident, batch in zip(idents, batches, strict=True):
            if ident not in ids:
                at = min(event.at for event in batch.events)
                person = begin(new_person_id(at), batch.site, batch.visitor, at)
                ids[ident] = self.identities[ident] = person.person_id
                self.people[person.person_id] = person
        return [self._final(ids[ident]) for ident in idents]

    async def _follow_merges(self, person_ids: set[int]) -> dict[int, Person]:
        people: dict[int, Person] = {}
        missing = person_ids
        while missing:
            people |= await self.transaction.people(missing)
            missing = {p.merged_into for p in people.values() if p.merged_into is not None} - people.keys()
        return people

    def _final(self, person_id: int) -> int:
        while (merged := self.people[person_id].merged_into) is not None:
            person_id = merged
        return person_id

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
                    news.events.append(await self._named(event, batch.site))
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
        return self.config.rules.concerned(event, site) if self.ask_rules else ()

    async def _tell(self, news: _News) -> Answer:
        owner, batch, events, repeated = news
        messages: dict[str, Metadata] = {}
        for event in events:
            self._fold(owner, event, batch)
            if event.name in REPORTS:
                await self._report(owner, event)
            for rule in self._concerned(event, batch.site):
                if message := await self._ask(rule, owner, event, shows_messages=batch.shows_messages):
                    messages[rule.id] = message
        if repeated:
            for offer in await self._offers_for(owner, repeated):
                messages.setdefault(offer.rule, offer.message)
        return Answer(len(events), len(batch.events) - len(events), list(messages.values()))

    def _fold(self, owner: int, event: Event, batch: Batch) -> None:
        before = self.people[owner]
        person = fold(before, event, batch.agent, batch.language)
        self.people[owner] = person
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

    async def _named(self, event: Event, site: str) -> Event:
        """The event, or as `(other)` when the site has used up its names."""
        if event.name in RESERVED:
            return event
        if site not in self.names:
            self.names[site] = await self.transaction.event_names(site)
        if event.name in self.names[site] or (site, event.name) in self.new_names:
            return event
        if len(self.names[site]) + sum(of_site == site for of_site, _ in self.new_names) >= MAX_EVENT_NAMES:
            log.warning("event_names_used_up", site=site, limit=MAX_EVENT_NAMES, counted_as=OTHER)
            return structs.replace(event, name=OTHER)
        self.new_names[site, event.name] = event.at
        return event

    async def _ask(self, rule: Rule, owner: int, event: Event, *, shows_messages: bool) -> Metadata | None:
        """The rule's message if it matches now, is this person's to have, and can be shown in the answer."""
        if rule.deliver.page is None or event.name != "page_view":
            return None
        if rule.asks_offers:
            await self._offers_of(owner)
        if not matches(rule, self._facts(owner, event)):
            return None
        last = (await self._offers_of(owner)).get(rule.id, [])
        offer = last[-1] if last else None
        if offer is not None and (offer.shown or self.now - offer.offered < OFFER_AGAIN):
            return None
        person = self.people[owner]
        message = page_message(
            rule, person, event.path, {"email": person.email, "name": person.name, **person.traits}
        )
        self._keep_offer(
            Offer(
                person_id=owner,
                rule=rule.id,
                nth=offer.nth if offer else 1,
                event_id=event.id,
                claimed=offer.claimed if offer else self.now,
                offered=self.now if shows_messages else NEVER,
                message=message,
            )
        )
        return message if shows_messages else None

    def _facts(self, owner: int, event: Event) -> Facts:
        return Facts(
            person=self.people[owner],
            totals=self.totals[owner],
            event=event,
            now=self.now,
            offers=self.offers.get(owner, {}),
        )

    async def _report(self, owner: int, event: Event) -> None:
        """`message_shown`, `message_clicked` and `message_dismissed` mark the offer, the first time each."""
        field = REPORTS[event.name]
        for offer in (await self._offers_of(owner)).get(str(event.metadata.get("message", "")), [])[-1:]:
            marked = {field: event.at}
            if field != "shown" and offer.shown is None:
                # A click says that it was seen, even where the first report was lost.
                marked["shown"] = event.at
            if getattr(offer, field) is None:
                self._keep_offer(structs.replace(offer, **marked))

    async def _offers_of(self, owner: int) -> Mapping[str, list[Offer]]:
        if owner not in self.offers:
            by_rule: dict[str, list[Offer]] = defaultdict(list)
            for offer in sorted(await self.transaction.offers([owner]), key=lambda offer: offer.nth):
                by_rule[offer.rule].append(offer)
            self.offers[owner] = by_rule
        return self.offers[owner]

    async def _offers_for(self, owner: int, event_ids: set[str]) -> list[Offer]:
        of_person = await self._offers_of(owner)
        return [offer for offers in of_person.values() for offer in offers if offer.event_id in event_ids]

    def _keep_offer(self, offer: Offer) -> None:
        of_rule = self.offers[offer.person_id].setdefault(offer.rule, [])
        of_rule[:] = [kept for kept in of_rule if kept.nth != offer.nth] + [offer]
        self.claimed[offer.person_id, offer.rule, offer.nth] = offer

    async def _save(self) -> None:
        if not self.touched:
            return
        await self.transaction.save(
            Changes(
                identities=self.identities,
                people=[self.people[person_id] for person_id in sorted(self.touched)],
                events=list(self.moments.values()),
                totals={
                    (owner, kind, key): self.totals[owner][kind, key] for owner, kind, key in self.counted
                },
                milestones=self.milestones,
                offers=list(self.claimed.values()),
                event_names=[(site, name, at) for (site, name), at in self.new_names.items()],
            )
        )
