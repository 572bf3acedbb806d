"""Intercom's own Node client, unchanged, against a running server: `node_client.mjs` drives it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import READER
from tests.node import node, packages
from tests.server_process import TOKEN, ServerProcess

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).with_name("node_client.mjs")


def test_every_method_in_scope_works(served: ServerProcess, browse: Callable[..., str]) -> None:
    packages()
    environment = {
        **os.environ,
        "INTERCOM_BASE_URL": f"{served.base}/api",
        "INTERCOM_TOKEN": TOKEN,
        "INTERCOM_READER": READER,
        "VISITORS": ",".join(browse("/pricing") for _ in range(3)),
    }
    run = subprocess.run([node(), SCRIPT], env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok ") == SCRIPT.read_text().count("\n  async ")
