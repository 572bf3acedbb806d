"""One message of leadtrail.yaml: to whom, when, on which conditions, and what it says."""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from server.model import Kind, Role
from server.rules.conditions import Condition
from server.rules.deliver import Deliver
from server.rules.facts import Facts
from server.rules.grammar import Times
from server.rules.part import Part
from server.rules.policy import ONCE, ControlText, Goal, SendText
from server.rules.registry import Form, Key, Look
from server.rules.schedule import Schedule
from server.rules.values import written
from server.rules.when import When

ROLES = {"visitors": Role.visitor, "leads": Role.lead, "users": Role.user}


def _roles(value: Any) -> frozenset[Role]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise ValueError("`to` is a list of visitors, leads, users; leave it out for all three.")
    unknown = [name for name in names if not isinstance(name, str) or name not in ROLES]
    if unknown:
        near = f"; did you mean '{unknown[0]}s'?" if f"{unknown[0]}s" in ROLES else "."
        raise ValueError(f"'{str(unknown[0])[:40]}' is none of visitors, leads, users{near}")
    return frozenset(ROLES[name] for name in names)


def _id(text: str) -> str:
    if len(text) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in text):
        raise ValueError("An id has 1 to 64 letters, digits, '-', '_' and '.'.")
    return text


Id = Annotated[str, written(_id)]
RoleName = Literal["visitors", "leads", "users"]
Roles = Annotated[frozenset[Role], BeforeValidator(_roles, json_schema_input_type=RoleName | list[RoleName])]


class Contradiction(ValueError):
    """Conditions that cannot hold together; `steps` lead from their mapping to the later one."""

    def __init__(self, message: str, steps: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.steps = steps


def _lower(one: int | None, other: int | None) -> int | None:
    return min((end for end in (one, other) if end is not None), default=None)


class Audience(Part):
    """Who is meant: `if` all hold, and of `unless` none."""

    if_: list[Condition] = Field(default=[], alias="if")
    unless: list[Condition] = []

    @model_validator(mode="after")
    def _can_match(self) -> "Audience":
        ends: dict[str, Times] = {}
        for number, asked in enumerate(self.if_):
            if (counted := asked.counts()) is None:
                continue
            what, times = counted
            known = ends.get(what, times)
            low, high = max(known.low, times.low), _lower(known.high, times.high)
            if high is not None and low > high:
                raise Contradiction(
                    f"{what} cannot be {times} and {known}; this can never hold.", ("if", number)
                )
            ends[what] = Times(low, high, times.text)
        wanted = {asked.text for asked in self.if_}
        for number, asked in enumerate(self.unless):
            if asked.text in wanted:
                raise Contradiction("`if` wants just this; the two can never both hold.", ("unless", number))
        return self

    def conditions(self) -> Iterator[Form]:
        yield from self.if_
        yield from self.unless

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The totals that its conditions look at."""
        return frozenset(key for condition in self.conditions() for key in condition.asks())

    @cached_property
    def needs(self) -> tuple[tuple[Key, int], ...]:
        """Totals without which it cannot match, and how high they must at least be: quickly looked at."""
        return tuple(need for asked in self.if_ if (need := asked.needs()) is not None and need[1] > 0)

    @cached_property
    def every_page(self) -> bool:
        """Whether its conditions look at all pages of the person, for a glob or a regex."""
        return any(condition.asks_pages() for condition in self.conditions())

    @cached_property
    def asks_offers(self) -> bool:
        """Whether its conditions look at the messages that the person won."""
        return any(condition.asks_offers() for condition in self.conditions())

    @cached_property
    def looks_back(self) -> tuple[Look, ...]:
        """The person's own stored events that it looks at."""
        return tuple({look for condition in self.conditions() for look in condition.looks_back()})


class Rule(Audience):
    """A message and its rule."""

    id: Id
    to: Roles = frozenset(Role)
    when: When | None = None
    send: SendText = ONCE
    goal: Goal | None = None
    control: ControlText | None = None
    schedule: Schedule | None = None
    deliver: Deliver

    @cached_property
    def asks(self) -> frozenset[Key]:
        """The totals that it looks at: its conditions, its trigger and its goal."""
        time = self.when.since_last if self.when is not None else None
        return self.keys | self.goal_keys | ({(Kind.event, time)} if time is not None else frozenset())

    @cached_property
    def goal_keys(self) -> frozenset[Key]:
        """The total that its goal adds to; none for a goal of many pages."""
        if self.goal is None:
            return frozenset()
        if self.goal.did is not None:
            return frozenset({(Kind.event, self.goal.did)})
        page = self.goal.viewed.exact if self.goal.viewed else None
        return frozenset() if page is None else frozenset({(Kind.page, page)})

    @cached_property
    def asks_pages(self) -> bool:
        """Whether it looks at all pages of the person, for a glob or a regex."""
        many = self.goal is not None and self.goal.viewed is not None and self.goal.viewed.exact is None
        return many or self.every_page

    @cached_property
    def falls_due(self) -> bool:
        """Whether time alone may make it match: `since_last`, or a sequence or time and no `when`."""
        if self.when is not None:
            return self.when.is_time
        return any(asked.ripens() for asked in self.if_) or any(asked.expires() for asked in self.unless)

    def due_at(self, facts: Facts) -> int | None:
        """When time alone may next make it match, after now; None when it cannot."""
        edges = [edge for asked in self.conditions() for edge in asked.edges(facts)]
        if self.when is not None and self.when.passes is not None and self.when.since_last is not None:
            total = facts.total(Kind.event, self.when.since_last)
            edges += [] if total is None else [total.last + self.when.passes.span]
        return min((edge for edge in edges if edge > facts.now), default=None)
