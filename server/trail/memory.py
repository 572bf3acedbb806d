"""What the rules may look at in one transaction: totals and stored events, as they become by its own.

It is read once, before anything is told, for all people and only what the rules ask for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from server.model import Event, Moment, Offer, OwnKey, Person, Total, TotalKey
from server.people.state import add, counts_for
from server.rules.facts import Facts
from server.rules.index import Wants, wants_of
from server.rules.rule import Rule
from server.store.base import Transaction


class Memory:
    """The past of the people of one transaction, as far as somebody asked for it."""

    def __init__(self, transaction: Transaction, now: int) -> None:
        self._transaction = transaction
        self._now = now
        self._asked: defaultdict[int, set[OwnKey]] = defaultdict(set)
        self._globbed: set[int] = set()
        self._looks: dict[tuple[int, str], int] = {}
        self._totals: defaultdict[int, dict[OwnKey, Total]] = defaultdict(dict)
        self._before: dict[int, dict[OwnKey, Total | None]] = {}
        self._recent: dict[int, list[Moment]] = {}
        self._changed: dict[TotalKey, Total] = {}

    def will_count(self, owner: int, event: Event) -> None:
        """The totals that this event adds to will be changed."""
        self._asked[owner].update(counts_for(event))

    def want(self, owner: int, wants: Wants) -> None:
        """Rules that look at this will be asked."""
        self._asked[owner] |= wants.totals
        if wants.pages:
            self._globbed.add(owner)
        for name, span in wants.looks:
            since = 0 if span is None else self._now - span
            self._looks[owner, name] = min(since, self._looks.get((owner, name), since))

    def want_for(self, owner: int, rules: Iterable[Rule]) -> None:
        """These rules will be asked."""
        self.want(owner, wants_of(rules))

    async def read(self) -> None:
        """All that was asked for, one statement for each kind of it."""
        if self._asked:
            self._totals.update(await self._transaction.totals(self._asked))
        if self._globbed:
            for owner, of_pages in (await self._transaction.page_totals(self._globbed)).items():
                self._totals[owner] |= of_pages
        if self._looks:
            asked = [(owner, name, since) for (owner, name), since in self._looks.items()]
            self._recent = {owner: [] for owner, _ in self._looks}
            for moment in await self._transaction.recent(asked):
                self._recent[moment.person_id].append(moment)

    def count(self, owner: int, event: Event, moment: Moment) -> None:
        """One more event of the person."""
        totals = self._totals[owner]
        before: dict[OwnKey, Total | None] = {}
        for key in counts_for(event):
            before[key] = known = totals.get(key)
            totals[key] = self._changed[owner, *key] = add(known, event.at)
        self._before[owner] = before
        if (owner, event.name) in self._looks:
            self._recent[owner].append(moment)

    def facts(self, person: Person, event: Event | None, offers: Mapping[str, Sequence[Offer]]) -> Facts:
        """What rules see of the person just after the event. `offers` are what they won, by rule."""
        owner = person.person_id
        return Facts(
            person=person,
            totals=self._totals[owner],
            event=event,
            now=self._now,
            offers=offers,
            recent=self._recent.get(owner, ()),
            before=self._before.get(owner, {}) if event is not None else {},
        )

    @property
    def changed(self) -> dict[TotalKey, Total]:
        """The totals to be written."""
        return self._changed
