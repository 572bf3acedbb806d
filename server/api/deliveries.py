"""Messages on their way out, for whoever looks after the server: what waits, and what is parked."""

from typing import Literal

from msgspec import Struct

from server.api.contacts import DEFAULT_PER_PAGE, page_size
from server.api.endpoint import Asked
from server.clock import SECOND, Clock
from server.errors import BadRequest, NotFound
from server.ids import public_id
from server.model import Delivery, Metadata
from server.store.base import Outbox
from server.store.lookup import is_delivery_id

UNKNOWN = "There is no parked delivery with this id."


class WhichDeliveries(Struct):
    state: Literal["waiting", "parked"] = "parked"
    per_page: int = DEFAULT_PER_PAGE
    before: str | None = None
    """The id of a delivery: those made before it."""


class DeliveryShape(Struct, tag_field="type", tag="delivery"):
    id: str
    state: str
    channel: str
    rule: str
    nth: int
    site: str
    contact: str
    created_at: int
    next_try_at: int | None
    """None while it is parked."""
    tries: int
    error: str | None
    """Why the last try failed."""
    content: Metadata


class DeliveryPages(Struct):
    next: str | None


class DeliveryList(Struct, tag_field="type", tag="list"):
    """Newest first."""

    data: list[DeliveryShape]
    total_count: int
    pages: DeliveryPages


class Discarded(Struct, tag_field="type", tag="delivery"):
    id: str
    deleted: bool = True


class Deliveries:
    """The routes about deliveries."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def list(self, asked: Asked) -> DeliveryList:
        """GET /deliveries. What was delivered is no longer kept."""
        query: WhichDeliveries = asked.query
        limit = page_size(query.per_page)
        if query.before is not None and not is_delivery_id(query.before):
            raise BadRequest("parameter_invalid", "before is a delivery's id.", "before")
        found = await self._outbox.in_state(query.state, limit=limit + 1, before=query.before)
        counts = await self._outbox.counts()
        following = None
        if len(found) > limit:
            following = str(asked.request.url.include_query_params(before=found[limit - 1].id))
        return DeliveryList(
            data=[_shape(delivery) for delivery in found[:limit]],
            total_count=sum(count for (_, state), count in counts.items() if state == query.state),
            pages=DeliveryPages(following),
        )

    async def retry(self, asked: Asked) -> DeliveryShape:
        """POST /deliveries/{id}/retry: a parked one is sent again, from the first try on."""
        delivery = await self._outbox.find(_id(asked))
        now = self._clock()
        if delivery is None or not await self._outbox.retry(delivery.id, now):
            raise NotFound("not_found", UNKNOWN)
        shape = _shape(delivery)
        shape.state, shape.next_try_at, shape.tries = "waiting", now // SECOND, 0
        return shape

    async def discard(self, asked: Asked) -> Discarded:
        """DELETE /deliveries/{id}: a parked one is never sent."""
        if not await self._outbox.discard(_id(asked)):
            raise NotFound("not_found", UNKNOWN)
        return Discarded(_id(asked))


def _id(asked: Asked) -> str:
    if not is_delivery_id(asked.path("id")):
        raise NotFound("not_found", UNKNOWN)
    return asked.path("id")


def _shape(delivery: Delivery) -> DeliveryShape:
    return DeliveryShape(
        id=delivery.id,
        state=delivery.state,
        channel=delivery.channel,
        rule=delivery.rule,
        nth=delivery.nth,
        site=delivery.site,
        contact=public_id(delivery.person_id),
        created_at=delivery.made // SECOND,
        next_try_at=delivery.due // SECOND if delivery.state == "waiting" else None,
        tries=delivery.tries,
        error=delivery.error or None,
        content=delivery.content,
    )
