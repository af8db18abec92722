"""Changes of the configuration that all workers have seen before they are answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringback.services.configuration import Configuration
from ringback.services.same_host import this_process
from ringback.services.snapshot import Snapshot
from ringback.storage import configuration as stored_configuration
from ringback.storage import workers as stored
from ringback.storage.database import connect
from ringback.storage.vault import Vault
from tests.services.sink import until
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


async def test_what_a_worker_cannot_follow_it_has_not_seen(stage: Stage) -> None:
    """A part of it fails to take a change up: no beat says that it was seen, none renews the lease
    either, and it is taken up once that is possible.
    """
    mine, fails = stage.engine.configuration, True

    def follow(_: Snapshot) -> None:
        if fails:
            raise ValueError("a defect")

    mine.on_reload(follow)
    before = mine.version
    other = Configuration(stage.engine.database, Vault(stage.secret_key), hung_s=0)
    await other.reload()
    async with other.change():
        pass
    with pytest.raises(ValueError, match="a defect"):
        await mine.reload()
    # One that was asked for before that may have been under way.
    for _ in range(2):
        await stage.engine.workers.told()
    assert before == mine.version < other.version
    assert before == await stage.value("select config_seen from worker where alive")
    assert await stored_configuration.lagging(stage.engine.database, other.version)
    fails = False
    await until(lambda: mine.version == other.version)
    await until(stage.engine.lease.held)


async def _change(configuration: Configuration) -> None:
    async with configuration.change():
        pass
