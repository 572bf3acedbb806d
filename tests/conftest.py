"""What every test may use. Tests use real parts; only the clock and the far side of the network are faked."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
