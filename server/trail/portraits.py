"""People as the rules see them outside of an ingest transaction: all that is known of some people at once.

For explanations, segments, time rules and tests on history. It asks the store in batches, never by person.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence

from server.model import Moment, Offer, Person, Total, TotalKey
from server.rules.facts import Facts
from server.rules.registry import Key, Look
from server.rules.rule import Audience, Rule
from server.store.base import Need, Rulings

PEOPLE_A_STEP = 500


async def crowd(rulings: Rulings, audience: Audience, since_day: int = 0) -> AsyncIterator[list[Person]]:
    """Everybody who was seen on this day (since 1970) or later and may ever have belonged to the audience, in
    steps. Totals only grow, so who has not the highest one that it needs never had.
    """
    after, need = -1, highest_need(audience)
    while people := await rulings.crowd(after=after, limit=PEOPLE_A_STEP, since_day=since_day, need=need):
        yield people
        after = people[-1].person_id


def highest_need(audience: Audience) -> Need | None:
    """Of the totals without which nobody belongs to the audience, the one that the fewest will have."""
    return max(audience.needs, key=lambda need: need[1], default=None)


async def portray(
    rulings: Rulings, people: Sequence[Person], now: int, audience: Audience, also: Iterable[Key] = ()
) -> list[Facts]:
    """What the audience looks at of each of these people at this time, and the totals of these keys also."""
    ids = [person.person_id for person in people]
    totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
    for (person_id, kind, key), total in (await _totals(rulings, ids, audience, also)).items():
        totals[person_id][kind, key] = total
    recent: dict[int, list[Moment]] = defaultdict(list)
    since = widest(audience.looks_back, now)
    asked = [(person_id, name, start) for person_id in ids for name, start in since.items()]
    for moment in await rulings.recent(asked) if asked else ():
        recent[moment.person_id].append(moment)
    wants_offers = isinstance(audience, Rule) or audience.asks_offers
    offers = by_rule(await rulings.offers_of(ids) if wants_offers else ())
    return [
        Facts(
            person=person,
            totals=totals[person.person_id],
            event=None,
            now=now,
            offers=offers[person.person_id],
            recent=recent[person.person_id],
        )
        for person in people
    ]


async def portray_whole(rulings: Rulings, person: Person, now: int, rules: Iterable[Rule]) -> Facts:
    """All that any of these rules may look at of one person."""
    ids, rules = [person.person_id], tuple(rules)
    since = widest((look for rule in rules for look in rule.looks_back), now)
    asked = [(person.person_id, name, start) for name, start in since.items()]
    return Facts(
        person=person,
        totals={(kind, key): total for (_, kind, key), total in (await rulings.totals_of(ids)).items()},
        event=None,
        now=now,
        offers=by_rule(await rulings.offers_of(ids))[person.person_id],
        recent=await rulings.recent(asked) if asked else (),
    )


async def _totals(
    rulings: Rulings, ids: Sequence[int], audience: Audience, also: Iterable[Key]
) -> dict[TotalKey, Total]:
    keys, every_page = audience.keys, audience.every_page
    if isinstance(audience, Rule):
        keys, every_page = audience.asks, audience.asks_pages
    if every_page:
        return await rulings.totals_of(ids)
    keys |= set(also)
    wanted = [(person_id, int(kind), key) for person_id in ids for kind, key in keys]
    return await rulings.totals(wanted) if wanted else {}


def widest(looks: Iterable[Look], now: int) -> dict[str, int]:
    """Since when the events of each name are looked at."""
    since: dict[str, int] = {}
    for name, span in looks:
        start = 0 if span is None else now - span
        since[name] = min(start, since.get(name, start))
    return since


def by_rule(offers: Iterable[Offer]) -> dict[int, dict[str, list[Offer]]]:
    """Offers by person and rule, the first one first."""
    found: dict[int, dict[str, list[Offer]]] = defaultdict(lambda: defaultdict(list))
    for offer in sorted(offers, key=lambda offer: offer.nth):
        found[offer.person_id][offer.rule].append(offer)
    return found
