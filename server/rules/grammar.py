"""The small phrases of leadtrail.yaml: `more than 3`, `within 7 days`, `before 2026-12-01`.

Each is read once, when the file is loaded, into a type that answers by comparing numbers. A phrase that is
none is a ValueError that shows the nearest one that is.
"""

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from server.clock import DAY, HOUR, MINUTE, SECOND

Zones = Mapping[str, tzinfo]
"""The time zone of each site."""

TIMES = ("more than 3", "at least 3", "exactly 3", "fewer than 3", "at most 3", "between 2 and 5", "never")
PERIODS = ("within 7 days", "more than 5 days ago", "before 2026-12-01", "after 2026-12-01", "on 2026-12-01")
DURATIONS = ("7 days", "12 hours", "30 minutes", "10 seconds", "2 weeks")

_UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
_LONGEST = 36_525 * DAY
_NUMBERS = {"once": "1", "twice": "2"}
_SYMBOLS = {">=": "at least", "<=": "at most", ">": "more than", "<": "fewer than", "=": "exactly"}
_COMPARATORS = "more than|at least|exactly|fewer than|less than|at most"
_TIMES = re.compile(rf"(?:({_COMPARATORS}) )?(\d{{1,15}}|once|twice)(?: times?)?")
_BETWEEN = re.compile(r"between (\d{1,15}) and (\d{1,15})(?: times?)?")
_NUMBER = r"(-?\d{1,15}(?:\.\d{1,9})?)"
_NUMBER_COMPARED = re.compile(rf"({_COMPARATORS}) {_NUMBER}")
_BETWEEN_NUMBERS = re.compile(rf"between {_NUMBER} and {_NUMBER}")
_DURATION = re.compile(r"(\d{1,9}) (second|minute|hour|day|week)s?")
_TRIED_COMPARISON = re.compile(r"([a-z ]{4,16}?|[<>=]{1,2}) ?(-?\d{1,15}(?:\.\d{1,9})?)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?")


class Times(NamedTuple):
    """A number of times: from `low` to `high`, both included; no `high` is no upper end."""

    low: int
    high: int | None
    text: str

    def holds(self, count: int) -> bool:
        return self.low <= count and (self.high is None or count <= self.high)

    def __str__(self) -> str:
        """As explanations say it."""
        if self.text == "never":
            return self.text
        return f"{self.text} time" if self.text.endswith(" 1") else f"{self.text} times"


AT_LEAST_ONCE = Times(1, None, "at least 1")


def parse_times(text: str) -> Times:
    """`more than 3` and its like. A bare number is that many exactly; `once` and `twice` are numbers too."""
    words = _words(text)
    if words == "never":
        return Times(0, 0, "never")
    if found := _BETWEEN.fullmatch(words):
        low, high = int(found[1]), int(found[2])
        if low > high:
            raise ValueError(f"'{_shown(text)}' can never hold; write 'between {high} and {low}'.")
        return Times(low, high, f"between {low} and {high}")
    if not (found := _TIMES.fullmatch(words)):
        raise ValueError(no_phrase(text, "number of times", TIMES))
    comparator = (found[1] or "exactly").replace("less than", "fewer than")
    number = int(_NUMBERS.get(found[2], found[2]))
    if comparator == "fewer than" and number == 0:
        raise ValueError("'fewer than 0' can never hold; write 'never'.")
    ends: dict[str, tuple[int, int | None]] = {
        "more than": (number + 1, None),
        "at least": (number, None),
        "exactly": (number, number),
        "fewer than": (0, number - 1),
        "at most": (0, number),
    }
    return Times(*ends[comparator], f"{comparator} {number}")


class Comparison(NamedTuple):
    """What a value may be: a text, or a number within `low` and `high` (both included, unless `open`)."""

    text: str
    low: float | None = None
    high: float | None = None
    open: bool = False

    def holds(self, value: object) -> bool:
        """Texts are equal letter by letter, `true` and `false` are texts, numbers are compared as numbers."""
        if self.low is None and self.high is None:
            return _as_text(value) == self.text or _is_number(value, self.text)
        number = as_number(value)
        if number is None:
            return False
        if self.open:
            return (self.low is None or number > self.low) and (self.high is None or number < self.high)
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        return self.text


