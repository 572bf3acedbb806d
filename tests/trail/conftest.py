"""A trail on a new store of each engine, and short words for what browsers send."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from server.identity import Proof, user_ident
from server.ids import visitor_ident
from server.model import Batch, Event, Person, Total
from server.people.page import page_path
from server.rules.reload import Live
from server.store.base import Store
from server.store.lookup import merged
from server.trail import Trail

NOW = 1_790_000_000_000

CONFIG = """
sites: [{key: main}, {key: shop}]
messages:
  - id: pricing-help
    when: {page: /pricing*}
    if: [{viewed: /pricing, times: more than 3}]
    send: once
    deliver: {page: {title: "Questions, {{ name or 'stranger' }}?", body: We answer.}}
"""


class Site:
    """One site, its trail and its store."""

    def __init__(self, trail: Trail, store: Store) -> None:
        self.trail = trail
        self.store = store
        self.now = NOW

    async def sends(self, visitor: str, *events: Event, site: str = "main") -> list[str]:
        """The messages that a visitor's batch is answered."""
        self.now += 1_000
        [answer] = await self.trail.record([Batch(site=site, visitor=visitor, events=list(events))], self.now)
        return [message["id"] for message in answer.messages]

    async def person(self, visitor: str, site: str = "main") -> Person:
        """Who the visitor is by now."""
        return await self._of(visitor_ident(site, visitor))

    async def user(self, user_id: str) -> Person:
        """Who has proved this user_id."""
        return await self._of(user_ident("main", user_id))

    async def _of(self, ident: str) -> Person:
        person_id = await self.store.reads.person_of(ident)
        assert person_id is not None
        person = await merged(self.store.reads, person_id)
        assert person is not None
        return person

    async def paths(self, person: Person) -> list[str]:
        """The pages of the person's trail, oldest first."""
        trail = await self.store.reads.trail(person.person_id, limit=1_000)
        return [m.path for m in reversed(trail.moments) if m.name == "page_view"]

    async def totals(self, person: Person) -> dict[tuple[int, str], Total]:
        """The person's totals by kind and key."""
        found = await self.store.reads.all_totals(person.person_id)
        return {(kind, key): total for (_, kind, key), total in found.items()}

    async def milestones(self, person: Person) -> list[tuple[str, Any]]:
        """(kind, role or how it was proved), oldest first."""
        found = reversed(await self.store.reads.milestones(person.person_id))
        return [(m.kind, m.detail.get("role") or m.detail.get("by")) for m in found]

    def event(self, name: str, page: str = "", event_id: str = "", **fields: Any) -> Event:
        """An event that happens now."""
        self.now += 1_000
        url = f"https://www.example.com{page}" if page else ""
        return Event(
            id=event_id or secrets.token_hex(8),
            name=name,
            at=self.now,
            received=self.now,
            url=url,
            path=page_path(url) if page else "",
            **fields,
        )

    def view(self, page: str = "/", event_id: str = "") -> Event:
        """A page view that happens now."""
        return self.event("page_view", page, event_id)

    def claims(self, **traits: Any) -> Event:
        """An identify without proof."""
        return self.event("identify", traits=traits)

    def proves(self, user_id: str | None = None, email: str | None = None, **traits: Any) -> Event:
        """An identify with a proof of the user_id, or of the e-mail, or of both."""
        proved = {name: value for name, value in (("user_id", user_id), ("email", email)) if value}
        return self.event(
            "identify",
            traits={**proved, **traits},
            proof=Proof("user_hash", user_id, email, frozenset(proved)),
        )


@pytest.fixture
def site(store: Store, tmp_path: Path) -> Site:
    file = tmp_path / "leadtrail.yaml"
    file.write_text(CONFIG)
    return Site(Trail(store, Live(file)), store)
