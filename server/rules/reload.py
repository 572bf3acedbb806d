"""The configuration that is running: read once at the start, and again when its file changes.

A file with mistakes, half-written or gone, changes nothing but `mistakes`; the last good configuration runs
on. A change is read once the file has been left alone for a moment, so that no half of it is ever taken for
the whole.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from server.errors import ConfigError
from server.rules.load import load_file
from server.rules.schema import Config

log = structlog.get_logger()

POLL_SECONDS = 0.2
QUIET_SECONDS = 2.2
"""A changed file must be left alone so long: a change is live within 3 s, a writer may pause for 2 s."""


class _Look(NamedTuple):
    """What tells one version of the file from another without reading it."""

    inode: int
    size: int
    changed: int


class Live:
    """`current` is the configuration to use: replaced as a whole, never changed. Take it once a batch."""

    def __init__(self, path: Path, webhook_allow: Sequence[str] = ()) -> None:
        """Read the file. Raises ConfigError: a server does not start with a broken one."""
        self._path = path
        self._webhook_allow = webhook_allow
        self._read = self._seen = _look(path)
        self._seen_since = 0.0
        self.current: Config = load_file(path, webhook_allow)
        self.digest = _digest(path)
        """Of the file that runs, to be compared with other servers'."""
        self.mistakes: list[str] = []
        """What is wrong with the file since it last changed; empty while `current` is what it says."""

    def reload(self) -> None:
        """Read the file now, whether it has changed or not (SIGHUP)."""
        self._read = _look(self._path)
        try:
            self._take(load_file(self._path, self._webhook_allow))
        except ConfigError as error:
            self._refuse(error)

    async def watch(self) -> None:
        """Reload the file whenever it changes, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.poll(loop.time())

    async def poll(self, now: float) -> bool:
        """Look at the file; reload it if it has changed and been left alone. `now`: seconds of any clock."""
        look = await asyncio.to_thread(_look, self._path)
        if look != self._seen:
            self._seen, self._seen_since = look, now
        if look == self._read or now - self._seen_since < QUIET_SECONDS:
            return False
        self._read = look
        try:
            self._take(await asyncio.to_thread(load_file, self._path, self._webhook_allow))
        except ConfigError as error:
            self._refuse(error)
        return True

    def _take(self, config: Config) -> None:
        self.current = config
        self.digest = _digest(self._path)
        self.mistakes = []
        log.info("config_reloaded", file=str(self._path), sites=len(config.sites), rules=len(config.rules))

    def _refuse(self, error: ConfigError) -> None:
        self.mistakes = str(error).splitlines()
        log.error("config_refused", file=str(self._path), mistakes=self.mistakes, running="the last good one")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _look(path: Path) -> _Look | None:
    """The file's looks, or None where there is none to be seen."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _Look(stat.st_ino, stat.st_size, stat.st_mtime_ns)
