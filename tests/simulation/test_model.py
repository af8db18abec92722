"""The model of the store is the store: random calls answer the same and leave the same tables."""

import random
from collections.abc import AsyncIterator

import pytest

from ringback.storage.database import Connection, connect
from tests.simulation.twin import Twin
from tests.sizes import SIZES

CALLS = (5, 15)
VACUUM_EVERY = 100


@pytest.fixture
async def sessions(dsn: str) -> AsyncIterator[tuple[Connection, Connection]]:
    """A hot connection to a fresh database, and an ordinary one that looks on."""
    hot, watcher = await connect(dsn, hot=True), await connect(dsn)
    yield hot, watcher
    await hot.close()
    await watcher.close()


async def _run(sessions: tuple[Connection, Connection], seeds: range) -> None:
    hot, watcher = sessions
    for seed in seeds:
        if seed % VACUUM_EVERY == 0:
            await watcher.execute("vacuum analyze")
        try:
            await Twin(hot, watcher, seed).run(random.Random(seed).randint(*CALLS))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from None


@pytest.mark.timeout(3600)
async def test_the_model_does_what_the_database_does(
    sessions: tuple[Connection, Connection],
) -> None:
    """Every answer and every table is the same after each call of each random sequence."""
    await _run(sessions, range(SIZES.model_sequences))


@pytest.mark.timeout(3600)
async def test_the_model_does_what_an_older_database_does(dsn15: str) -> None:
    """The same on the oldest PostgreSQL that is supported, with fewer sequences."""
    hot, watcher = await connect(dsn15, hot=True), await connect(dsn15)
    await _run((hot, watcher), range(SIZES.model_sequences // 10))
    await hot.close()
    await watcher.close()
