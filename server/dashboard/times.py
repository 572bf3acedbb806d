"""Times and durations as people read them. Pure; `now` and the zone are given."""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.clock import DAY, HOUR, MINUTE, SECOND


class When(NamedTuple):
    """A moment: for machines, in full, as the time of day, and as seen from now."""

    iso: str
    full: str
    time: str
    ago: str


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def local(ms: int, zone: tzinfo) -> datetime:
    """Unix milliseconds as a time of the zone."""
    return datetime.fromtimestamp(ms / SECOND, UTC).astimezone(zone)


def when(ms: int, now: int, zone: tzinfo) -> When:
    """The moment as it is shown."""
    moment = local(ms, zone)
    return When(
        moment.isoformat(timespec="seconds"),
        f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M:%S %Z}",
        f"{moment:%H:%M}",
        _ago(ms, now, zone),
    )


def day_heading(ms: int, now: int, zone: tzinfo) -> str:
    """`Today`, `Yesterday`, or `Tuesday, 24 November` with the year where it is not this one."""
    day, today = local(ms, zone), local(now, zone)
    apart = (today.date() - day.date()).days
    if apart in (0, 1):
        return ("Today", "Yesterday")[apart]
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day:%A}, {day.day} {day:%B}{year}"


def span(seconds: int) -> str:
    """A duration: `42 s`, `3 min 05 s`, `1 h 02 min`."""
    minutes, rest = divmod(seconds, 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _ago(ms: int, now: int, zone: tzinfo) -> str:
    passed = now - ms
    if passed < MINUTE:
        return "just now"
    if passed >= 30 * DAY:
        moment = local(ms, zone)
        return f"{moment.day} {moment:%b %Y}"
    unit, name = (DAY, "day") if passed >= DAY else (HOUR, "hour") if passed >= HOUR else (MINUTE, "minute")
    count = passed // unit
    return f"{count} {name}{'' if count == 1 else 's'} ago"