def parse_comparison(text: str) -> Comparison:
    """`more than 10`, `at least 10`, `fewer than 10`, `at most 10`, `exactly 10`, `between 2 and 5`, or any
    other text, which is then what the value must be."""
    words = _words(text)
    if found := _BETWEEN_NUMBERS.fullmatch(words):
        low, high = float(found[1]), float(found[2])
        if low > high:
            raise ValueError(f"'{_shown(text)}' can never hold; write 'between {found[2]} and {found[1]}'.")
        return Comparison(words, low, high)
    if not (found := _NUMBER_COMPARED.fullmatch(words)):
        _refuse_misspelt(text, words)
        return Comparison(text)
    number = float(found[2])
    match found[1]:
        case "more than":
            return Comparison(words, low=number, open=True)
        case "fewer than" | "less than":
            return Comparison(words, high=number, open=True)
        case "at least":
            return Comparison(words, low=number)
        case "at most":
            return Comparison(words, high=number)
    return Comparison(words, number, number)


def _refuse_misspelt(text: str, words: str) -> None:
    """`more then 10` is meant as a comparison, not as a text that a value could be."""
    if not (tried := _TRIED_COMPARISON.fullmatch(words)):
        return
    comparators = _COMPARATORS.split("|")
    near = difflib.get_close_matches(tried[1], comparators, n=1, cutoff=0.8)
    if comparator := _SYMBOLS.get(tried[1], near[0] if near else None):
        raise ValueError(f"'{_shown(text)}' is no comparison; did you mean '{comparator} {tried[2]}'?")


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_number(value: object, text: str) -> bool:
    """Whether a number is the one that was written: `10` is 10.0 too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return as_number(text) == value


def as_number(value: object) -> float | None:
    """The number that a value is or spells, or None. Booleans, infinities and NaN are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


class Duration(NamedTuple):
    """A length of time as it was written."""

    span: int
    """Milliseconds."""
    text: str

    def __str__(self) -> str:
        return self.text


def read_duration(text: str) -> Duration:
    """`7 days` with its words."""
    return Duration(parse_duration(text), _words(text))


def parse_duration(text: str) -> int:
    """`7 days` in milliseconds. Units: seconds, minutes, hours, days, weeks."""
    if not (found := _DURATION.fullmatch(_words(text))):
        if re.search(r"month|year", text):
            raise ValueError(f"'{_shown(text)}': months and years differ in length; write days.")
        raise ValueError(no_phrase(text, "duration", DURATIONS))
    span = int(found[1]) * _UNITS[found[2]]
    if not 0 < span <= _LONGEST:
        raise ValueError(f"'{_shown(text)}' is out of range; a duration has 1 second to 100 years.")
    return span


class Ago(NamedTuple):
    """An edge of a period that moves with the present: so many milliseconds ago."""

    span: int

    def at(self, now: int, site: str) -> int:
        return now - self.span


class Instant(NamedTuple):
    """An edge of a period that stands in the calendar: Unix milliseconds, by the time zone of each site."""

    by_site: Mapping[str, int]
    elsewhere: int

    def at(self, now: int, site: str) -> int:
        return self.by_site.get(site, self.elsewhere)


class Period(NamedTuple):
    """A stretch of time, from `since` (included) to `until` (not included)."""

    since: Ago | Instant | None
    until: Ago | Instant | None
    text: str

    def holds(self, at: int, now: int, site: str) -> bool:
        """Whether the time `at` lies in it, judged at `now` for a person of this site."""
        if self.since is not None and at < self.since.at(now, site):
            return False
        return self.until is None or at < self.until.at(now, site)

    @property
    def ripens(self) -> bool:
        """Whether what happened comes to lie in it by time alone: `more than 5 days ago`."""
        return isinstance(self.until, Ago)

    @property
    def expires(self) -> bool:
        """Whether what happened leaves it by time alone: `within 7 days`."""
        return isinstance(self.since, Ago)

    def edges(self, at: int) -> Iterator[int]:
        """When what happened `at` comes to lie in it, or no longer does, by time alone."""
        for edge in (self.since, self.until):
            if isinstance(edge, Ago):
                yield at + edge.span + 1

    def __str__(self) -> str:
        return self.text


