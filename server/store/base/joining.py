"""What a transaction can do when people become one, two again, or nobody; on every engine."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from server.identity import Merge
from server.model import Milestone, Total, TotalKey


class Joining(Protocol):
    """The part of `store.base.Transaction` that is about who is who."""

    async def all_totals(self, person_id: int) -> dict[TotalKey, Total]:
        """Every total of one person."""

    async def milestones(self, person_id: int) -> list[Milestone]:
        """All of one person, in no order."""

    async def event_ids(self, ids: Collection[str]) -> set[str]:
        """Those of the event ids that are stored of anybody."""

    async def latest_events(self, person_id: int, received: int) -> list[str]:
        """The ids of the person's events that were received at this time or later."""

    async def rename_events(self, person_id: int, ids: Collection[str]) -> None:
        """These events of the person get ids that nobody else's have."""

    async def merges(self, person_id: int) -> list[Merge]:
        """Those who were merged into this very person, the latest first."""

    async def move(self, source: int, target: int, sessions: int) -> None:
        """Everything of one person becomes another's, events in sessions after the so many that the other
        has. The source has no totals and page messages left: to write the target's is the caller's.
        """

    async def move_back(self, merge: Merge, before: int, sessions: int, latest: Sequence[str]) -> None:
        """The events of the merge's `sessions` sessions, which are numbered from after `before` on, are
        again those of the one who was merged, if they were received before it or are among `latest`.
        """

    async def forget_offers(self, person_id: int) -> None:
        """All page messages of a person, to be written anew."""

    async def forget_empty_totals(self, person_id: int) -> None:
        """Those that were saved with a count of 0."""

    async def take_milestones_away(self, person_id: int, milestones: Iterable[Milestone]) -> None:
        """Milestones of the time and kind of these are no longer this person's."""

    async def merged_into(self, person_ids: Collection[int]) -> set[int]:
        """Who was merged into one of these, directly."""

    async def idents(self, person_ids: Collection[int]) -> set[str]:
        """All idents that resolve to one of these, directly."""

    async def forget(self, person_ids: Iterable[int]) -> None:
        """Erase every row of these people."""

    async def bury(self, tombs: Mapping[str, int]) -> None:
        """Keep who was erased and when."""

    async def buried(self, tombs: Collection[str]) -> dict[str, int]:
        """When these were erased, of those that were."""
