"""The command line: one file a subcommand, gathered here."""

import click

from server import __version__
from server.cli.backtest import backtest
from server.cli.backup import backup
from server.cli.check import check
from server.cli.copy import copy
from server.cli.demo import demo
from server.cli.doctor import doctor
from server.cli.erase import erase
from server.cli.explain import explain
from server.cli.export import export
from server.cli.import_ import import_
from server.cli.migrate import migrate
from server.cli.restore import restore
from server.cli.serve import serve
from server.cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="leadtrail")
def commands() -> None:
    """Follow visitors from their first page view to lead and user, and answer them by rules."""


COMMANDS = (
    *(serve, demo, check, backtest, explain),
    *(import_, export, erase, backup, restore, copy),
    *(migrate, token, doctor),
)

for command in COMMANDS:
    commands.add_command(command)