def parse_period(text: str, zones: Zones) -> Period:
    """`within 7 days`, `more than 5 days ago`, and `before`, `after` or `on` a date.

    A date is a whole day of the site's time zone: `after` begins when the day is over. With a time of day it
    is that moment, of the site's time zone unless it has an offset of its own.
    """
    words = _words(text)
    if words.startswith("within "):
        return Period(Ago(parse_duration(words.removeprefix("within "))), None, words)
    if words.startswith("more than ") and words.endswith(" ago"):
        return Period(None, Ago(parse_duration(words.removeprefix("more than ").removesuffix(" ago"))), words)
    if words.startswith("less than ") and words.endswith(" ago"):
        return Period(Ago(parse_duration(words.removeprefix("less than ").removesuffix(" ago"))), None, words)
    word, _, rest = words.partition(" ")
    if word not in ("before", "after", "on") or not rest:
        raise ValueError(no_phrase(text, "period", PERIODS))
    date = rest.upper()
    if word == "before":
        return Period(None, parse_instant(date, zones), f"before {date}")
    if word == "after":
        return Period(parse_instant(date, zones, end=True), None, f"after {date}")
    if len(date) > len("2026-12-01"):
        raise ValueError(f"'{_shown(text)}': `on` takes a day, such as 'on {date[:10]}'.")
    return Period(parse_instant(date, zones), parse_instant(date, zones, end=True), f"on {date}")


def parse_instant(date: str, zones: Zones, *, end: bool = False) -> Instant:
    """`2026-12-01` or `2026-12-01 09:00`: its beginning; with `end`, when it is over."""
    if not _DATE.fullmatch(date):
        raise ValueError(f"'{_shown(date)}' is no date; write it as 2026-12-01 or 2026-12-01 09:00.")
    try:
        moment = datetime.fromisoformat(date)
        if not 1970 <= moment.year < 3000:
            raise ValueError("out of range")
    except ValueError:
        raise ValueError(f"There is no day or time '{date}'; dates are written as 2026-12-01.") from None
    if end:
        moment += timedelta(days=1) if len(date) == len("2026-12-01") else timedelta(milliseconds=1)
    by_site = {site: _unix_ms(moment, zone) for site, zone in zones.items()}
    return Instant(by_site, _unix_ms(moment, UTC))


def _unix_ms(moment: datetime, zone: tzinfo) -> int:
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return round(local.timestamp() * SECOND)


def _words(text: str) -> str:
    return " ".join(text.lower().split())


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def no_phrase(text: str, what: str, forms: Sequence[str]) -> str:
    """Why this text is no such phrase, with the nearest one that is, numbers kept."""
    words = _words(text)
    for symbol, comparator in _SYMBOLS.items():
        if words.startswith(symbol):
            words = f"{comparator} {words.removeprefix(symbol).strip()}"
            break
    words = re.sub(r"^(\d+) ?\+", r"at least \1", words)
    numbers = re.findall(r"\d{4}-\d\d-\d\d|\d+", words)
    if forms is DURATIONS:
        words = re.sub(r"^(?:within|in|for|after|the last|last) ", "", words)
        words += " days" if words.isdecimal() else ""
    shape = _shape(words)
    shapes = {_shape(form): form for form in forms}
    near = difflib.get_close_matches(shape, shapes, n=1, cutoff=0.65)
    if near and len(re.findall("#", near[0])) == len(numbers):
        nearest = near[0]
        for number in numbers:
            nearest = nearest.replace("#", number, 1)
        if nearest == " ".join(text.lower().split()):
            return f"'{_shown(text)}' is too large a number."
        return f"'{_shown(text)}' is no {what}; did you mean '{nearest}'?"
    listed = ", ".join(f"'{form}'" for form in forms[:-1])
    return f"'{_shown(text)}' is no {what}; write {listed} or '{forms[-1]}'."


def _shape(words: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d|\d+", "#", words)
