"""`leadtrail serve` and the signals that end it."""

from pathlib import Path

import pytest

from tests.server_process import server_process

pytestmark = pytest.mark.live


def test_a_server_that_is_stopped_as_soon_as_it_says_where_it_is_stops(tmp_path: Path) -> None:
    (tmp_path / "leadtrail.yaml").write_text("sites: [{key: main}]\n")
    for _ in range(3):
        with server_process(tmp_path) as server:
            assert server.stop() == 0
