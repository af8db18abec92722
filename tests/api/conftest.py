"""A house for each test: an engine on a fresh database, its API, and two tenants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.house import House
from tests.services.stage import Stage


@pytest.fixture(autouse=True)
def _own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command line's profile out of the home directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
async def house(dsn: str) -> AsyncIterator[House]:
    """A running engine with its API."""
    stage = Stage(dsn)
    await stage.open()
    house = House(stage)
    await house.open()
    yield house
    await house.client.aclose()
    await stage.close()
