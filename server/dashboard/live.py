"""The live page: who is on which page now. It looks again by itself."""

import asyncio
from datetime import UTC

from starlette.requests import Request
from starlette.responses import Response

from server.clock import Clock
from server.dashboard.pages import page
from server.dashboard.presence import HERE, SHOWN_PEOPLE, places, present_pages, present_people
from server.dashboard.times import zone_of
from server.rules.reload import Live
from server.store.base import Reads
from server.store.lookup import merged

MOMENTS = 5_000
"""Events that are looked at; where more come within five minutes, the newest."""


class LivePage:
    """The route of the live page."""

    def __init__(self, reads: Reads, live: Live, clock: Clock) -> None:
        self._reads = reads
        self._live = live
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """GET /dashboard/live?site=…"""
        now = self._clock()
        sites = self._live.current.sites
        chosen = request.query_params.get("site", "")
        moments = await self._reads.latest(now - HERE, now, MOMENTS)
        if chosen in sites:
            moments = [moment for moment in moments if moment.site == chosen]
        found = places(moments, now)
        read = [merged(self._reads, place.person_id) for place in found[:SHOWN_PEOPLE]]
        people = {
            place.person_id: person
            for place, person in zip(found, await asyncio.gather(*read), strict=False)
            if person is not None
        }
        zones = {key: zone_of(site.timezone) for key, site in sites.items()}
        return page(
            request,
            "live.html",
            here=present_people(found, people, zones, now, UTC),
            total=len(found),
            pages=present_pages(found),
            sites=list(sites) if len(sites) > 1 else [],
            chosen=chosen if chosen in sites else "",
        )
