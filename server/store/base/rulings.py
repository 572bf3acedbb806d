"""What rules have given and armed, as a store keeps it."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from server.model import Due, Moment, Offer, Person, Total, TotalKey


class Given(NamedTuple):
    """To how many people a rule's message was given, and what became of it."""

    rule: str
    control: bool
    people: int
    shown: int
    clicked: int
    dismissed: int
    goal: int


class Arming(NamedTuple):
    """How far the people who were there before a time rule were asked when it falls due for them."""

    rule: str
    asking: str
    """A digest of what the rule asks; another one means that everybody is asked again."""
    reached: int
    """The last person_id; all have been asked when nobody comes after it."""


Need = tuple[tuple[int, str], int]
"""A total by (kind, key), and how high it must at least be."""


class Rulings(Protocol):
    """What rules need outside of the ingest transaction: who is due, what was measured, people in bulk."""

    async def due(self, lane: int, now: int, limit: int) -> list[Due]:
        """What is due in a lane, the longest overdue first, by index."""

    async def given(self) -> list[Given]:
        """Of each rule and arm."""

    async def held(self) -> list[tuple[str, str, int]]:
        """(rule, reason, people)."""

    async def held_people(self) -> list[tuple[str, int]]:
        """(rule, people), whatever the reasons."""

    async def matched(self) -> list[tuple[str, int]]:
        """(rule, people to whom it was given or from whom it was held back)."""

    async def crowd(
        self, *, after: int, limit: int, since_day: int = 0, need: Need | None = None
    ) -> list[Person]:
        """People by their ids, from above `after`, seen on this day (since 1970) or later; with `need`, only
        those who have that total.
        """

    async def totals(self, keys: Iterable[TotalKey]) -> dict[TotalKey, Total]:
        """The totals that exist of those asked for."""

    async def totals_of(self, person_ids: Collection[int]) -> dict[TotalKey, Total]:
        """Every total of these people."""

    async def moments_of(self, person_ids: Collection[int]) -> list[Moment]:
        """Every stored event of these people, person by person, oldest first."""

    async def recent(self, asked: Iterable[tuple[int, str, int]]) -> list[Moment]:
        """As in a transaction."""

    async def offers_of(self, person_ids: Collection[int]) -> list[Offer]:
        """Every message that these people won."""

    async def armings(self) -> list[Arming]: ...

    async def set_arming(self, arming: Arming) -> None: ...

    async def all_event_names(self) -> set[str]:
        """The custom names that any site has used."""
