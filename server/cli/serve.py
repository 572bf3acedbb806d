"""`leadtrail serve`: one server until SIGTERM or Ctrl-C."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import click
import uvicorn
from starlette.types import ASGIApp

from server import __version__, assets
from server.app import Leadtrail, open_app
from server.cli import environment
from server.direct import DirectProtocol
from server.settings import Settings

DRAIN_SECONDS = 8
"""Requests in flight have this long to end after SIGTERM; the whole stop takes at most 10 s."""

KEEP_ALIVE_SECONDS = 15


@click.command()
def serve() -> None:
    """Collect, answer and show: run the server.

    Needs no settings. Its secrets are made in the data directory on the first start, and a one-time sign-in
    link for the dashboard is printed.
    """
    settings = environment.settings()
    _begin_configuration(settings.config)
    run(settings)


def _begin_configuration(path: Path) -> None:
    """On the very first start, without a configuration named or there, a commented one is begun."""
    if path == Settings.config and not path.exists():
        path.write_text(assets.path("examples", "starter.yaml").read_text())
        click.echo(f"{path.resolve()} was not there and has been begun: name your site in it.")


Prepare = Callable[[Leadtrail, str], Awaitable[None]]


def run(settings: Settings, *, demo: bool = False, prepare: Prepare | None = None) -> None:
    """Serve until a signal. `prepare` is awaited with the server and its address before the first request."""
    with environment.readable_errors(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, demo=demo, prepare=prepare))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def _serve(settings: Settings, *, demo: bool, prepare: Prepare | None) -> None:
    listener = _listen(settings)
    settings = replace(settings, port=listener.getsockname()[1])
    async with open_app(settings, demo=demo) as app:
        if prepare:
            await prepare(app, settings.address)
        server = uvicorn.Server(server_config(app, settings))
        _watch_signals(app, server)
        _relax_garbage_collection()
        await _announce(app, settings, demo=demo)
        await server.serve(sockets=[listener])
    click.echo("Stopped; everything that was confirmed is on disk.", err=True)


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn runs the application; the benchmarks use the same."""
    return uvicorn.Config(
        app,
        http=DirectProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=",".join(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2_048)
    except OSError as error:
        click.echo(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})."
            " Set PORT to a free port or LEADTRAIL_HOST to another address.",
            err=True,
        )
        sys.exit(2)


def _watch_signals(app: Leadtrail, server: uvicorn.Server) -> None:
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn listens to signals only once it serves, and hands them on to the handler that was there before
    # it: leave one that loses no early signal, and that does not end the process before all is stored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, app.live.reload)


def _relax_garbage_collection() -> None:
    """Look for cycles less often, and never in what was there at the start.

    With people cached in memory the default thresholds took a tenth of the time under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _letters(settings: Settings) -> str:
    if settings.relay is None:
        return "held: LEADTRAIL_SMTP_URL is not set"
    by = f"by {settings.relay.describe()}"
    return by if settings.url else f"{by}; links lead to {settings.address}, set LEADTRAIL_URL to change that"


async def _announce(app: Leadtrail, settings: Settings, *, demo: bool) -> None:
    base = settings.address
    link = await app.auth.new_link()
    lines = [
        f"Leadtrail {__version__} serves {base}",
        *(f"  {line}" for line in app.store.describe()),
        f"  rules      {settings.config.resolve()}",
        *([f"  demo       {base}/demo/"] if demo else []),
        f"  e-mail     {_letters(settings)}",
        f"  dashboard  {base}/dashboard/",
        f"  sign in    {base}{link}   (works once, within an hour)",
    ]
    click.echo("\n".join(lines), err=False)
    sys.stdout.flush()
