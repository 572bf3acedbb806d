"""`leadtrail token`: make a bearer token for the API."""

import click

from server import keys
from server.cli import environment


@click.command()
def token() -> None:
    """Make a bearer token for /api and print it. A running server knows it after its next start."""
    settings = environment.settings()
    click.echo(keys.add_token(settings.data_dir))
