"""The kinds of value that stand in leadtrail.yaml, each read from its text once.

Every scalar of the file arrives as the text that was written, so that `NO`, `1.10` and `12:30` stay what they
look like.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo

from server.rules.grammar import (
    DURATIONS,
    PERIODS,
    TIMES,
    Comparison,
    Duration,
    Period,
    Times,
    Zones,
    parse_comparison,
    parse_period,
    parse_times,
    read_duration,
)
from server.rules.pages import HostPattern, PagePattern, parse_host, parse_page

MAX_TEXT = 2_000


def text_of(value: Any) -> str:
    """The value's text. Raises ValueError for a list, a mapping or nothing."""
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("is empty; write a text.")
        if len(value) > MAX_TEXT:
            raise ValueError(f"has {len(value)} characters; at most {MAX_TEXT} are taken.")
        return value
    raise ValueError(f"must be a text, not a {'list' if isinstance(value, list) else 'mapping'}.")


def written(parse: Callable[[str], Any]) -> PlainValidator:
    """A value that is written as text and read by `parse`."""
    return PlainValidator(lambda value: parse(text_of(value)), json_schema_input_type=str)


def _parse_period(value: Any, info: ValidationInfo) -> Period:
    return parse_period(text_of(value), zones_of(info))


def _parse_event(text: str) -> str:
    if len(text) > 120 or not text.isprintable():
        raise ValueError("is no event's name; those have 1 to 120 characters and no control characters.")
    return text


def zones_of(info: ValidationInfo) -> Zones:
    """The time zones of the file's sites, which dates are read in."""
    zones: Zones = (info.context or {}).get("zones", {})
    return zones


def _parse_country(text: str) -> str:
    code = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError(f"'{text[:40]}' is no country; write its two letters, such as PT.")
    return code


def _parse_language(text: str) -> str:
    tag = text.strip().lower().replace("_", "-")
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}", tag):
        raise ValueError(f"'{text[:40]}' is no language; write its code, such as pt or pt-br.")
    return tag


Text = Annotated[str, written(str)]
EventName = Annotated[str, written(_parse_event)]
PageText = Annotated[
    PagePattern, written(parse_page), Field(examples=["/pricing", "/docs/*", "re:^/docs/v[0-9]+/"])
]
TimesText = Annotated[Times, written(parse_times), Field(examples=[*TIMES])]
PeriodText = Annotated[
    Period, PlainValidator(_parse_period, json_schema_input_type=str), Field(examples=[*PERIODS])
]
DurationText = Annotated[Duration, written(read_duration), Field(examples=[*DURATIONS])]
ComparisonText = Annotated[Comparison, written(parse_comparison)]
HostText = Annotated[HostPattern, written(parse_host)]
LanguageText = Annotated[str, written(_parse_language)]
CountryText = Annotated[str, written(_parse_country)]
