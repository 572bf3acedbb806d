"""What every test may use. Tests use real parts; only the clock and the far side of the network are faked."""

from collections.abc import Iterator

import pytest

from server.settings import TABLE


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
