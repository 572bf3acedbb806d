"""From what happened to the rules that it concerns, at a cost that the other rules do not raise.

    a page view -> the rules whose `when` names its page, and those that any page view may trigger
    an event    -> the rules whose `when` names it, and those without `when` that ask for what it adds to
    both        -> the rules whose goal it is, and those that may fall due because of it

Which rules a path or a name concerns is found out once for each; whether any pattern matches a path, by one
expression.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from server.model import Event, Kind
from server.people.state import counts_for
from server.rules.pages import PagePattern, any_of
from server.rules.registry import Key, Look
from server.rules.rule import Rule

KNOWN_PATHS = 16_384


class Wants(NamedTuple):
    """What rules look at, taken together."""

    totals: frozenset[Key] = frozenset()
    pages: bool = False
    """All pages of the person."""
    looks: tuple[Look, ...] = ()
    """The stored events."""


def wants_of(rules: Iterable[Rule]) -> Wants:
    """What these rules look at."""
    rules = tuple(rules)
    totals = frozenset(key for rule in rules for key in rule.asks)
    looks = {look for rule in rules for look in rule.looks_back}
    return Wants(totals, any(rule.asks_pages for rule in rules), tuple(looks))


class Concern(NamedTuple):
    """The rules that an event concerns, each in the order of the file."""

    asked: tuple[Rule, ...] = ()
    """They may match because of it, or offer again what was won."""
    goals: tuple[Rule, ...] = ()
    """It is what they are for."""
    armed: tuple[Rule, ...] = ()
    """They may fall due some time after it."""
    wants: Wants = Wants()
    """What those look at who are asked or may fall due."""


NOBODY = Concern()


class RuleSet:
    """The rules of one file, in its order."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._by_id = {rule.id: rule for rule in self._rules}
        self._by_page: defaultdict[str, list[int]] = defaultdict(list)
        self._by_pattern: list[tuple[int, PagePattern]] = []
        self._anywhere: list[int] = []
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._goals: defaultdict[Key, list[int]] = defaultdict(list)
        self._goal_patterns: list[tuple[int, PagePattern]] = []
        self._arms: defaultdict[Key, list[int]] = defaultdict(list)
        for number, rule in enumerate(self._rules):
            self._place(number, rule)
        self._any_pattern = any_of([page for _, page in self._by_pattern])
        self._on_page = lru_cache(maxsize=KNOWN_PATHS)(self._find_on_page)
        self._on_name = lru_cache(maxsize=KNOWN_PATHS)(self._find_by_keys)
        self.armed_by_visits = tuple(rule for rule in self._rules if _is_timed(rule) and not _arming(rule))
        """They may fall due some time after a visit, whatever is done in it."""

    def _place(self, number: int, rule: Rule) -> None:
        when = rule.when
        if when is None:
            self._anywhere.append(number)
            for key in rule.asks - rule.goal_keys:
                self._by_key[key].append(number)
            for name, _ in rule.looks_back:
                self._by_name[name].append(number)
            if rule.deliver.leaves:
                self._by_name["identify"].append(number)
        elif when.page is not None and when.page.exact is not None:
            self._by_page[when.page.exact].append(number)
        elif when.page is not None:
            self._by_pattern.append((number, when.page))
        elif when.event is not None:
            self._by_name[when.event].append(number)
        if when is not None and when.page is None and rule.deliver.page is not None:
            # What an event or a time won is offered on any page.
            self._anywhere.append(number)
        for key in rule.goal_keys:
            self._goals[key].append(number)
        if rule.goal is not None and rule.goal.viewed is not None and rule.goal.viewed.exact is None:
            self._goal_patterns.append((number, rule.goal.viewed))
        for key in _arming(rule) if _is_timed(rule) else ():
            self._arms[key].append(number)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def get(self, rule_id: str) -> Rule | None:
        return self._by_id.get(rule_id)

    def concern(self, event: Event) -> Concern:
        """The rules that this event concerns. They hold for every site."""
        if event.name == "page_view":
            return self._on_page(event.path)
        if event.name == "form_error":
            return self._find_by_keys(event.name, counts_for(event))
        return self._on_name(event.name)

    def _find_on_page(self, path: str) -> Concern:
        keys = ((Kind.event, "page_view"), (Kind.page, path))
        numbers = [*self._anywhere, *self._by_page.get(path, ()), *self._by_name.get("page_view", ())]
        if self._by_pattern and self._any_pattern(path):
            numbers += (number for number, page in self._by_pattern if page.matches(path))
        goals = [number for key in keys for number in self._goals.get(key, ())]
        goals += (number for number, page in self._goal_patterns if page.matches(path))
        arms = (number for key in keys for number in self._arms.get(key, ()))
        return self._concern(numbers, goals, arms)

    def _find_by_keys(self, name: str, keys: Sequence[Key] = ()) -> Concern:
        keys = keys or ((Kind.event, name),)
        numbers = [number for key in keys for number in self._by_key.get(key, ())]
        numbers += self._by_name.get(name, ())
        goals = (number for key in keys for number in self._goals.get(key, ()))
        return self._concern(numbers, goals, (number for key in keys for number in self._arms.get(key, ())))

    def _concern(self, asked: Iterable[int], goals: Iterable[int], arms: Iterable[int]) -> Concern:
        who = self._in_order(asked), self._in_order(goals), self._in_order(arms)
        return Concern(*who, wants_of((*who[0], *who[2]))) if any(who) else NOBODY

    def _in_order(self, numbers: Iterable[int]) -> tuple[Rule, ...]:
        return tuple(self._rules[number] for number in sorted(set(numbers)))


def _is_timed(rule: Rule) -> bool:
    """Whether it may have to be said without a visit."""
    return rule.falls_due and rule.deliver.leaves


def _arming(rule: Rule) -> set[Key]:
    """The totals after whose change it may fall due; none where that hangs on visits only."""
    keys = set(rule.asks - rule.goal_keys)
    keys |= {(Kind.event, name) for name, _ in rule.looks_back}
    if rule.asks_pages:
        keys.add((Kind.event, "page_view"))
    return keys
