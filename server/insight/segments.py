"""Who belongs to a segment, in an order: everybody is asked with the rules' own conditions, in steps."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from server.model import Kind, Person
from server.rules.evaluate import is_in
from server.rules.facts import Facts
from server.rules.registry import Key
from server.rules.rule import Audience
from server.store.base import Rulings
from server.trail.portraits import crowd, portray


class Order(NamedTuple):
    """How a list of people is sorted; people who are equal in it by who came later."""

    value: Callable[[Facts], int]
    descending: bool = True
    keys: Sequence[Key] = ()
    """The totals that it looks at."""


def parse_order(text: str) -> Order:
    """`-last_seen`, `last_seen`, `-first_seen`, or `-count:` and an event's name. Raises ValueError."""
    name, descending = text.removeprefix("-"), text.startswith("-")
    if name == "last_seen":
        return Order(lambda facts: facts.person.last_seen, descending)
    if name == "first_seen":
        return Order(lambda facts: facts.person.first_seen, descending)
    event = name.removeprefix("count:")
    if event and event != name:
        return Order(lambda facts: _count(facts, event), descending, [(Kind.event, event)])
    raise ValueError("sort is last_seen, first_seen or count:<event name>; - before it is downwards.")


def _count(facts: Facts, event: str) -> int:
    total = facts.total(Kind.event, event)
    return total.count if total else 0


async def members(rulings: Rulings, segment: Audience, order: Order, now: int) -> list[Person]:
    """Everybody who is in the segment, sorted."""
    found: list[tuple[int, int, Person]] = []
    async for people in crowd(rulings, segment):
        for facts in await portray(rulings, people, now, segment, order.keys):
            if is_in(segment, facts):
                found.append((order.value(facts), facts.person.person_id, facts.person))
    found.sort(key=lambda entry: entry[:2], reverse=order.descending)
    return [person for _, _, person in found]
