"""The dashboard of these tests, as fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.real_dashboard import Dashboard, opened


@pytest.fixture
def dashboard(database_url: str, tmp_path: Path) -> Iterator[Dashboard]:
    """With a password that the operator knows, nobody signed in."""
    yield from opened(Dashboard(database_url, tmp_path))


@pytest.fixture
def bare_dashboard(database_url: str, tmp_path: Path) -> Iterator[Dashboard]:
    """As on the first start: without a password."""
    yield from opened(Dashboard(database_url, tmp_path, password=None))


@pytest.fixture
def signed_in(bare_dashboard: Dashboard) -> Dashboard:
    """The operator is in, by a link."""
    assert bare_dashboard.client.get(bare_dashboard.new_link(), follow_redirects=False).status_code == 303
    return bare_dashboard
