"""From what happened to the rules that ask about it, at a cost that the other rules do not raise.

    a page view -> the rules whose `when` names its page, and all that have no `when`
    any event   -> the rules without `when` that ask for a total which it adds to

Which patterns a path matches is found out once for each distinct path; whether any does, by one expression.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from server.model import Event
from server.people.state import counts_for
from server.rules.pages import PagePattern, any_of
from server.rules.registry import Key
from server.rules.rule import Rule

KNOWN_PATHS = 16_384


class RuleSet:
    """The rules of one file, in its order."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._by_id = {rule.id: rule for rule in self._rules}
        self._by_page: defaultdict[str, list[int]] = defaultdict(list)
        self._by_pattern: list[tuple[int, PagePattern]] = []
        self._anywhere: list[int] = []
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        for number, rule in enumerate(self._rules):
            if rule.when is None:
                self._anywhere.append(number)
                for key in rule.asks:
                    self._by_key[key].append(number)
            elif rule.when.page.exact is not None:
                self._by_page[rule.when.page.exact].append(number)
            else:
                self._by_pattern.append((number, rule.when.page))
        self._any_pattern = any_of([page for _, page in self._by_pattern])
        self._on_page = lru_cache(maxsize=KNOWN_PATHS)(self._find_on_page)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def get(self, rule_id: str) -> Rule | None:
        return self._by_id.get(rule_id)

    def concerned(self, event: Event, site: str) -> Sequence[Rule]:
        """The rules that may match because of this event, in the file's order. They hold for every site."""
        if event.name == "page_view":
            return self._on_page(event.path)
        if not self._by_key:
            return ()
        numbers = {number for key in counts_for(event) for number in self._by_key.get(key, ())}
        return tuple(self._rules[number] for number in sorted(numbers))

    def _find_on_page(self, path: str) -> tuple[Rule, ...]:
        numbers = [*self._anywhere, *self._by_page.get(path, ())]
        if self._by_pattern and self._any_pattern(path):
            numbers += (number for number, page in self._by_pattern if page.matches(path))
        return tuple(self._rules[number] for number in sorted(numbers))
