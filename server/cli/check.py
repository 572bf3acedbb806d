"""`leadtrail check`: every mistake in leadtrail.yaml, a line each. Needs no server, database or network."""

import os
import sys
from pathlib import Path

import click

from server.errors import ConfigError
from server.rules.load import load_file


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Check FILE (or what LEADTRAIL_CONFIG names, or ./leadtrail.yaml).

    Ends with status 1 if there are mistakes. Each is printed as file:line:column and what to write instead.
    """
    path = file or Path(os.environ.get("LEADTRAIL_CONFIG") or "leadtrail.yaml")
    try:
        config = load_file(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        click.echo(f"{path} has {_count(len(error.mistakes), 'mistake')}.", err=True)
        sys.exit(1)
    parts = [_count(len(config.sites), "site"), _count(len(config.rules), "rule")]
    if config.segments:
        parts.append(_count(len(config.segments), "segment"))
    click.echo(f"{path} is good: {', '.join(parts)}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
