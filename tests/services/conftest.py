"""The stage of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.stage import Stage


@pytest.fixture(autouse=True)
def _own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command line's profile out of the home directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
async def stage(dsn: str) -> AsyncIterator[Stage]:
    """A running engine with one endpoint."""
    stage = Stage(dsn)
    await stage.open()
    yield stage
    await stage.close()
