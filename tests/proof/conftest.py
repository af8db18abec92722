"""The stage of the proofs: a PostgreSQL that may be crashed, and an engine in this process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.services.stage import Stage

from .database import Database


@pytest.fixture(autouse=True)
def _own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command line's profile out of the home directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def database() -> Iterator[Database]:
    """A server of its own for one test, which may break it."""
    server = Database()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
async def stage(dsn: str) -> AsyncIterator[Stage]:
    """A running engine with one endpoint."""
    stage = Stage(dsn)
    await stage.open()
    yield stage
    await stage.close()
