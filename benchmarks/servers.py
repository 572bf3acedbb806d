"""Events a second and CPU for each, in one run: SQLite, PostgreSQL with one server, PostgreSQL with two.

    python -m benchmarks.servers [--rounds 3] [--seconds 4] [--connections 64] [--events 10]

Rounds are interleaved, so that all three see the same machine; only ratios of neighbouring rounds mean
something. PostgreSQL is one of its own, with its usual settings: every commit is synced. Load, servers and
database share the machine's cores, so this shows what an event costs on each side, not how far two servers
go on machines of their own. In the end the stored events are counted against the answers.

Needs wrk and PostgreSQL: scripts/install-tools wrk postgresql
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.ingest import KEY, TICKS, Round, Target, count, prepare, run, serving
from tests.postgres import Postgres, postgres_server


class Deployment(NamedTuple):
    """Servers on one database, how to see the database's CPU, and its rounds so far."""

    name: str
    servers: list[Target]
    database_cpu: Callable[[], float]
    rounds: list[list[Round]]
    database_us: list[float]
    """CPU microseconds of the database for each event, by round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each round")
    parser.add_argument("--connections", type=int, default=64, help="over all servers")
    parser.add_argument("--events", type=int, default=10, help="in each request")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres_server({"shared_buffers": "1GB", "max_wal_size": "4GB"}) as postgres,
    ):
        folder = Path(name)
        prepare(folder)
        one, two = postgres.create("leadtrail_template"), postgres.create("leadtrail_template")
        with ExitStack() as stack:

            def deploy(label: str, servers: int, url: str, cpu: Callable[[], float]) -> Deployment:
                started = [
                    stack.enter_context(server(folder, f"{label}-{number}", url)) for number in range(servers)
                ]
                return Deployment(label, started, cpu, [], [])

            file = folder / "leadtrail.db"
            deployments = [
                deploy("SQLite", 1, f"sqlite:///{file}", lambda: 0.0),
                deploy("PostgreSQL, 1 server", 1, postgres.url(one), lambda: cpu_of(postgres)),
                deploy("PostgreSQL, 2 servers", 2, postgres.url(two), lambda: cpu_of(postgres)),
            ]
            for deployment in deployments:
                measure(deployment, folder, options.events, 1, options.connections)
            for _ in range(options.rounds):
                for deployment in deployments:
                    measure(deployment, folder, options.events, options.seconds, options.connections)
        stored = [count(file), *(counted(postgres, database) for database in (one, two))]
        sizes = file.stat().st_size, postgres.run(one, lambda connection: connection.fetchval(SIZE))
    print(f"{options.events} events a request, {options.connections} connections, ", end="")
    print(f"{options.rounds} rounds of {options.seconds} s")
    base = deployments[0]
    for deployment, number in zip(deployments, stored, strict=True):
        show(deployment, base, options.events)
        check(deployment, number, options)
    print("  bytes an event, with all indexes and totals:", end=" ")
    print(f"SQLite {sizes[0] / stored[0]:.0f}, PostgreSQL {sizes[1] / stored[1]:.0f}")


SIZE = "SELECT pg_database_size(current_database()) - (SELECT pg_database_size('leadtrail_template'))"


@contextmanager
def server(folder: Path, name: str, url: str) -> Iterator[Target]:
    environment = {
        "LEADTRAIL_CONFIG": str(folder / "leadtrail.yaml"),
        "LEADTRAIL_DATA_DIR": str(folder / name),
        "LEADTRAIL_SECRET_KEYS": KEY,
        "LEADTRAIL_RATE_LIMITS": "off",
        "DATABASE_URL": url,
    }
    with serving([sys.executable, "-m", "server", "serve"], environment) as target:
        yield target


def measure(deployment: Deployment, folder: Path, events: int, seconds: int, connections: int) -> None:
    """One round at all servers of a deployment at once."""
    before = deployment.database_cpu()
    share = connections // len(deployment.servers)
    with ThreadPoolExecutor() as pool:
        found = list(
            pool.map(
                lambda one, which: run(one, folder, events, seconds, share, which),
                deployment.servers,
                range(len(deployment.servers)),
            )
        )
    requests = sum(one.requests for one in found)
    deployment.rounds.append(found)
    deployment.database_us.append((deployment.database_cpu() - before) / requests / events * 1e6)


def cpu_of(postgres: Postgres) -> float:
    """CPU seconds of all of PostgreSQL's processes, those that have ended included."""
    main_process = postgres.process_id
    seconds = 0.0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(folder.name) == main_process:
                seconds += sum(map(int, fields[11:15])) / TICKS
            elif int(fields[1]) == main_process:
                seconds += (int(fields[11]) + int(fields[12])) / TICKS
    return seconds


def show(deployment: Deployment, base: Deployment, events: int) -> None:
    """A line of medians, the warm-up left out."""
    speeds, ratios = [], []
    for mine, theirs in zip(deployment.rounds[1:], base.rounds[1:], strict=True):
        speeds.append(sum(one.per_second for one in mine) * events)
        ratios.append(speeds[-1] / (sum(one.per_second for one in theirs) * events))
    cpu = statistics.median(
        sum(one.cpu_us * one.requests for one in found) / sum(one.requests for one in found) / events
        for found in deployment.rounds[1:]
    )
    p50 = statistics.median(one.p50 for found in deployment.rounds[1:] for one in found)
    print(
        f"  {deployment.name:22} {statistics.median(speeds):8,.0f} events/s"
        f"  ratio {statistics.median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}]"
        f"  p50 {p50:5.1f} ms  CPU an event: server {cpu:3.0f} us,"
        f" database {statistics.median(deployment.database_us[1:]):3.0f} us"
    )


def counted(postgres: Postgres, database: str) -> int:
    """Stored events; their totals must agree."""
    [(stored, total)] = postgres.run(
        database,
        lambda connection: connection.fetch(
            "SELECT (SELECT count(*) FROM events), (SELECT sum(count)::bigint FROM totals WHERE kind = 1)"
        ),
    )
    assert stored == total, (stored, total)
    return int(stored)


def check(deployment: Deployment, stored: int, options: argparse.Namespace) -> None:
    """What was answered is stored, and no more than was in flight when a round ended."""
    answered = sum(one.requests for found in deployment.rounds for one in found) * options.events
    in_flight = len(deployment.rounds) * options.connections * options.events
    bad = sum(one.bad for found in deployment.rounds for one in found)
    if bad or not answered <= stored <= answered + in_flight:
        sys.exit(f"{deployment.name}: {answered:,} answered, {stored:,} stored, {bad:,} requests failed")


if __name__ == "__main__":
    main()
