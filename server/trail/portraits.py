"""People as the rules see them outside of an ingest transaction: all that is known of some people at once.

For explanations, segments, time rules and tests on history. It asks the store in batches, never by person.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence

from server.model import Moment, Offer, Person, Total
from server.rules.facts import Facts
from server.rules.registry import Look
from server.store.base import Rulings

PEOPLE_A_STEP = 200


async def crowd(rulings: Rulings, since_day: int = 0, after: int = -1) -> AsyncIterator[list[Person]]:
    """Everybody who was seen on this day (since 1970) or later, in steps."""
    while people := await rulings.crowd(after=after, limit=PEOPLE_A_STEP, since_day=since_day):
        yield people
        after = people[-1].person_id


async def portray(rulings: Rulings, people: Sequence[Person], now: int, looks: Iterable[Look]) -> list[Facts]:
    """The facts about each of these people at this time. `looks` are the stored events that are looked at."""
    ids = [person.person_id for person in people]
    totals: dict[int, dict[tuple[int, str], Total]] = defaultdict(dict)
    for (person_id, kind, key), total in (await rulings.totals_of(ids)).items():
        totals[person_id][kind, key] = total
    recent: dict[int, list[Moment]] = defaultdict(list)
    since = widest(looks, now)
    asked = [(person_id, name, start) for person_id in ids for name, start in since.items()]
    for moment in await rulings.recent(asked) if asked else ():
        recent[moment.person_id].append(moment)
    offers = by_rule(await rulings.offers_of(ids))
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
