"""One line of an access log in the combined format of Apache and nginx, from bytes to a `Line`.

    address ident user [day/month/year:time zone] "method target protocol" status size "referrer" "user agent"

Apache's `vhost_combined` (a host and port in front) is read too, and fields after the user agent are left
alone. Otherwise it is strict: half a line is none.
"""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote_from_bytes

_QUOTED = rb'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    rb"(?:[^\s:]+:\d{1,5} )?([^\s\"\[\]]+) \S+ \S+ \[([^\]]{20,32})\] "
    + _QUOTED
    + rb" (\d{3}|-) (?:\d+|-) "
    + _QUOTED
    + b" "
    + _QUOTED
    + rb"(?: .*)?",
    re.DOTALL,
)
_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.+) HTTP/\d(?:\.\d)?", re.DOTALL)
_TIME = re.compile(rb"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
_MONTHS = {
    name.encode(): number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}

_ASCII = bytes(range(128)).decode()


class Line(NamedTuple):
    """What one line says. Fields that are `-` are empty."""

    address: str
    at: int
    """Unix milliseconds; the log knows whole seconds."""
    method: str
    """Empty where the server understood no request."""
    target: str
    status: int
    """0 where none was sent."""
    referrer: str
    user_agent: str


def parse_line(raw: bytes) -> Line | None:
    """The line, or None if it is not of the format. Takes any bytes; never raises."""
    found = _LINE.fullmatch(raw)
    if found is None:
        return None
    address, time, request, status, referrer, user_agent = found.groups()
    at = _time(time)
    if at is None or address == b"-":
        return None
    parts = _REQUEST.fullmatch(request)
    method, target = parts.groups() if parts else (b"", b"")
    return Line(
        address=address.decode("utf-8", "backslashreplace").lower(),
        at=at,
        method=method.decode(),
        target=_web(_field(target)).replace(" ", "%20"),
        status=0 if status == b"-" else int(status),
        referrer=_web(_field(referrer)),
        user_agent=_field(user_agent).decode("utf-8", "replace"),
    )


def _field(quoted: bytes) -> bytes:
    """What stood there before the server escaped it; empty for `-`."""
    if b"\\" not in quoted:
        return b"" if quoted == b"-" else quoted
    return _ESCAPE.sub(_unescaped, quoted)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes.fromhex(escape[1].decode())
    return _NAMED.get(escape[2], escape[2])


def _web(address: bytes) -> str:
    """A web address as text; one in an old encoding keeps its bytes percent-encoded."""
    try:
        return address.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(address, safe=_ASCII)


@lru_cache(maxsize=64)
def _time(text: bytes) -> int | None:
    """The Unix time in ms, or None where there is no such time. Months are English everywhere."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == b"-" else offset)
        local = datetime(
            int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=zone
        )
        at = int(local.timestamp()) * 1_000
    except (ValueError, KeyError, OverflowError):
        return None
    return at if at > 0 else None
