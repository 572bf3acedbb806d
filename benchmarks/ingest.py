"""Requests a second of `/e` beside a bare Starlette route answering 204, in one run with interleaved rounds.

    python benchmarks/ingest.py [--rounds 5] [--seconds 4] [--connections 64]

The server is the real one: durable, 100 rules, 10,000 visitors with signed cookies, unique event ids. Both
serve with uvicorn, uvloop and httptools in one process. Machines differ and are busy with other things, so
only the ratios of neighbouring rounds mean something. At the end the events in the database are counted
against the answers: whatever was answered must be there, and no more than was in flight when a round ended.

Needs wrk (Debian's package `wrk`).
"""

import argparse
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from server.people.token import Tokens

HERE = Path(__file__).parent
KEY = "a signing key for benchmarks only"
VISITORS = 10_000
RULES = 100
PAGES = 50
START_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")


class Round(NamedTuple):
    """What one round of wrk saw, and the CPU that the server's process used for it."""

    requests: int
    per_second: float
    p50: float
    p99: float
    bad: int
    cpu_us: float
    """CPU microseconds for each request."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each round")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: scripts/install-tools wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for events in (1, 10):
            compare(folder / f"batches-of-{events}", folder, events, options)


def prepare(folder: Path) -> None:
    """The visitors' cookies, by line, and the rules."""
    tokens, chance = Tokens([KEY]), random.Random(1)
    cookies = (tokens.sign("main", f"{chance.getrandbits(128):032x}") for _ in range(VISITORS))
    (folder / "cookies").write_text("".join(f"{cookie}\n" for cookie in cookies))
    rules = [
        f"  - id: rule-{number}\n"
        f"    when: {{page: /page/{number % PAGES}}}\n"
        f"    if: [{{viewed: /page/{number % PAGES}, times: more than {3 + number % 5}}},"
        " {not: {did: purchase}}]\n"
        '    deliver: {page: {title: "Hello", body: "There"}}\n'
        for number in range(RULES)
    ]
    (folder / "leadtrail.yaml").write_text("sites: [{key: main}]\nmessages:\n" + "".join(rules))


def compare(data: Path, folder: Path, events: int, options: argparse.Namespace) -> None:
    """Interleaved rounds of the bare route and of the collector, with so many events a request."""
    bare_rounds: list[Round] = []
    rounds: list[Round] = []
    with bare_route() as bare, collector(data, folder) as server:
        rounds.append(run(server, folder, events, 1, options.connections))
        for _ in range(options.rounds):
            bare_rounds.append(run(bare, folder, events, options.seconds, options.connections))
            rounds.append(run(server, folder, events, options.seconds, options.connections))
    warm_up, *rounds = rounds
    answered = sum(one.requests for one in (warm_up, *rounds)) * events
    print(
        f"\n{events} event{'s' if events > 1 else ''} a request, {options.connections} connections,", end=" "
    )
    print(f"{options.rounds} rounds of {options.seconds} s")
    show("bare 204", bare_rounds, 1)
    show("POST /e", rounds, events)
    ratios = [mine.per_second / bare.per_second for mine, bare in zip(rounds, bare_rounds, strict=True)]
    print(f"  ratio      {statistics.median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}]")
    stored = count(data / "leadtrail.db")
    in_flight = (len(rounds) + 1) * options.connections * events
    print(f"  {answered:,} events answered, {stored:,} stored")
    if not answered <= stored <= answered + in_flight:
        sys.exit("what was answered and what is stored differ")
    if bad := sum(one.bad for one in (warm_up, *rounds, *bare_rounds)):
        sys.exit(f"{bad:,} requests failed; the figures mean nothing")


class Target(NamedTuple):
    """A server to be measured."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def bare_route() -> Iterator[Target]:
    """The baseline."""
    with serving([sys.executable, str(HERE / "bare_route.py")], {}) as target:
        yield target


@contextmanager
def collector(data: Path, folder: Path) -> Iterator[Target]:
    """`leadtrail serve` on a new database."""
    environment = {
        "LEADTRAIL_CONFIG": str(folder / "leadtrail.yaml"),
        "LEADTRAIL_DATA_DIR": str(data),
        "LEADTRAIL_SECRET_KEYS": KEY,
        "LEADTRAIL_RATE_LIMITS": "off",
    }
    with serving([sys.executable, "-m", "server", "serve"], environment) as target:
        yield target


@contextmanager
def serving(command: list[str], environment: dict[str, str]) -> Iterator[Target]:
    """A server on a free port, until the context is left."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Another database or rules that this shell has set are not to be measured, nor written to.
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("LEADTRAIL_", "DATABASE_"))
    }
    variables = {**ours, **environment, "PORT": str(port)}
    process = subprocess.Popen(command, env=variables, cwd=HERE.parent, stdout=subprocess.DEVNULL)
    try:
        wait_for(process, port)
        yield Target(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the server takes connections; it has START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{process.args!r} does not serve; what it said stands above")


def run(target: Target, folder: Path, events: int, seconds: int, connections: int, which: int = 0) -> Round:
    """One round of wrk, or of one of several at once."""
    before = target.cpu_seconds()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / "events.lua")]
    command += [f"http://127.0.0.1:{target.port}", "--", str(folder / "cookies")]
    command += [str(events), str(PAGES), str(which)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    requests = int(_number(r"(\d+) requests in", printed))
    return Round(
        requests=requests,
        per_second=_number(r"Requests/sec:\s+([\d.]+)", printed),
        p50=_milliseconds("50%", printed),
        p99=_milliseconds("99%", printed),
        bad=_failed(printed),
        cpu_us=(target.cpu_seconds() - before) / requests * 1e6,
    )


def _failed(printed: str) -> int:
    """Answers of another status, and connections that failed or had to wait for longer than wrk does."""
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    broken = sum(map(int, errors.groups())) if errors else 0
    return broken + int(_number(r"Non-2xx or 3xx responses: (\d+)", printed, 0))


def _number(pattern: str, text: str, default: float | None = None) -> float:
    found = re.search(pattern, text)
    if found is None:
        assert default is not None, text
        return default
    return float(found[1])


def _milliseconds(name: str, text: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def show(name: str, rounds: list[Round], events: int) -> None:
    """A line of medians."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    per_second = middle([one.per_second for one in rounds])
    cpu = middle([one.cpu_us for one in rounds])
    print(
        f"  {name:9}  {per_second:8,.0f} requests/s  {per_second * events:8,.0f} events/s"
        f"  p50 {middle([one.p50 for one in rounds]):5.1f} ms"
        f"  p99 {middle([one.p99 for one in rounds]):6.1f} ms"
        f"  CPU {cpu:4.0f} us a request, {cpu / events:4.0f} us an event"
    )


def count(database: Path) -> int:
    """Events in the file, after the server has stopped; their totals must agree."""
    with sqlite3.connect(database) as connection:
        [(stored,)] = connection.execute("SELECT count(*) FROM events")
        [(counted,)] = connection.execute("SELECT sum(count) FROM totals WHERE kind = 1")
    connection.close()
    assert stored == counted, (stored, counted)
    return int(stored)


if __name__ == "__main__":
    main()
