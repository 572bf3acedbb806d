"""`leadtrail import`: the access log of a web server becomes people, sessions and page views; a table of
people or events becomes those (`import_rows`).
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from server.cli import environment
from server.cli.import_rows import RowImport
from server.clock import system_clock
from server.collect.clean import clean_url
from server.errors import EventRejected
from server.importing.file import LogFile
from server.importing.identity import Digests
from server.importing.line import parse_line
from server.importing.tally import Tally
from server.importing.views import LogReader
from server.model import Site
from server.rules.reload import Live
from server.settings import Settings
from server.store.base import Store
from server.store.engines import open_store
from server.trail import Trail

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

# One of these, whole, between separators: what the column is called that says whom a row is about.
_HEADER = re.compile(
    rb'(?:^|[,;\t"])(?:user[_ ]id|external[_ ]id|e-?mail|contact id|id)(?:$|[,;\t"])', re.IGNORECASE
)

LINES_A_STEP = 1_000

EXAMPLE = '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /pricing HTTP/1.1" 200 5120 "-" "Mozilla/5.0 …"'


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--site", "key", default="main", show_default=True, help="Key of the site that the log is of.")
@click.option(
    "--origin",
    help="What comes before the log's paths, as https://www.example.com. Default: the site's first.",
)
def import_(file: Path, key: str, origin: str | None) -> None:
    """Import FILE: an access log in the combined format of Apache or nginx, or people or events as CSV or
    NDJSON; plain or gzipped.

    What is stored already is not counted again: an import that was stopped is simply repeated. Import the
    oldest log first, and people before their events. No message is sent for what is imported.
    """
    settings = environment.settings()
    with environment.readable_errors():
        live = Live(settings.config)
        site = _site(live, key, settings)
        asyncio.run(_import(file, settings, live, site, _origin(site, origin)))


def _site(live: Live, key: str, settings: Settings) -> Site:
    sites = live.current.sites
    if key not in sites:
        known = ", ".join(sorted(sites))
        raise click.BadParameter(
            f"{settings.config} has no site {key!r}; it has {known}.", param_hint="--site"
        )
    return sites[key]


def _origin(site: Site, given: str | None) -> str:
    """The origin without a slash at its end: as given, else the first of the site, else this machine's."""
    origin = (given or next(iter(site.origins), "http://localhost")).rstrip("/")
    try:
        _, path = clean_url(f"{origin}/", frozenset(), False)
    except EventRejected:
        path = ""
    if path != "/" or "?" in origin or "#" in origin:
        raise click.BadParameter(
            f"{origin!r} is no origin; write it as https://www.example.com.", param_hint="--origin"
        )
    return origin


async def _import(path: Path, settings: Settings, live: Live, site: Site, origin: str) -> None:
    if _is_table(path):
        await _import_rows(path, settings, live, site)
        return
    tally = Tally()
    reader = LogReader(site, origin, Digests(settings.secret_keys[-1], site.key), tally, system_clock())
    store = await open_store(settings.database)
    try:
        before = await _people(store, site)
        with _opened(path) as file:
            await _record(file, reader, Trail(store, live), tally, path.name)
        people = await _people(store, site)
    finally:
        await store.close()
    if not tally.readable:
        _fail(_no_log(path, tally))
    click.echo("\n".join(tally.lines()))
    new = people - before
    click.echo(
        f"{new:,} {'person is' if new == 1 else 'people are'} new; the site {site.key} has {people:,}."
    )
    if file.damage:
        _fail(
            f"{path} is broken after line {tally.read:,} ({file.damage}). What came before is imported;"
            " import the whole file when you have it, nothing is counted twice."
        )


def _is_table(path: Path) -> bool:
    """Whether the file's first line is an object, or a header that names whom its rows are about."""
    with _opened(path) as file:
        first = next(iter(file.lines()), b"").removeprefix(b"\xef\xbb\xbf").strip()
    return first.startswith(b"{") or bool(_HEADER.search(first) and not parse_line(first))


async def _import_rows(path: Path, settings: Settings, live: Live, site: Site) -> None:
    now = system_clock()
    store = await open_store(settings.database)
    try:
        digests = Digests(settings.secret_keys[-1], site.key)
        importing = RowImport(store, Trail(store, live), site, digests, now)
        with _opened(path) as file, _progress(file, path.name) as bar:
            await importing.record(_watched(file, bar))
    finally:
        await store.close()
    click.echo("\n".join(importing.told()))
    if not importing.taken:
        _fail(f"{path} holds no people or events; nothing was imported.")
    if file.damage:
        _fail(f"{path} is broken ({file.damage}). What came before is imported; import the whole file again.")


def _progress(file: LogFile, name: str) -> "ProgressBar[int]":
    return click.progressbar(length=file.size, label=f"Importing {name}", file=sys.stderr)


async def _people(store: Store, site: Site) -> int:
    return (await store.reads.find_people(site=site.key, limit=1)).total


def _opened(path: Path) -> LogFile:
    try:
        return LogFile(path)
    except OSError as error:
        _fail(f"{path} cannot be read ({error.strerror}).")


async def _record(file: LogFile, reader: LogReader, trail: Trail, tally: Tally, name: str) -> None:
    """Record group after group; each is on the disk before the next is begun."""
    with _progress(file, name) as bar:
        for group in reader.groups(_watched(file, bar)):
            answers = await trail.record(group, system_clock(), ask_rules=False)
            tally.stored += sum(answer.stored for answer in answers)
            tally.repeated += sum(answer.repeated for answer in answers)


def _watched(file: LogFile, bar: "ProgressBar[int]") -> Iterator[bytes]:
    """The lines, the bar moving as they are read."""
    for number, line in enumerate(file.lines()):
        if number % LINES_A_STEP == 0:
            bar.update(file.position - bar.pos)
        yield line
    bar.update(file.size - bar.pos)


def _no_log(path: Path, tally: Tally) -> str:
    if not tally.read:
        return f"{path} is empty; nothing was imported."
    return (
        f"{path} is no access log in the combined format: none of its {tally.read:,} lines can be read;"
        f" nothing was imported. A line looks like this:\n  {EXAMPLE}"
    )


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)
