"""The signing key changes while browsers send: nobody is lost, and the retired key opens nothing."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from tests.live.test_durability import Browser, load
from tests.server_process import server_process

pytestmark = [pytest.mark.live, pytest.mark.anyio]

OLD, NEW = "the old signing key of the server", "the new signing key of the server"
ROTATION = (OLD, f"{OLD},{NEW}", NEW)


async def test_a_rotation_under_load_loses_no_visitor_and_retires_the_old_key(tmp_path: Path) -> None:
    browsers = [Browser() for _ in range(8)]
    seen: list[list[str | None]] = []
    for keys in ROTATION:
        with server_process(tmp_path, LEADTRAIL_SECRET_KEYS=keys) as server:
            async with load(browsers, server):
                await asyncio.to_thread(server.stop)
        seen.append([browser.token for browser in browsers])
    first, both, last = ([token.split(".")[0] for token in tokens if token] for tokens in seen)
    assert first == both == last
    assert len(set(last)) == len(browsers)
    with server_process(tmp_path, LEADTRAIL_SECRET_KEYS=NEW) as server:
        event = {"name": "page_view", "url": "https://www.example.com/a"}
        answers = [
            httpx2.post(f"{server.base}/e", json={"site": "main", "visitor": token, "events": [event]}).json()
            for token in (seen[0][0], seen[2][0])
        ]
    assert [answer["visitor"].split(".")[0] == first[0] for answer in answers] == [False, True]
