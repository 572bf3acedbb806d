"""Who a person is, where they came from and when they were here: conditions on the person's state."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from server.clock import SECOND
from server.people.state import SESSION_GAP
from server.rules.facts import Facts, Finding
from server.rules.grammar import Times
from server.rules.part import Part
from server.rules.registry import Form, condition
from server.rules.values import (
    ComparisonText,
    CountryText,
    HostText,
    LanguageText,
    PeriodText,
    Text,
    TimesText,
)


class _Valued(Form):
    """A condition whose name says what is looked at, and whose value what is wanted."""

    is_named: ClassVar[bool] = False


class LastSeen(_Valued):
    last_seen: PeriodText

    def ripens(self) -> bool:
        return self.last_seen.ripens

    def expires(self) -> bool:
        return self.last_seen.expires

    def edges(self, facts: Facts) -> Iterator[int]:
        # The present visit counts once it is over.
        yield facts.person.last_seen + SESSION_GAP + 1
        yield from self.last_seen.edges(facts.person.last_seen)


@condition
def last_seen(asked: LastSeen, facts: Facts) -> Finding:
    """When the person was last here before this visit. On a first visit nothing of it holds."""
    person = facts.person
    here_now = facts.now - person.last_seen <= SESSION_GAP
    seen = person.seen_before if here_now else person.last_seen
    holds = seen is not None and asked.last_seen.holds(seen, facts.now, person.site)
    return asked.finding(holds, None if seen is None else _iso(seen))


class FirstSeen(_Valued):
    first_seen: PeriodText

    def ripens(self) -> bool:
        return self.first_seen.ripens

    def expires(self) -> bool:
        return self.first_seen.expires

    def edges(self, facts: Facts) -> Iterator[int]:
        yield from self.first_seen.edges(facts.person.first_seen)


@condition
def first_seen(asked: FirstSeen, facts: Facts) -> Finding:
    """When the person came for the first time."""
    seen = facts.person.first_seen
    return asked.finding(asked.first_seen.holds(seen, facts.now, facts.person.site), _iso(seen))


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()


class Sessions(_Valued):
    sessions: TimesText

    def counts(self) -> tuple[str, Times]:
        return "sessions", self.sessions

    @cached_property
    def wants(self) -> str:
        return self.sessions.text


@condition
def sessions(asked: Sessions, facts: Facts) -> Finding:
    """How many visits, this one included. A visit ends after 30 minutes without an event."""
    return asked.finding(asked.sessions.holds(facts.person.sessions), facts.person.sessions)


class Attribute(Form):
    attribute: Text
    is_: ComparisonText | None = Field(default=None, alias="is")


@condition
def attribute(asked: Attribute, facts: Facts) -> Finding:
    """What `identify` said: `name`, `email`, `user_id` or any other. Without `is`: that it said anything."""
    person = facts.person
    known: dict[str, Any] = {
        **person.traits,
        "name": person.name,
        "email": person.email,
        "user_id": person.user_id,
    }
    value = known.get(asked.attribute)
    return asked.finding(value is not None and (asked.is_ is None or asked.is_.holds(value)), value)


class Referrer(_Valued):
    referrer: HostText


@condition
def referrer(asked: Referrer, facts: Facts) -> Finding:
    """The host that sent the person here first. `*` is any text: `*.google.com` is all names under it."""
    host = (urlsplit(facts.person.referrer).hostname or "") if facts.person.referrer else ""
    return asked.finding(asked.referrer.matches(host), host)


class Campaign(Part):
    source: Text | None = None
    medium: Text | None = None
    campaign: Text | None = None
    term: Text | None = None
    content: Text | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> "Campaign":
        if not self.wanted:
            raise ValueError("`utm` needs a source, medium, campaign, term or content.")
        return self

    @property
    def wanted(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.wanted.items())


class Utm(_Valued):
    utm: Campaign


@condition
def utm(asked: Utm, facts: Facts) -> Finding:
    """The first campaign that brought the person here. Upper and lower case are the same."""
    first = facts.person.utm
    wanted = asked.utm.wanted.items()
    return asked.finding(
        all(first.get(name, "").casefold() == value.casefold() for name, value in wanted), first
    )


class Language(_Valued):
    language: LanguageText


@condition
def language(asked: Language, facts: Facts) -> Finding:
    """The browser's first language: `pt` is every Portuguese, `pt-br` that of Brazil."""
    spoken = facts.person.language
    return asked.finding(f"{spoken}-".startswith(f"{asked.language}-"), spoken)


class Country(_Valued):
    country: CountryText


@condition
def country(asked: Country, facts: Facts) -> Finding:
    """Where the person was last, as two letters: `PT`. Known where a proxy tells it (`country_header`)."""
    return asked.finding(facts.person.country.upper() == asked.country, facts.person.country)


class Tag(Form):
    tag: Text


@condition
def tag(asked: Tag, facts: Facts) -> Finding:
    """A tag that the person was given through the API. Upper and lower case are the same."""
    wanted = asked.tag.casefold()
    holds = any(name.casefold() == wanted for name in facts.person.tags.values())
    return asked.finding(holds, "tagged" if holds else "not tagged")


class Device(_Valued):
    device: Literal["desktop", "mobile", "tablet"]


@condition
def device(asked: Device, facts: Facts) -> Finding:
    """The latest device: `desktop`, `mobile` or `tablet`."""
    return asked.finding(facts.person.device == asked.device, facts.person.device)


class Browser(_Valued):
    browser: Text


@condition
def browser(asked: Browser, facts: Facts) -> Finding:
    """The latest browser, by the words of its name: `Chrome` is Chrome Mobile too."""
    return asked.finding(_has_words(facts.person.browser, asked.browser), facts.person.browser)


class System(_Valued):
    os: Text


@condition
def os(asked: System, facts: Facts) -> Finding:
    """The latest operating system, by the words of its name, such as Windows, Android or `Mac OS X`."""
    return asked.finding(_has_words(facts.person.os, asked.os), facts.person.os)


def _has_words(name: str, wanted: str) -> bool:
    return set(wanted.casefold().split()) <= set(name.casefold().split())


class Message(Form):
    message: Text
    was: Literal["seen", "clicked", "dismissed", "never seen"] = "seen"

    def asks_offers(self) -> bool:
        return True


@condition
def message(asked: Message, facts: Facts) -> Finding:
    """What became of a message: `was: seen` (meant without `was`), `clicked`, `dismissed` or `never seen`."""
    offers = facts.offers.get(asked.message, ())
    seen = any(offer.shown is not None for offer in offers)
    states = {
        "seen": seen,
        "clicked": any(offer.clicked is not None for offer in offers),
        "dismissed": any(offer.dismissed is not None for offer in offers),
    }
    value = ", ".join(state for state, holds in states.items() if holds) or "never seen"
    return asked.finding(not seen if asked.was == "never seen" else states[asked.was], value)
