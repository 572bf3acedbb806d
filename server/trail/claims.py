"""Which messages people win: a match claims its message once, offers it, and hears what became of it."""

from collections import defaultdict
from collections.abc import Mapping

from msgspec import structs

from server.clock import SECOND
from server.messages.render import page_message
from server.model import Event, Metadata, Offer
from server.rules.evaluate import matches
from server.rules.facts import Facts
from server.rules.schema import Rule
from server.store.base import Transaction

OFFER_AGAIN = 30 * SECOND
"""A message that was answered but not reported as shown within this time is offered again (CONTRACT section
6).
"""

NEVER = 0
"""When a message was offered that a pixel won: at once again on the next page view that can show it."""

REPORTS = {"message_shown": "shown", "message_clicked": "clicked", "message_dismissed": "dismissed"}


class Claims:
    """The offers of one transaction, read when they are asked for, as they now are."""

    def __init__(self, transaction: Transaction, now: int) -> None:
        self._transaction = transaction
        self._now = now
        self._offers: dict[int, dict[str, list[Offer]]] = {}
        self._changed: dict[tuple[int, str, int], Offer] = {}

    async def ask(self, rule: Rule, facts: Facts, *, shows_messages: bool) -> Metadata | None:
        """The rule's message if it matches now, is this person's to have, and can be shown in the answer."""
        event, person = facts.event, facts.person
        if rule.deliver.page is None or event is None or event.name != "page_view":
            return None
        if rule.asks_offers:
            facts = facts._replace(offers=await self._offers_of(person.person_id))
        if not matches(rule, facts):
            return None
        last = (await self._offers_of(person.person_id)).get(rule.id, [])
        offer = last[-1] if last else None
        if offer is not None and (offer.shown or self._now - offer.offered < OFFER_AGAIN):
            return None
        message = page_message(
            rule, person, event.path, {"email": person.email, "name": person.name, **person.traits}
        )
        self._keep(
            Offer(
                person_id=person.person_id,
                rule=rule.id,
                nth=offer.nth if offer else 1,
                event_id=event.id,
                claimed=offer.claimed if offer else self._now,
                offered=self._now if shows_messages else NEVER,
                message=message,
            )
        )
        return message if shows_messages else None

    async def report(self, owner: int, event: Event) -> None:
        """`message_shown`, `message_clicked` and `message_dismissed` mark the offer, the first time each."""
        field = REPORTS[event.name]
        for offer in (await self._offers_of(owner)).get(str(event.metadata.get("message", "")), [])[-1:]:
            marked = {field: event.at}
            if field != "shown" and offer.shown is None:
                # A click says that it was seen, even where the first report was lost.
                marked["shown"] = event.at
            if getattr(offer, field) is None:
                self._keep(structs.replace(offer, **marked))

    async def won_by(self, owner: int, event_ids: set[str]) -> list[Offer]:
        """What these events of the person won."""
        of_person = await self._offers_of(owner)
        return [offer for offers in of_person.values() for offer in offers if offer.event_id in event_ids]

    @property
    def changed(self) -> list[Offer]:
        """What is to be written."""
        return list(self._changed.values())

    async def _offers_of(self, owner: int) -> Mapping[str, list[Offer]]:
        if owner not in self._offers:
            by_rule: dict[str, list[Offer]] = defaultdict(list)
            for offer in sorted(await self._transaction.offers([owner]), key=lambda offer: offer.nth):
                by_rule[offer.rule].append(offer)
            self._offers[owner] = by_rule
        return self._offers[owner]

    def _keep(self, offer: Offer) -> None:
        of_rule = self._offers[offer.person_id].setdefault(offer.rule, [])
        of_rule[:] = [kept for kept in of_rule if kept.nth != offer.nth] + [offer]
        self._changed[offer.person_id, offer.rule, offer.nth] = offer
