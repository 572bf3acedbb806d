"""`leadtrail doctor`: what is wrong with an installation, and what to do about it. Only reads."""

import asyncio
import shutil
import stat
import sys
from collections.abc import Iterator
from typing import NamedTuple

import click

from server.cli import environment
from server.errors import ConfigError, StoreError
from server.keys import SECRET_FILES
from server.rules.load import load_file
from server.rules.schema import Config
from server.settings import Settings
from server.store.engines import is_postgres, look_into, place_of
from server.store.sqlite import LOW_SPACE_BYTES, path_of, warnings
from server.store.sqlite.backup import check_whole

GIGABYTE = 1 << 30


class Finding(NamedTuple):
    """One line: `ok`, `note` (worth knowing), or `bad` (to be mended)."""

    state: str
    text: str


@click.command()
def doctor() -> None:
    """Look for what is wrong: settings, leadtrail.yaml, secrets, disk and database.

    Ends with status 1 if something is bad. Only reads, also while a server runs.
    """
    settings = environment.checked_settings()
    findings = [Finding("ok", "the settings can be read")]
    findings += _configuration(settings)
    findings += _secrets(settings)
    findings += _disk(settings)
    findings += _database(settings)
    for finding in findings:
        click.echo(f"{finding.state:<5}{finding.text}")
    if any(finding.state == "bad" for finding in findings):
        sys.exit(1)


def _configuration(settings: Settings) -> Iterator[Finding]:
    if not settings.config.exists():
        yield Finding("note", f"{settings.config} is not there; `leadtrail serve` begins one")
        return
    try:
        config = load_file(settings.config, settings.webhook_allow)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("bad", line)
        return
    yield Finding("ok", f"{settings.config}: {len(config.sites)} sites, {len(config.rules)} messages")
    yield from _identity(settings, config)


def _identity(settings: Settings, config: Config) -> Iterator[Finding]:
    for site, variable in config.identity_secret_env.items():
        try:
            settings.secret(variable)
        except ValueError as error:
            yield Finding("bad", f"{variable}, the identity secret of the site {site}: {error}")
    if settings.identity_secret is None and config.sites.keys() - config.identity_secret_env.keys():
        yield Finding("note", "LEADTRAIL_IDENTITY_SECRET is not set: browsers can prove nobody")


def _secrets(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield Finding("note", f"{folder} is not there; the first start makes it")
        return
    found = [folder / name for name in SECRET_FILES if (folder / name).exists()]
    for path in found:
        if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield Finding("bad", f"{path} can be read by others (mode {mode:o}): chmod 600 {path}")
    if not settings.secret_keys and not any(path.name == SECRET_FILES[0] for path in found):
        yield Finding("note", "there is no signing key yet; the first start makes one")
    if not settings.public_url.startswith("https://"):
        yield Finding("note", f"{settings.public_url} is not https: cookies travel unprotected")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    free = shutil.disk_usage(place).free
    if free < LOW_SPACE_BYTES:
        yield Finding("bad", f"{free >> 20} MB are free on the disk of {place}: the server is not ready")
    else:
        yield Finding(
            "ok" if free > GIGABYTE else "note", f"{free >> 20:,} MB are free on the disk of {place}"
        )


def _database(settings: Settings) -> Iterator[Finding]:
    place = place_of(settings.database)
    if not is_postgres(settings.database):
        path = path_of(settings.database)
        if not path.exists():
            yield Finding("note", f"{place} is not there yet; the first start begins it")
            return
        try:
            check_whole(path)
        except StoreError as error:
            yield Finding("bad", f"{error} Put it back: leadtrail restore FILE")
            return
        for warning in warnings():
            yield Finding("note", warning.removeprefix("warning: "))
    try:
        people = asyncio.run(_people(settings))
    except StoreError as error:
        yield Finding("bad", str(error))
    else:
        yield Finding("ok", f"{place}: whole, of this version, {people:,} people")


async def _people(settings: Settings) -> int:
    async with look_into(settings.database) as store:
        return (await store.reads.find_people(limit=1)).total
