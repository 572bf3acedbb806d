"""The page about what leaves the server: by which ways, what waits, and what is parked for the operator."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.clock import Clock
from server.dashboard.pages import page
from server.dashboard.times import When, when, zone_of
from server.ids import public_id
from server.model import Delivery
from server.rules.reload import Live
from server.store.base import Outbox
from server.store.lookup import is_delivery_id

PER_PAGE = 50
PATH = "/dashboard/outbox"


class Ways(NamedTuple):
    """What the settings say about the ways out of the server."""

    held: Mapping[str, str] = {}
    """Channels by which nothing can leave now, and why."""
    webhook_secret: str = ""
    relay: str = ""
    """The mail server, as it is shown; empty where there is none."""
    public_url: str = ""


class Row(NamedTuple):
    """A parked delivery, as it is shown."""

    id: str
    rule: str
    channel: str
    to: str
    person: str
    error: str
    tries: int
    made: When


class Off(NamedTuple):
    """An address that is switched off, as it is shown."""

    address: str
    reason: str
    at: When


class Deliveries(NamedTuple):
    """How many there are of one channel."""

    channel: str
    waiting: int
    parked: int
    held: str


class OutboxPage:
    """The routes about the outbox."""

    def __init__(self, outbox: Outbox, live: Live, clock: Clock, ways: Ways) -> None:
        self._outbox = outbox
        self._live = live
        self._clock = clock
        self._ways = ways

    async def show(self, request: Request) -> Response:
        """GET /dashboard/outbox?before=…"""
        before = _delivery_id(request.query_params)
        parked = await self._outbox.in_state("parked", limit=PER_PAGE + 1, before=before)
        counts = await self._outbox.counts()
        now = self._clock()
        rows = [self._row(delivery, now) for delivery in parked[:PER_PAGE]]
        return page(
            request,
            "outbox.html",
            ways=self._ways,
            channels=[
                Deliveries(
                    name,
                    counts.get((name, "waiting"), 0),
                    counts.get((name, "parked"), 0),
                    self._ways.held.get(name, ""),
                )
                for name in sorted({"email", "webhook"} | {channel for channel, _ in counts})
            ],
            parked=sum(count for (_, state), count in counts.items() if state == "parked"),
            rows=rows,
            off=[
                Off(off.address, off.reason, when(off.at, now, zone_of("UTC")))
                for off in await self._outbox.switched_off()
            ],
            first_page=before is None,
            older=rows[-1].id if len(parked) > PER_PAGE else None,
        )

    async def retry(self, request: Request) -> Response:
        """POST /dashboard/outbox/retry: the parked one with the form's `id`, or all of them."""
        form = request.scope["leadtrail.form"]
        chosen = _delivery_id(form)
        if chosen is not None or "id" not in form:
            await self._outbox.retry(chosen, self._clock())
        return _back()

    async def discard(self, request: Request) -> Response:
        """POST /dashboard/outbox/discard"""
        chosen = _delivery_id(request.scope["leadtrail.form"])
        if chosen is not None:
            await self._outbox.discard(chosen)
        return _back()

    async def switch_on(self, request: Request) -> Response:
        """POST /dashboard/outbox/switch-on: the address may be sent to again."""
        await self._outbox.switch_on(request.scope["leadtrail.form"].get("address", "").replace("\0", ""))
        return _back()

    def _row(self, delivery: Delivery, now: int) -> Row:
        site = self._live.current.sites.get(delivery.site)
        return Row(
            delivery.id,
            delivery.rule,
            delivery.channel,
            delivery.address or str(delivery.content.get("to", "")),
            public_id(delivery.person_id),
            delivery.error,
            delivery.tries,
            when(delivery.made, now, zone_of(site.timezone if site else "UTC")),
        )


def _delivery_id(given: Mapping[str, str]) -> str | None:
    """The delivery that a form or a query names by `id` or `before`."""
    text = given.get("id") or given.get("before") or ""
    return text if is_delivery_id(text) else None


def _back() -> Response:
    return RedirectResponse(PATH, 303)
