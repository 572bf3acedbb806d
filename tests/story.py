"""A person's story told event by event, as the tests of API and dashboard put it into a real store."""

from typing import Any

from server.ids import visitor_ident
from server.model import Agent, Event, Kind, Milestone, Moment, Offer, Person, Role, Total, TotalKey
from server.people.page import page_path
from server.people.state import add, begin, counts_for, fold, moment_of
from server.store.base import Changes

NOON = 1_790_164_800_000
"""Wednesday, 23 September 2026, 12:00 UTC."""

SHOP = "https://shop.example"
FIREFOX = Agent("Firefox", "Linux", "desktop")


class Story:
    """Folds events with the very functions that the server uses, and answers what is to be saved."""

    def __init__(self, person_id: int = 1, *, site: str = "main", visitor: str = "", at: int = NOON) -> None:
        self.person: Person = begin(person_id, site, visitor or f"{person_id:032x}", at)
        self.moments: list[Moment] = []
        self.totals: dict[TotalKey, Total] = {}
        self.milestones: list[Milestone] = []
        self.offers: list[Offer] = []

    def did(
        self, name: str, at: int, url: str = "", traits: dict[str, Any] | None = None, **fields: Any
    ) -> "Story":
        """One more event, `at` milliseconds after noon. A `url` may be a path of the shop."""
        full = SHOP + url if url.startswith("/") else url
        event = Event(
            id=fields.pop("id", f"e{len(self.moments) + 1}"),
            name=name,
            at=NOON + at,
            received=NOON + at,
            url=full,
            path=page_path(full) if full else "",
            traits=traits,
            **fields,
        )
        before = self.person
        self.person = fold(before, event, FIREFOX, "pt")
        self.moments.append(moment_of(before, self.person, event, before.site))
        for kind, key in counts_for(event):
            whose = (before.person_id, int(kind), key)
            self.totals[whose] = add(self.totals.get(whose), event.at)
        if self.person.role > before.role:
            self.milestones.append(
                Milestone(before.person_id, event.at, "became", {"role": Role(self.person.role).name})
            )
        return self

    def viewed(self, path: str, at: int, title: str = "", **fields: Any) -> "Story":
        """A page view."""
        return self.did("page_view", at, path, title=title or path, **fields)

    def left(self, path: str, at: int, seconds: float) -> "Story":
        """The end of a page view."""
        return self.did("page_leave", at, path, metadata={"seconds": seconds, "scroll": 80})

    def won(self, rule: str, title: str, at: int) -> "Story":
        """A message that the person was offered."""
        message = {"id": rule, "title": title, "body": "…"}
        self.offers.append(
            Offer(self.person.person_id, rule, 1, self.moments[-1].id, NOON + at, NOON + at, message)
        )
        return self

    def views(self, path: str) -> Total:
        """The total of a page."""
        return self.totals[self.person.person_id, int(Kind.page), path]

    def changes(self) -> Changes:
        """All of it, to be saved."""
        return Changes(
            identities={visitor_ident(self.person.site, self.person.visitor): self.person.person_id},
            people=[self.person],
            events=self.moments,
            totals=self.totals,
            milestones=self.milestones,
            offers=self.offers,
        )
