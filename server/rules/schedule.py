"""`schedule`: between which days, on which weekdays and at which hours a message is given, in the time zone
of the person's site.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, ValidationInfo, model_validator

from server.clock import SECOND
from server.rules.grammar import Instant, parse_instant
from server.rules.part import Part
from server.rules.values import text_of, written, zones_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d) ?[-–] ?([01]?\d|2[0-4]):([0-5]\d)")
_LOOK_AHEAD = 8
"""Days in which the next opening must lie: every weekday comes in them."""


class Hours(NamedTuple):
    """From one minute of the day to another, not included; over midnight where the end comes first."""

    start: int
    end: int
    text: str

    def __str__(self) -> str:
        return self.text


def parse_hours(text: str) -> Hours:
    """`09:00-18:00`"""
    found = _HOURS.fullmatch(" ".join(text.split()))
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if start == end or max(start, end) > 24 * 60:
        raise ValueError(f"'{text[:60]}' are no hours; write '09:00-18:00', or '22:00-06:00' over midnight.")
    return Hours(start, end, text.strip())


def _day(text: str) -> int:
    name = text.strip().lower()
    if name[:3] not in DAYS or not ("monday tuesday wednesday thursday friday saturday sunday").count(name):
        raise ValueError(f"'{text[:40]}' is no weekday; there are {', '.join(DAYS)}.")
    return DAYS.index(name[:3])


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _since(value: Any, info: ValidationInfo) -> Instant:
    return parse_instant(text_of(value).strip().upper(), zones_of(info))


def _until(value: Any, info: ValidationInfo) -> Instant:
    return parse_instant(text_of(value).strip().upper(), zones_of(info), end=True)


class Schedule(Part):
    """When a message is on. Days are whole, `until` included."""

    from_: Annotated[Instant | None, PlainValidator(_since, json_schema_input_type=str)] = Field(
        default=None, alias="from"
    )
    until: Annotated[Instant | None, PlainValidator(_until, json_schema_input_type=str)] = None
    hours: Annotated[Hours | None, written(parse_hours)] = None
    days: Annotated[
        list[Annotated[int, written(_day)]] | None,
        BeforeValidator(_listed, json_schema_input_type=str | list[str]),
        Field(min_length=1),
    ] = None

    _zones: Mapping[str, tzinfo] = PrivateAttr({})

    @model_validator(mode="after")
    def _opens(self, info: ValidationInfo) -> "Schedule":
        self._zones = zones_of(info)
        if not (self.from_ or self.until or self.hours or self.days):
            raise ValueError("A schedule has `from`, `until`, `hours` or `days`.")
        if self.from_ and self.until and self.from_.elsewhere >= self.until.elsewhere:
            raise ValueError("This schedule ends before it begins.")
        return self

    def is_open(self, now: int, site: str) -> bool:
        """Whether it is on at this time for people of this site."""
        if self.from_ is not None and now < self.from_.at(now, site):
            return False
        if self.is_over(now, site):
            return False
        local = self._local(now, site)
        minute, weekday = local.hour * 60 + local.minute, local.weekday()
        if self.hours is not None:
            start, end, _ = self.hours
            over_midnight = end <= start
            if not (minute >= start or minute < end if over_midnight else start <= minute < end):
                return False
            if over_midnight and minute < end:
                # What is left of the night belongs to the day on which it began.
                weekday = (weekday - 1) % 7
        return self.days is None or weekday in self.days

    def is_over(self, now: int, site: str) -> bool:
        """Whether it will never be on again."""
        return self.until is not None and now >= self.until.at(now, site)

    def opens_at(self, now: int, site: str) -> int | None:
        """When it is on for the next time after now, or None if never again."""
        begin = max(now, self.from_.at(now, site) if self.from_ else now)
        start = self.hours.start if self.hours else 0
        midnight = self._local(begin, site).replace(hour=0, minute=0, second=0, microsecond=0)
        openings = [begin]
        for days in range(_LOOK_AHEAD + 1):
            day = midnight + timedelta(days=days)
            openings += (_unix_ms(day), _unix_ms(day + timedelta(minutes=start)))
        return min((at for at in openings if at > now and self.is_open(at, site)), default=None)

    def __str__(self) -> str:
        parts = [str(self.hours)] if self.hours else []
        if self.days:
            parts.append(", ".join(DAYS[day] for day in self.days))
        if self.from_ or self.until:
            parts.append("its dates")
        return " on ".join(parts)

    def _local(self, at: int, site: str) -> datetime:
        return datetime.fromtimestamp(at / SECOND, self._zones.get(site, UTC))


def _unix_ms(moment: datetime) -> int:
    return round(moment.timestamp() * SECOND)
