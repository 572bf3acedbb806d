"""10,000 lines of a real server, and a count of our own over the raw lines.

The count shares nothing with the import but the verdict on bots, which is the `user_agents` package's.
"""

import gzip
import re
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import user_agents
from click.testing import CliRunner, Result

from server.cli.import_ import import_

LOG = Path(__file__).parents[2].parent / "shared" / "data" / "apache_access.log.gz"
SECRET = "a signing key for tests only"

Who = tuple[str, str]
"""(address, user agent)."""

# A plain reading of the format, good enough for this one file, in which every line but one is whole.
PLAIN = re.compile(r'^(\S+) - - \[(.+?)\] "(\S+) (\S+) [^"]*" (\d+) \S+ ".*" "(.*)"$')
NO_PAGE = re.compile(
    r"\.(css|js|png|jpe?g|gif|svg|ico|ttf|woff|swf|jar|exe|gz|deb|gem|pdf|doc|tex|txt|log|conf|xml|xsl)$",
    re.I,
)
# The `user_agents` package by itself overlooks these names where they stand at the end of a browser's.
CRAWLER = re.compile(r"Spinn3r|360Spider|slurp")
FEED = re.compile(r"[?&]flav=(rss|atom)")


class Count(NamedTuple):
    """What somebody with a pencil finds in the file."""

    lines: int
    views: dict[Who, list[tuple[int, str]]]
    """Of each person, (Unix seconds, page), by time."""

    @property
    def total(self) -> int:
        return sum(map(len, self.views.values()))

    def sessions(self) -> int:
        gaps = (
            later - earlier for views in self.views.values() for (earlier, _), (later, _) in pairwise(views)
        )
        return len(self.views) + sum(gap > 30 * 60 for gap in gaps)

    def pages(self) -> Counter[str]:
        return Counter(page for views in self.views.values() for _, page in views)


def read_count() -> Count:
    """The count of the file."""
    lines = gzip.decompress(LOG.read_bytes()).decode().splitlines()
    views: dict[Who, list[tuple[int, str]]] = defaultdict(list)
    for line in lines:
        found = PLAIN.match(line)
        if not found:
            continue
        address, time, method, target, status, agent = found.groups()
        path = target.split("#")[0].split("?")[0]
        if method != "GET" or status not in ("200", "304") or NO_PAGE.search(path) or FEED.search(target):
            continue
        agent = "" if agent == "-" else agent
        if user_agents.parse(agent).is_bot or CRAWLER.search(agent):
            continue
        seconds = int(datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").timestamp())
        views[address, agent].append((seconds, path.rstrip("/") or "/"))
    for of_person in views.values():
        of_person.sort()
    return Count(len(lines), dict(views))


def run(folder: Path) -> Result:
    environment = {
        "LEADTRAIL_CONFIG": str(folder / "leadtrail.yaml"),
        "LEADTRAIL_DATA_DIR": str(folder / "data"),
        "LEADTRAIL_SECRET_KEYS": SECRET,
    }
    return CliRunner(env=environment).invoke(import_, [str(LOG)], catch_exceptions=False)
