"""What an id on the wire means: a person, through merges, or a delivery. No SQL: it asks the reads."""

import re
from collections.abc import Iterable

from server.ids import person_id_of, visitor_ident
from server.model import Person
from server.store.base import Reads

_VISITOR_ID = re.compile(r"[0-9a-f]{32}")

MAX_MERGES = 16
"""How many merges are followed; a chain grows by one each time a merged person is merged again."""


async def person_named(reads: Reads, text: str, sites: Iterable[str]) -> Person | None:
    """The person behind a contact's id, or a visitor's id of one of the sites; if merged, who that is now."""
    person_id = person_id_of(text)
    if person_id is None and _VISITOR_ID.fullmatch(text):
        person_id = await _visitor(reads, text, sites)
    return None if person_id is None else await merged(reads, person_id)


async def merged(reads: Reads, person_id: int) -> Person | None:
    """The person that this one has become by merging, or the very person."""
    person = await reads.person(person_id)
    for _ in range(MAX_MERGES):
        if person is None or person.merged_into is None:
            return person
        person = await reads.person(person.merged_into)
    return None


async def _visitor(reads: Reads, visitor: str, sites: Iterable[str]) -> int | None:
    for site in sites:
        if (person_id := await reads.person_of(visitor_ident(site, visitor))) is not None:
            return person_id
    return None


def is_delivery_id(text: str) -> bool:
    """Whether the text can be a delivery's id, and so may be asked for."""
    return re.fullmatch("msg_[0-9a-f]{32}", text) is not None
