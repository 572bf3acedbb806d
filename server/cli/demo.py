"""`leadtrail demo`: the server with the example configuration, the demo shop and some made-up people."""

from dataclasses import replace

import click

from server import assets
from server.app import Leadtrail
from server.cli import environment
from server.cli.serve import run
from server.clock import system_clock
from server.demo.people import made_up_batches


@click.command()
def demo() -> None:
    """Try it: the server with a demo shop at /demo/ and some made-up people."""
    settings = environment.settings()
    run(replace(settings, config=assets.path("examples", "leadtrail.yaml")), demo=True, prepare=_people_it)


async def _people_it(app: Leadtrail, base: str) -> None:
    now = system_clock()
    await app.trail.record(made_up_batches(now, base), now, ask_rules=False)
