"""The real server as a process of its own, for tests that need one: started on a free port, ended by its
process id.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

TOP = Path(__file__).parents[1]

START_SECONDS = 20

TOKEN = "an api token for tests only"

CONFIG = """
sites:
  - key: main
    webdriver: allow
    origins: [https://www.example.com]
messages:
  - id: pricing-help
    to: [visitors, leads]
    when: {page: /pricing*}
    if:
      - {viewed: /pricing, times: more than 3}
    send: once
    deliver:
      page:
        title: "Questions about pricing?"
        body: "Hi {{ name or 'there' }}"
        button: {label: Talk to us, url: /contact}
"""


class ServerProcess:
    """A running `leadtrail serve` (or another subcommand that serves)."""

    def __init__(self, process: subprocess.Popen[str], lines: "Queue[str | None]") -> None:
        self.process = process
        self._lines = lines
        self.printed: list[str] = []
        self.base = ""
        while not self.base:
            line = lines.get(timeout=START_SECONDS)
            if line is None:
                raise RuntimeError(f"the server ended: {''.join(self.printed)}")
            self.printed.append(line)
            if found := re.search(r"serves (http://\S+)", line):
                self.base = found[1].replace("localhost", "127.0.0.1")

    def read_until(self, text: str) -> str:
        """The printed line that holds the text."""
        for line in self.printed:
            if text in line:
                return line
        while (line := self._lines.get(timeout=START_SECONDS)) is not None:
            self.printed.append(line)
            if text in line:
                return line
        raise RuntimeError(f"{text!r} was not printed: {''.join(self.printed)}")

    def kill(self) -> None:
        """SIGKILL, as a power cut of the process would be."""
        self.process.kill()
        self.process.wait(START_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


@contextmanager
def server_process(
    folder: Path,
    *arguments: str,
    config: str = CONFIG,
    under: tuple[str, ...] = (),
    program: tuple[str, ...] = (sys.executable, "-m", "server"),
    cwd: Path = TOP,
    **environment: str,
) -> Iterator[ServerProcess]:
    """Start a server whose data and configuration lie in `folder`; whatever still runs at the end is killed.

    `under` is a program that runs it, such as strace; `program` is Leadtrail itself, of this tree or another.
    """
    file = folder / "leadtrail.yaml"
    if not file.exists():
        file.write_text(config)
    variables = {
        **os.environ,
        "LEADTRAIL_CONFIG": str(file),
        "LEADTRAIL_DATA_DIR": str(folder / "data"),
        "LEADTRAIL_API_TOKENS": TOKEN,
        "LEADTRAIL_RATE_LIMITS": "off",
        "PORT": "0",
        **environment,
    }
    process = subprocess.Popen(
        [*under, *program, *(arguments or ("serve",))],
        env=variables,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: Queue[str | None] = Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines))
    reader.start()
    try:
        yield ServerProcess(process, lines)
    finally:
        process.kill()
        process.wait(START_SECONDS)
        reader.join()
        process.stdout.close()


def _read(output: Iterator[str], lines: "Queue[str | None]") -> None:
    for line in output:
        lines.put(line)
    lines.put(None)
