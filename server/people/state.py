"""Folding an event into a person, and what it counts for.

Pure: the person before and the event make the person after.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import structs

from server.clock import DAY, MINUTE
from server.identity import Origin, Proof
from server.model import Agent, Event, Kind, Metadata, Moment, Person, Role, Total
from server.people.page import utm_of
from server.people.traits import learn

SESSION_GAP = 30 * MINUTE
"""A session ends when nothing happens for this long (CONTRACT section 3)."""


def begin(person_id: int, site: str, visitor: str, at: int) -> Person:
    """A person of whom nothing is known yet, about to do the first thing."""
    return Person(
        person_id=person_id,
        site=site,
        visitor=visitor,
        first_seen=at,
        last_seen=at,
        session_start=at,
        seen_day=at // DAY,
    )


def fold(
    person: Person, event: Event, agent: Agent, language: str, visitor: str = "", country: str = ""
) -> Person:
    """The person after this event: seen, session, first referrer and UTM, latest device, role and traits.

    `visitor` is the visitor id of the browser, which is who says the traits.
    """
    changes: dict[str, Any] = {"events": person.events + 1}
    at = event.at
    if at > person.last_seen:
        changes["last_seen"] = at
        changes["seen_day"] = at // DAY
        if at - person.last_seen > SESSION_GAP:
            changes["sessions"] = person.sessions + 1
            changes["session_start"] = at
            changes["seen_before"] = person.last_seen
    if at < person.first_seen:
        changes["first_seen"] = at
    if event.name == "page_view":
        if not person.landing:
            changes["landing"] = event.url
            changes["referrer"] = event.referrer
        if not person.utm and (utm := utm_of(event.url)):
            changes["utm"] = utm
    if agent.browser and (agent.browser, agent.os, agent.device) != (
        person.browser,
        person.os,
        person.device,
    ):
        changes.update(browser=agent.browser, os=agent.os, device=agent.device)
    if language and language != person.language:
        changes["language"] = language
    if country and country != person.country:
        changes["country"] = country
    person = structs.replace(person, **changes)
    return person if event.traits is None else _identify(person, event.traits, event.proof, at, visitor)


def _identify(person: Person, traits: Metadata, proof: Proof | None, at: int, visitor: str) -> Person:
    """A claim makes this very person a lead with these traits; a proof makes them known for who they are."""
    if proof is None:
        # A user's own id is known; another one that somebody claims there says nothing.
        known = person.user_id is not None
        said = {name: value for name, value in traits.items() if not (known and name == "user_id")}
        person = learn(person, said, at, visitor, {})
        claims = bool(traits.get("email") or traits.get("user_id"))
        return _risen(person, Role.lead, at) if claims else person
    # Only whoever holds the proof can say what stands beside it, so it is more than a claim.
    origins = {name: Origin.proof if name in proof.covers else Origin.user for name in traits}
    rest = {name: value for name, value in traits.items() if name != "user_id"}
    person = learn(person, rest, at, visitor, origins)
    person = structs.replace(
        person,
        verified=True,
        user_id=proof.user_id or person.user_id,
        traits={name: value for name, value in person.traits.items() if name != "user_id"},
        origins={name: said for name, said in person.origins.items() if name != "user_id"},
    )
    return _risen(person, Role.user if proof.user_id else Role.lead, at)


def _risen(person: Person, role: Role, at: int) -> Person:
    if person.role >= role:
        return person
    when = {"became_lead": at} if role is Role.lead else {"became_user": at}
    return structs.replace(person, role=role, **when)


def moment_of(before: Person, after: Person, event: Event, site: str) -> Moment:
    """The event as it stands in the trail, done in the role that the person had before it."""
    return Moment(
        person_id=before.person_id,
        id=event.id,
        site=site,
        at=event.at,
        received=event.received,
        name=event.name,
        path=event.path,
        url=event.url,
        title=event.title,
        referrer=event.referrer,
        metadata=event.metadata,
        role=before.role,
        session=after.sessions,
    )


def counts_for(event: Event) -> tuple[tuple[Kind, str], ...]:
    """The totals that an event adds to."""
    if event.name == "page_view":
        return _page_view(event.path)
    if event.name == "form_error":
        return (Kind.event, event.name), *_form_error(event.metadata)
    if event.name == "form_submit":
        return (Kind.event, event.name), (Kind.submit, str(event.metadata.get("form", "")))
    return ((Kind.event, event.name),)


@lru_cache(maxsize=16_384)
def _page_view(path: str) -> tuple[tuple[Kind, str], ...]:
    # One object for all people who see the page, since these are kept in memory by the hundred thousand.
    return (Kind.event, "page_view"), (Kind.page, path)


def _form_error(metadata: Metadata) -> Iterator[tuple[Kind, str]]:
    form = str(metadata.get("form", ""))
    yield Kind.form, form
    for name in sorted({str(field["name"]) for field in metadata.get("fields", ()) if "name" in field}):
        yield Kind.form, f"{form}\n{name}"
        yield Kind.form, f"\n{name}"


def add(total: Total | None, at: int) -> Total:
    """The total with one more at this time, which may be earlier than the last."""
    if total is None:
        return Total(1, at, at)
    return Total(total.count + 1, min(total.first, at), max(total.last, at))
