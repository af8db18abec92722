"""The stage of these tests."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ringback.services.doctor import serving
from ringback.storage.database import Connection, connect
from tests.postgres_server import PostgresServer
from tests.services.beating import Member
from tests.services.examined import free_port
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


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Forget the surroundings; nobody listens; heartbeats are not waited for."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("RINGBACK_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ |= {"RINGBACK_PORT": str(free_port()), "RINGBACK_DATA_DIR": str(tmp_path / "data")}
    monkeypatch.setattr(serving, "BEAT_S", 0.05)
    yield
    # Not by monkeypatch: reading settings from files sets variables, too.
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ |= before


@pytest.fixture
async def admin(module_dsn: str) -> AsyncIterator[Connection]:
    """A hot connection to a database in which nobody works yet."""
    connection = await connect(module_dsn, hot=True)
    await connection.execute("truncate worker, delivery, attempt, event, callback")
    await connection.execute("update installation set config_version = 1")
    yield connection
    await connection.close()


@pytest.fixture
async def members(module_dsn: str, admin: Connection) -> AsyncIterator[tuple[Member, Member]]:
    """Two workers that have joined."""
    pair = Member(module_dsn), Member(module_dsn)
    for member in pair:
        await member.database.open()
        await member.workers.join()
        member.begin()
        await member.turn()
    yield pair
    for member in pair:
        await member.halt()
        member.lifeline.close()
        await member.database.close()
