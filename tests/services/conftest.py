"""The stage of these tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer
from tests.services.stage import Stage


@pytest.fixture(autouse=True)
def _own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the command line's profile out of the home directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def module_dsn(postgres18: PostgresServer) -> Iterator[str]:
    """The DSN of a migrated database for all tests of a file, which empty what they use."""
    name = postgres18.create_migrated()
    yield postgres18.dsn(name)
    postgres18.drop(name)


@pytest.fixture
async def stage(dsn: str) -> AsyncIterator[Stage]:
    """A running engine with one endpoint."""
    stage = Stage(dsn)
    await stage.open()
    yield stage
    await stage.close()
