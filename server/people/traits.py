"""What is said of a person, and by whom: a claim overwrites no proof; of two of a weight the later one wins.

Pure. `email` and `name` are traits like the others, kept in fields of their own.
"""

from collections.abc import Collection
from typing import Any

from msgspec import structs

from server.identity import Origin, Said
from server.model import Metadata, Person, encode_json

OWN_FIELDS = ("email", "name")

MAX_TRAITS = 100
"""Traits of one person; further ones are not kept."""

MAX_VISITORS = 8
"""Browsers that are remembered as having said a trait; those that said it last."""

_NOBODY = Said(Origin.claim, 0)
_PROVED_LONG_AGO = Said(Origin.proof, 0)


def learn(person: Person, traits: Metadata, at: int, visitor: str, origins: dict[str, Origin]) -> Person:
    """The person with what these traits add; `origins` says who says each, and the rest is a claim."""
    known = values_of(person)
    said = dict(person.origins)
    for name, value in traits.items():
        before = _said(person, name)
        now = Said(origins.get(name, Origin.claim), at, (visitor,) if visitor else ())
        if name not in known and len(known) >= MAX_TRAITS:
            continue
        if name in known and same(known[name], value):
            said[name] = _again(before, now)
        elif name not in known or (now.origin, now.at) >= (before.origin, before.at):
            known[name], said[name] = value, now
    return with_values(person, known, said)


def forget(person: Person, names: Collection[str]) -> Person:
    """The person without these traits."""
    kept = {name: value for name, value in values_of(person).items() if name not in names}
    return with_values(person, kept, person.origins)


def values_of(person: Person) -> Metadata:
    """All traits of a person, e-mail and name among them."""
    own = {name: value for name in OWN_FIELDS if (value := getattr(person, name)) is not None}
    return {**person.traits, **own}


def with_values(person: Person, values: Metadata, said: dict[str, Said]) -> Person:
    """The person with exactly these traits."""
    rest = {name: value for name, value in values.items() if name not in OWN_FIELDS}
    return structs.replace(
        person,
        email=values.get("email"),
        name=values.get("name"),
        traits=rest,
        origins={name: said[name] for name in values if name in said},
    )


def joined(one: Person, other: Person) -> tuple[Metadata, dict[str, Said]]:
    """The traits of both; where they differ the weightier word, then the later one. The order of the two is
    all the same.
    """
    values: Metadata = {}
    said: dict[str, Said] = {}
    ours, theirs = values_of(one), values_of(other)
    for name in {**ours, **theirs}:
        mine, yours = _said(one, name), _said(other, name)
        if name not in theirs:
            values[name], said[name] = ours[name], mine
        elif name not in ours:
            values[name], said[name] = theirs[name], yours
        elif same(ours[name], theirs[name]):
            values[name] = ours[name]
            said[name] = _both(mine, yours)
        else:
            first = _weight(mine, ours[name]) > _weight(yours, theirs[name])
            values[name], said[name] = (ours[name], mine) if first else (theirs[name], yours)
    return dict(sorted(values.items())), said


def said_at(person: Person, visitor: str) -> Metadata:
    """The traits that were given at this very browser: the only ones that its pages may be shown (CONTRACT
    section 3).
    """
    return {
        name: value for name, value in values_of(person).items() if visitor in _said(person, name).visitors
    }


def is_proved(person: Person, name: str) -> bool:
    """Whether the site's own server said this trait."""
    return _said(person, name).origin >= Origin.proof


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same and of the same type: 1 is not true."""
    return type(one) is type(other) and bool(one == other)


def _said(person: Person, name: str) -> Said:
    return person.origins.get(name) or (_PROVED_LONG_AGO if person.verified else _NOBODY)


def _again(before: Said, now: Said) -> Said:
    """Said once more: nothing changes unless somebody weightier or another browser says it."""
    if now.origin <= before.origin and set(now.visitors) <= set(before.visitors):
        return before
    others = [visitor for visitor in before.visitors if visitor not in now.visitors]
    kept = [*others, *now.visitors][-MAX_VISITORS:]
    return Said(max(before.origin, now.origin), max(before.at, now.at), tuple(kept))


def _both(mine: Said, yours: Said) -> Said:
    origin, at = max((mine.origin, mine.at), (yours.origin, yours.at))
    return Said(origin, at, tuple(sorted({*mine.visitors, *yours.visitors}))[-MAX_VISITORS:])


def _weight(said: Said, value: Any) -> tuple[int, int, bytes]:
    return said.origin, said.at, encode_json(value)
