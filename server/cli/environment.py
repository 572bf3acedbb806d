"""What the subcommands share: reading the settings, and ending with a readable message instead of a
traceback.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from server import log
from server.errors import ConfigError, LeadtrailError, SettingsError
from server.keys import with_own_secrets
from server.settings import Settings, read


def checked_settings() -> Settings:
    """The settings; mistakes in them end the program with status 2. Nothing is made for them."""
    log.configure(terminal=sys.stderr.isatty())
    try:
        return read(os.environ)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(mistake, err=True)
        sys.exit(2)


def settings() -> Settings:
    """The checked settings, with the server's own secrets; mistakes in them end the program with status 2."""
    checked = checked_settings()
    try:
        return with_own_secrets(checked)
    except OSError as error:
        click.echo(f"LEADTRAIL_DATA_DIR: {checked.data_dir} cannot be used ({error.strerror}).", err=True)
        sys.exit(2)


@contextmanager
def readable_errors() -> Iterator[None]:
    """End with the error's own words and status 1."""
    try:
        yield
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.echo(f"{error.filename} has {len(error.mistakes)} mistakes; nothing was started.", err=True)
        sys.exit(1)
    except LeadtrailError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
