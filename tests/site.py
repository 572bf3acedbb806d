"""A site with its rules, visitors and time, for tests of the story: real servers on a real store, only the
clock is the test's.
"""

import secrets
from pathlib import Path
from typing import Any

from msgspec import structs

from server.clock import DAY
from server.ids import visitor_ident
from server.model import LANES, Batch, Delivery, Event, Offer
from server.people.page import page_path
from server.rules.reload import Live
from server.store.base import Store
from server.trail import Trail
from server.trail.due import DueRules

NOW = 1_790_000_000_000
"""Monday, 21 September 2026, 14:13 UTC."""


def view(page: str = "/", **fields: Any) -> Event:
    """A page view; the site says when."""
    return did("page_view", page, **fields)


def did(name: str, page: str = "/app", **fields: Any) -> Event:
    """An event on a page, with its metadata or other fields."""
    url = f"https://www.example.com{page}" if page else ""
    path = page_path(url) if url else ""
    return Event(id=secrets.token_hex(8), name=name, at=NOW, received=NOW, url=url, path=path, **fields)


class Site:
    """One or more servers on one store, with one clock."""

    def __init__(self, store: Store, directory: Path) -> None:
        self.store = store
        self.now = NOW
        self.file = directory / "leadtrail.yaml"
        self._directory = directory

    def rules(self, *messages: str, top: str = "") -> "Site":
        """These rules from now on, as one line of YAML each."""
        body = "".join(f"  - {{{message}}}\n" for message in messages)
        return self.file_says(f"sites: [{{key: main}}]\n{top}messages:\n{body}")

    def file_says(self, text: str) -> "Site":
        """The whole of leadtrail.yaml from now on."""
        self.file.write_text(text)
        self.live = Live(self.file)
        self.trail = Trail(self.store, self.live)
        self.due = DueRules(self.store, self.live, lambda: self.now)
        return self

    async def sees(self, *events: Event, visitor: str = "ada", **fields: Any) -> list[str]:
        """What the events are answered; they happen now."""
        happened = [structs.replace(each, at=self.now, received=self.now) for each in events]
        batch = Batch(site="main", visitor=visitor, events=happened, **fields)
        [answer] = await self.trail.record([batch], self.now)
        return [message["id"] for message in answer.messages]

    async def wait(self, span: int) -> None:
        """Time passes, and what is due meanwhile is fired."""
        self.now += span
        while await self.due.arm_new():
            pass
        for lane in range(LANES):
            while await self.due.fire(lane):
                pass

    async def person(self, visitor: str = "ada") -> int:
        person_id = await self.store.reads.person_of(visitor_ident("main", visitor))
        assert person_id is not None
        return person_id

    async def offers(self, visitor: str = "ada") -> list[Offer]:
        return await self.store.reads.all_offers(await self.person(visitor))

    async def sent(self) -> list[Delivery]:
        """All that left by the outbox so far."""
        gone = []
        for lane in await self.store.outbox.waiting():
            gone += await self.store.outbox.claim(lane, now=self.now, until=self.now + 999 * DAY, limit=99)
        return sorted(gone, key=lambda delivery: delivery.made)
