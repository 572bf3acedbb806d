"""What the rules may look at in one transaction: totals and stored events, as they become by its own.

It is read once, before anything is told, for all people and only what the rules ask for.
"""

from collections import defaultdict
from collections.abc import Iterable

from server.model import Event, Kind, Moment, Person, Total, TotalKey
from server.people.state import add, counts_for
from server.rules.facts import Facts
from server.rules.rule import Rule
from server.store.base import Transaction


class Memory:
    """The past of the people of one transaction, as far as somebody asked for it."""

    def __init__(self, transaction: Transaction, now: int) -> None:
        self._transaction = transaction
        self._now = now
        self._keys: set[TotalKey] = set()
        self._globbed: set[int] = set()
        self._looks: dict[tuple[int, str], int] = {}
        self._totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
        self._before: dict[int, dict[tuple[int, str], Total | None]] = {}
        self._recent: dict[int, list[Moment]] = {}
        self._changed: set[TotalKey] = set()

    def want(self, owner: int, keys: Iterable[tuple[Kind, str]]) -> None:
        """These totals will be changed."""
        self._keys.update((owner, kind, key) for kind, key in keys)

    def want_for(self, owner: int, rules: Iterable[Rule]) -> None:
        """These rules will be asked."""
        for rule in rules:
            self._keys.update((owner, kind, key) for kind, key in rule.asks)
            if rule.asks_pages:
                self._globbed.add(owner)
            for name, span in rule.looks_back:
                since = 0 if span is None else self._now - span
                self._looks[owner, name] = min(since, self._looks.get((owner, name), since))

    async def read(self) -> None:
        """All that was asked for, one statement for each kind of it."""
        found = await self._transaction.totals(self._keys) if self._keys else {}
        if self._globbed:
            found |= await self._transaction.page_totals(self._globbed)
        for (owner, kind, key), total in found.items():
            self._totals[owner][kind, key] = total
        if self._looks:
            asked = [(owner, name, since) for (owner, name), since in self._looks.items()]
            self._recent = {owner: [] for owner, _ in self._looks}
            for moment in await self._transaction.recent(asked):
                self._recent[moment.person_id].append(moment)

    def count(self, owner: int, event: Event, moment: Moment) -> None:
        """One more event of the person."""
        totals = self._totals[owner]
        before: dict[tuple[int, str], Total | None] = {}
        for kind, key in counts_for(event):
            before[kind, key] = totals.get((kind, key))
            totals[kind, key] = add(before[kind, key], event.at)
            self._changed.add((owner, kind, key))
        self._before[owner] = before
        if (owner, event.name) in self._looks:
            self._recent[owner].append(moment)

    def facts(self, person: Person, event: Event | None) -> Facts:
        """What rules see of the person just after the event."""
        owner = person.person_id
        return Facts(
            person=person,
            totals=self._totals[owner],
            event=event,
            now=self._now,
            recent=self._recent.get(owner, ()),
            before=self._before.get(owner, {}) if event is not None else {},
        )

    @property
    def changed(self) -> dict[TotalKey, Total]:
        """The totals to be written."""
        return {(owner, kind, key): self._totals[owner][kind, key] for owner, kind, key in self._changed}
