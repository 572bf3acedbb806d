"""`leadtrail token`: make a bearer token for the API."""

import click

from server import keys
from server.cli import environment


@click.command()
@click.option("--read", "read_only", is_flag=True, help="The token may read and not write.")
def token(read_only: bool) -> None:
    """Make a bearer token for /api and print it. A running server knows it after its next start."""
    settings = environment.settings()
    click.echo(keys.add_token(settings.data_dir, read_only=read_only))
