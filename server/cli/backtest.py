"""`leadtrail backtest`: whom a message would have reached, told from what is stored."""

import asyncio
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from server.cli import environment
from server.cli.rules import look_at, rule_named
from server.clock import SECOND, system_clock
from server.ids import public_id
from server.insight.backtest import MOST_DAYS, Tested
from server.insight.backtest import backtest as on_history
from server.model import Role
from server.rules.schema import Config
from server.settings import Settings

SHOWN = 20


@click.command()
@click.argument("rule_id", metavar="ID")
@click.option(
    "--days", default=30, show_default=True, type=click.IntRange(1, MOST_DAYS), help="How far to look back."
)
@click.option("--all", "everybody", is_flag=True, help=f"List everybody, not only the latest {SHOWN}.")
def backtest(rule_id: str, days: int, everybody: bool) -> None:
    """Tell whom message ID would have reached in the last days, when, how often, and who reached its goal.

    It asks the same conditions that run live about every stored event. Caps, control and schedule are left
    out. Only reads, also while a server runs.
    """
    settings = environment.settings()
    with environment.readable_errors():
        asyncio.run(_backtest(settings, rule_id, days, everybody))


async def _backtest(settings: Settings, rule_id: str, days: int, everybody: bool) -> None:
    async with look_at(settings) as (config, store):
        rule = rule_named(config, rule_id)
        people = (await store.reads.find_people(limit=1)).total
        found: list[Tested] = []
        with click.progressbar(length=people, label=f"Asking {people:,} people", file=sys.stderr) as bar:
            async for step in on_history(store.rulings, rule, days=days, now=system_clock()):
                found += (tested for tested in step if tested.matches)
                bar.update(len(step))
            bar.update(people - bar.pos)
    found.sort(key=lambda tested: tested.matches[0].at, reverse=True)
    times = sum(len(tested.matches) for tested in found)
    reached = sum(tested.reached_goal for tested in found)
    goal = f", {reached:,} of them reached the goal" if rule.goal else ""
    matched = f"{_count(len(found), 'person')} in {_count(days, 'day')}, {_count(times, 'time')}"
    click.echo(f"{rule.id}: {matched}{goal}.")
    for tested in found if everybody else found[:SHOWN]:
        click.echo(f"  {_line(tested, config)}")
    if len(found) > SHOWN and not everybody:
        click.echo(f"  and {len(found) - SHOWN:,} more; --all lists them.")


def _line(tested: Tested, config: Config) -> str:
    person = tested.person
    site = config.sites.get(person.site)
    zone = ZoneInfo(site.timezone if site else "UTC")
    at = datetime.fromtimestamp(tested.matches[0].at / SECOND, zone).strftime("%Y-%m-%d %H:%M")
    more = f", {len(tested.matches)} times" if len(tested.matches) > 1 else ""
    goal = ", reached the goal" if tested.reached_goal else ""
    name = person.name or person.email or ""
    who = f"{public_id(person.person_id)}  {Role(person.role).name}{f' {name}' if name else ''}"
    return f"{at}  {who}{more}{goal}"


def _count(number: int, noun: str) -> str:
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
