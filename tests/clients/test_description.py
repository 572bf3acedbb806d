"""`/api/openapi.json` is the truth: schemathesis calls everything in it, with what fits and what does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server_process import TOKEN, ServerProcess

pytestmark = pytest.mark.live

SECONDS = 25
"""For each engine."""
SEED = "7"

CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth"),
)


def test_every_answer_is_as_described(served: ServerProcess, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.base}/api/openapi.json"),
        *("--header", f"Authorization: Bearer {TOKEN}"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"),
        *("--seed", SEED, "--max-examples", "20", "--max-time", str(SECONDS), "--no-shrink"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=4 * SECONDS)
    assert run.returncode == 0, run.stdout[-20_000:]
