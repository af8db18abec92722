"""Changes of the configuration that all workers have seen before they are answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringback.services.configuration import Configuration
from ringback.services.same_host import this_process
from ringback.storage import workers as stored
from ringback.storage.database import connect
from ringback.storage.vault import Vault
from tests.services.stage import Stage


@pytest.fixture
async def stages(stage: Stage) -> AsyncIterator[tuple[Stage, Configuration]]:
    """An engine, and the configuration of another one beside it."""
    other = stage.another_engine()
    await other.start()
    yield stage, other.configuration
    await other.stop()


async def test_a_change_is_seen_by_all_before_it_is_answered(
    stages: tuple[Stage, Configuration],
) -> None:
    """Whoever changed something can rely on it everywhere, at once and every time."""
    stage, other = stages
    for number in range(10):
        endpoint = await stage.add_endpoint(f"{stage.sink.url}/{number}")
        assert endpoint.no in other.snapshot.endpoints
        assert stage.engine.configuration.version <= other.version


async def test_a_revoked_key_is_refused_everywhere(stages: tuple[Stage, Configuration]) -> None:
    """When the revocation is answered no worker takes the key any more."""
    stage, other = stages
    mine = stage.engine.configuration
    known = set(mine.snapshot.keys)
    assert known
    assert known == set(other.snapshot.keys)
    async with mine.change() as connection:
        await connection.execute("update api_key set revoked = now()")
    assert {} == mine.snapshot.keys == other.snapshot.keys


async def test_a_change_waits_for_a_worker_that_hangs_until_its_lease_is_over(
    stage: Stage,
) -> None:
    """Not longer: from then on it does nothing, whatever it has seen."""
    connection = await connect(stage.dsn)
    hung = await stored.register(connection, *this_process())
    await stored.heartbeat(connection, hung, 1)
    changes = Configuration(stage.engine.database, Vault(stage.secret_key), hung_s=0.5)
    await changes.reload()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with changes.change():
        pass
    took = loop.time() - began
    assert 0.5 <= took < 5
    began = loop.time()
    change = asyncio.create_task(_change(changes))
    await asyncio.sleep(0.1)
    assert not change.done()
    await stored.leave(connection, hung)
    await change
    assert loop.time() - began < 0.5
    await connection.close()


async def _change(configuration: Configuration) -> None:
    async with configuration.change():
        pass
