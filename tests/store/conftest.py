"""One contract for every engine: a test that takes `store` runs on each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.store.base import Store
from server.store.sqlite import open_store

ENGINES = ("sqlite",)


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(tmp_path / "leadtrail.db")
    yield opened
    await opened.close()
