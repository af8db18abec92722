"""A migrated database on both versions of PostgreSQL, hot connections to it, and a worker."""

import os
from collections.abc import AsyncIterator

import pytest

from ringback.storage import workers
from ringback.storage.database import Connection, connect
from tests.storage.rows import Maker


@pytest.fixture(params=["18", "15"])
def dsn(request: pytest.FixtureRequest) -> str:
    """The DSN of a migrated database, on PostgreSQL 18 and on 15."""
    if request.param == "15":
        found: str = request.getfixturevalue("dsn15")
    else:
        found = request.getfixturevalue("dsn18")
    return found


@pytest.fixture
async def hot(dsn: str) -> AsyncIterator[Connection]:
    """A hot connection, as the engine opens it."""
    connection = await connect(dsn, hot=True)
    yield connection
    await connection.close()


@pytest.fixture
async def second(dsn: str) -> AsyncIterator[Connection]:
    """Another hot connection, for races."""
    connection = await connect(dsn, hot=True)
    yield connection
    await connection.close()


@pytest.fixture
async def maker(hot: Connection) -> Maker:
    """Makes rows dated now by the database's clock."""
    now = await hot.fetchval("select clock_timestamp()")
    return Maker(int(now.timestamp() * 1000))


@pytest.fixture
async def worker(hot: Connection) -> int:
    """A registered worker's id."""
    return await workers.register(hot, "boot", os.getpid(), 1.0)
