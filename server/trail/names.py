"""The event names that a site has used: at most 500, what comes later counts as `(other)`."""

import structlog
from msgspec import structs

from server.collect.clean import RESERVED
from server.model import Event
from server.store.base import Transaction

log = structlog.get_logger()

MAX_EVENT_NAMES = 500
OTHER = "(other)"

KnownNames = dict[str, set[str]]
"""By site: what is remembered between transactions; what is missing is read again."""


class Names:
    """The names of one transaction: those known, and those used here for the first time."""

    def __init__(self, transaction: Transaction, known: KnownNames) -> None:
        self._transaction = transaction
        self._known = known
        self.new: dict[tuple[str, str], int] = {}
        """(site, name), with when it was first seen."""

    def knows(self, name: str, site: str) -> bool:
        """Whether the site is known to have this name, without asking the store."""
        return name in RESERVED or name in self._known.get(site, ()) or (site, name) in self.new

    async def name(self, event: Event, site: str) -> Event:
        """The event, or as `(other)` when the site has used up its names."""
        return event if await self.use(event.name, site, event.at) else structs.replace(event, name=OTHER)

    async def use(self, name: str, site: str, at: int) -> bool:
        """Whether the site has this name, or has it from now on."""
        if site not in self._known and name not in RESERVED:
            self._known[site] = await self._transaction.event_names(site)
        if self.knows(name, site):
            return True
        if len(self._known[site]) + sum(of_site == site for of_site, _ in self.new) >= MAX_EVENT_NAMES:
            log.warning("event_names_used_up", site=site, limit=MAX_EVENT_NAMES, counted_as=OTHER)
            return False
        self.new[site, name] = at
        return True

    def remember(self) -> None:
        """Only what was committed may be."""
        for site, name in self.new:
            self._known[site].add(name)
