"""How often, to how many and until when a message is given: `send`, `caps`, `control` and `goal`."""

import hashlib
import re
import sys
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from server.clock import DAY
from server.model import Offer
from server.rules.grammar import Duration, no_phrase, parse_duration
from server.rules.part import Part
from server.rules.values import DurationText, EventName, PageText, written

SENDS = ("once", "every time", "every 7 days", "at most 3 times", "until clicked")
CAPS = ("1 per day", "3 per week", "2 per 12 hours")
CONTROLS = ("10%", "50%")

_EVERY = re.compile(r"every (\d+ \w+|second|minute|hour|day|week)")
_AT_MOST = re.compile(r"at most (?:(\d{1,4}) times?|(once|twice))")
_CAP = re.compile(r"(\d{1,4}|once|twice) (?:per|a|an|every|in) (\d+ \w+|second|minute|hour|day|week)")
_CONTROL = re.compile(r"(\d{1,2}(?:\.\d{1,2})?) ?%")
_TIMES = {"once": 1, "twice": 2}


class Send(NamedTuple):
    """How often one person may get a message."""

    text: str = "once"
    most: int | None = 1
    """As many times at most; None is no end."""
    pause: int = 0
    """Milliseconds between one time and the next."""
    until_clicked: bool = False

    def allows(self, won: Sequence[Offer], now: int) -> bool:
        """Whether one who won the message so often may get it again."""
        if self.most is not None and len(won) >= self.most:
            return False
        if self.until_clicked and any(offer.clicked is not None for offer in won):
            return False
        return not won or now - max(offer.claimed for offer in won) >= self.pause

    def may_come_again(self, won: Sequence[Offer]) -> bool:
        """Whether time alone lets one who won it so often get it again."""
        return self.allows(won, sys.maxsize)

    def __str__(self) -> str:
        return self.text


ONCE = Send()


def parse_send(text: str) -> Send:
    """`once`, `every time`, `every 7 days`, `at most 3 times`, `until clicked`."""
    words = " ".join(text.lower().split())
    if words == "once":
        return ONCE
    if words == "every time":
        return Send(words, None)
    if words == "until clicked":
        return Send(words, None, until_clicked=True)
    if found := _EVERY.fullmatch(words):
        return Send(words, None, _span(found[1]))
    if found := _AT_MOST.fullmatch(words):
        most = _TIMES.get(found[2]) or int(found[1])
        if most == 0:
            raise ValueError(f"'{words}' gives it to nobody; leave the message out instead.")
        return Send(words, most)
    raise ValueError(no_phrase(text, "way to send", SENDS))


class Cap(NamedTuple):
    """At most so many messages to one person in any stretch of time of this length."""

    most: int
    span: int
    """Milliseconds."""
    text: str

    def is_reached(self, times: Sequence[int], now: int) -> bool:
        """Whether it is, `times` being when the person was given messages."""
        return sum(now - at < self.span for at in times) >= self.most

    def free_at(self, times: Sequence[int]) -> int:
        """When it is reached no longer."""
        return sorted(times)[-self.most] + self.span

    def __str__(self) -> str:
        return self.text


def parse_cap(text: str) -> Cap:
    """`1 per day`, `3 per week`, `2 per 12 hours`."""
    words = " ".join(text.lower().split())
    found = _CAP.fullmatch(words)
    if not found:
        raise ValueError(no_phrase(text, "cap", CAPS))
    most = _TIMES.get(found[1]) or int(found[1])
    if most < 1:
        raise ValueError("A cap of 0 would hold everything back; leave the messages out instead.")
    return Cap(most, _span(found[2]), words)


def _span(text: str) -> int:
    return parse_duration(text if text[0].isdecimal() else f"1 {text}")


class Control(NamedTuple):
    """The share of the people who match that is measured and never shown the message."""

    share: float
    """From 0 to 1."""
    text: str

    def holds(self, rule_id: str, person_id: int) -> bool:
        """Whether this person is in it: always the same answer, and as good as by chance."""
        digest = hashlib.sha256(f"{rule_id}/{person_id}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.share * 2**64

    def __str__(self) -> str:
        return self.text


def parse_control(text: str) -> Control:
    """`10%`"""
    words = text.strip()
    if not (found := _CONTROL.fullmatch(words)):
        near = (
            f"did you mean '{words}%'?" if words.isdecimal() and len(words) < 3 else "write '10%' to '99%'."
        )
        raise ValueError(f"'{text[:60]}' is no share; {near}")
    if (share := float(found[1]) / 100) == 0:
        raise ValueError("A control of 0% is none; leave it out.")
    return Control(share, f"{found[1]}%")


class Goal(Part):
    """What the message is for: something done within a time after it was given; it stops the message."""

    did: EventName | None = None
    viewed: PageText | None = None
    within: DurationText = Duration(14 * DAY, "14 days")

    @model_validator(mode="after")
    def _is_one(self) -> "Goal":
        if (self.did is None) == (self.viewed is None):
            raise ValueError("A goal is one thing: {did: signed_up, within: 14 days}, or {viewed: /thanks}.")
        return self

    @property
    def text(self) -> str:
        return f"did {self.did}" if self.did is not None else f"viewed {self.viewed}"


CapText = Annotated[Cap, written(parse_cap), Field(examples=[*CAPS])]


class Caps(Part):
    """Of all messages together, by the way that they take."""

    page: CapText | None = None
    webhook: CapText | None = None
    email: CapText | None = None


SendText = Annotated[Send, written(parse_send), Field(examples=[*SENDS])]
ControlText = Annotated[Control, written(parse_control), Field(examples=[*CONTROLS])]
