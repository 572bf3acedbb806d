"""The page that helps to put the tag on a site, and says whether anything has come from it."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from server.clock import Clock
from server.dashboard.pages import page
from server.dashboard.times import When, when, zone_of
from server.model import Site
from server.rules.reload import Live
from server.store.base import Reads


class Installed(NamedTuple):
    """A site and its tag; `newest` is when the newest visitor came first, None before any did."""

    key: str
    tag: str
    origins: list[str]
    people: int
    newest: When | None


class Install:
    """The route of the install page."""

    def __init__(self, reads: Reads, live: Live, clock: Clock) -> None:
        self._reads = reads
        self._live = live
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /dashboard/install"""
        base = f"{request.url.scheme}://{request.url.netloc}"
        sites = [await self._site(site, base) for site in self._live.current.sites.values()]
        return page(request, "install.html", sites=sites, waiting=any(site.newest is None for site in sites))

    async def _site(self, site: Site, base: str) -> Installed:
        found = await self._reads.find_people(site=site.key, limit=1)
        newest = (
            when(found.people[0].first_seen, self._clock(), zone_of(site.timezone)) if found.people else None
        )
        tag = f'<script async src="{base}/t.js" data-site="{site.key}"></script>'
        return Installed(site.key, tag, sorted(site.origins), found.total, newest)
