"""Made-up people for the demo, so that the dashboard is not empty.

Clearly marked; the same ones at every start.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from server.clock import DAY, HOUR, MINUTE, SECOND
from server.model import Agent, Batch, Event, Metadata
from server.people.page import page_path

SITE = "main"
MARK = "(made up)"

_DESKTOP = Agent("Firefox", "Linux", "desktop")
_PHONE = Agent("Mobile Safari", "iOS", "mobile")
_LAPTOP = Agent("Chrome", "Mac OS X", "desktop")

Step = tuple[int, str, str, Metadata]
"""(ms after the start of the visit, event name, page or empty, metadata)."""


def made_up_batches(now: int, origin: str) -> list[Batch]:
    """Some visitors and leads with trails of the last days, on the shop at `origin`.

    Recording them again adds nothing on the same day.
    """
    today = now - now % DAY
    return [
        _person(
            origin,
            "ada",
            _LAPTOP,
            "en-gb",
            {"email": "ada@made-up.example", "name": f"Ada Example {MARK}", "company": "Example Ltd"},
            "https://www.google.com/",
            (today - 3 * DAY + 9 * HOUR, _FIRST_LOOK),
            (today - 2 * DAY + 14 * HOUR, _COMPARES),
            (today - DAY + 10 * HOUR, _SIGNS_UP),
        ),
        _person(
            origin,
            "joao",
            _PHONE,
            "pt-pt",
            {"email": "joao@made-up.example", "name": f"João Exemplo {MARK}"},
            "https://news.ycombinator.com/",
            (today - 2 * DAY + 20 * HOUR, _FIRST_LOOK),
            (today - DAY + 21 * HOUR, _SIGNS_UP),
        ),
        _person(origin, "someone", _DESKTOP, "de", None, "", (today - DAY + 16 * HOUR, _COMPARES)),
        _person(
            origin,
            "another",
            _PHONE,
            "en",
            None,
            "https://duckduckgo.com/",
            (today - 5 * DAY + 8 * HOUR, _FIRST_LOOK),
        ),
    ]


_FIRST_LOOK: tuple[Step, ...] = (
    (0, "page_view", "/demo/", {}),
    (34 * SECOND, "page_view", "/demo/features", {}),
    (2 * MINUTE, "page_view", "/demo/pricing", {}),
)
_COMPARES: tuple[Step, ...] = (
    (0, "page_view", "/demo/pricing", {}),
    (51 * SECOND, "page_view", "/demo/features", {}),
    (3 * MINUTE, "page_view", "/demo/pricing", {}),
    (
        4 * MINUTE,
        "added_to_cart",
        "/demo/pricing",
        {"plan": "Grower", "price": {"amount": 2900, "currency": "eur"}, "seats": 3},
    ),
)
_SIGNS_UP: tuple[Step, ...] = (
    (0, "page_view", "/demo/pricing", {}),
    (40 * SECOND, "page_view", "/demo/signup", {}),
    (
        95 * SECOND,
        "form_error",
        "/demo/signup",
        {"form": "signup", "fields": [{"name": "email", "reason": "typeMismatch"}]},
    ),
    (2 * MINUTE, "identify", "/demo/signup", {}),
    (2 * MINUTE + 2 * SECOND, "page_view", "/demo/welcome", {}),
)

_TITLES = {
    "/demo/": "Tendril: the watering computer that reads the sky",
    "/demo/features": "Features · Tendril",
    "/demo/pricing": "Pricing · Tendril",
    "/demo/signup": "Sign up · Tendril",
    "/demo/welcome": "Welcome · Tendril",
}


def _person(
    origin: str,
    name: str,
    agent: Agent,
    language: str,
    traits: Metadata | None,
    referrer: str,
    *visits: tuple[int, tuple[Step, ...]],
) -> Batch:
    events = [
        event for start, steps in visits for event in _visit(origin, name, start, steps, traits, referrer)
    ]
    return Batch(
        site=SITE, visitor=_digest(name), events=events, agent=agent, language=language, shows_messages=False
    )


def _visit(
    origin: str, name: str, start: int, steps: tuple[Step, ...], traits: Metadata | None, referrer: str
) -> Iterator[Event]:
    for number, (after, event_name, page, metadata) in enumerate(steps):
        url = f"{origin}{page}"
        extra: dict[str, Any] = {"traits": traits or {}} if event_name == "identify" else {}
        yield Event(
            id=f"made-up-{_digest(f'{name}/{start}/{number}')}",
            name=event_name,
            at=start + after,
            received=start + after,
            url=url,
            path=page_path(url),
            title=_TITLES[page],
            referrer=referrer if number == 0 else "",
            metadata=metadata,
            **extra,
        )


def _digest(text: str) -> str:
    return hashlib.sha256(f"made up/{text}".encode()).hexdigest()[:32]
