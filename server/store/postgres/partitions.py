"""The partitions of the events on PostgreSQL: a week each, made ahead, so that old events are dropped whole.

Events are partitioned by their id. The snippet's ids are UUIDv7 in lower case, which begin with the time, so
an id alone says where its event lies, and once by (id, person) is exact. What begins otherwise lies before or
behind the weeks (`events_low`, `events_high`); what belongs to a week that has no partition (a browser's
clock is years off, or nobody made partitions for a while) lies in `events_other`, until its week is made.
"""

from typing import NamedTuple

from server.clock import DAY

WEEK = 7 * DAY
WEEKS_AHEAD = 8

FIRST, LAST = "0190", "0200"
"""The ids of June 2024 to September 2039 begin in between."""

TICK = 1 << 16
"""Milliseconds in one step of the eight digits that stand before the first dash of a UUIDv7."""


class Partition(NamedTuple):
    """One week. Ids from `first` up to, but not including, `end` belong to it."""

    name: str
    first: str
    end: str
    ends: int
    """When it ends, in Unix ms."""


def weeks(first: int, last: int) -> list[Partition]:
    """The weeks from that of `first` to that of `last` (Unix ms). They begin on Thursdays, as 1970 did."""
    found = []
    for number in range(first // WEEK, last // WEEK + 1):
        start, end = number * WEEK, (number + 1) * WEEK
        found.append(Partition(f"events_w{number}", _id_at(start), _id_at(end), end))
    return found


def week_of(name: str) -> int | None:
    """When the week of a partition of this name ends, in Unix ms; None if it is no week's."""
    number = name.removeprefix("events_w")
    return (int(number) + 1) * WEEK if number.isdigit() else None


BESIDE = ("events_low", "events_high", "events_other")
"""Where events lie that no week has."""


def standing() -> list[str]:
    """The statements that make what is there besides the weeks."""
    parts = {
        "low": f"FOR VALUES FROM (MINVALUE) TO ('{FIRST}')",
        "high": f"FOR VALUES FROM ('{LAST}') TO (MAXVALUE)",
        "other": "DEFAULT",
    }
    made = []
    for name, values in parts.items():
        made += [
            f"CREATE TABLE IF NOT EXISTS events_{name} PARTITION OF events {values}",
            # These are not dropped whole: what is old in them is looked for by time.
            f"CREATE INDEX IF NOT EXISTS events_{name}_received ON events_{name} (received)",
        ]
    return made


def making(week: Partition) -> list[str]:
    """The statements that give a week its partition, with the events that came before it had one."""
    return [
        "ALTER TABLE events DETACH PARTITION events_other",
        f"CREATE TABLE {week.name} PARTITION OF events FOR VALUES FROM ('{week.first}') TO ('{week.end}')",
        f"INSERT INTO events SELECT * FROM events_other WHERE id >= '{week.first}' AND id < '{week.end}'",
        f"DELETE FROM events_other WHERE id >= '{week.first}' AND id < '{week.end}'",
        "ALTER TABLE events ATTACH PARTITION events_other DEFAULT",
    ]


def _id_at(time: int) -> str:
    return f"{time // TICK:08x}"
