"""What every test may use. Tests use real parts; only the clock and the far side of the network are faked."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from server.settings import TABLE
from server.store import engines
from server.store.base import Store
from server.store.engines import open_store
from tests.postgres import Postgres, empty, postgres_server

CITUS = os.environ.get("LEADTRAIL_TEST_CITUS_URL", "")
"""A database on a Citus coordinator that is the tests' own: everything in it is deleted, again and again."""

ENGINES = ("sqlite", "postgresql", *(["citus"] if CITUS else []))

# How long an example takes depends on what else the machine does; benchmarks measure, tests do not.
settings.register_profile("leadtrail", deadline=None)
settings.load_profile("leadtrail")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_this_machine() -> Iterator[None]:
    """A `DATABASE_URL` or `PORT` that somebody has set is not what the tests' servers are to use."""
    with pytest.MonkeyPatch.context() as environment:
        for setting in TABLE:
            environment.delenv(setting.name, raising=False)
            environment.delenv(f"{setting.name}_FILE", raising=False)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that all tests share; `with postgres.database() as url` is a new database."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def citus() -> str:
    """The URL of LEADTRAIL_TEST_CITUS_URL, with the schema laid out over its nodes."""
    asyncio.run(engines.migrate(CITUS))
    asyncio.run(engines.distribute(CITUS, 32))
    asyncio.run(empty(CITUS))
    return CITUS


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database: a test that takes it runs once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'leadtrail.db'}"
    elif request.param == "citus":
        yield request.getfixturevalue("citus")
        asyncio.run(empty(CITUS))
    else:
        with request.getfixturevalue("postgres").database() as url:
            yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A new store: a test that takes it runs once on each engine."""
    opened = await open_store(database_url)
    yield opened
    await opened.close()
