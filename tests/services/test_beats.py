"""Beats that come in time, and registrations that leave nothing behind, whatever goes wrong."""

import asyncio
import contextlib
import os
import time

import pytest
from structlog.testing import capture_logs

from ringback.errors import DatabaseUnavailable
from ringback.services.same_host import boot_id
from ringback.storage import workers as stored
from ringback.storage.database import _POOL_MAX, Connection, connect
from ringback.storage.hot import commit_batch
from tests.services.beating import BEAT_S, Member
from tests.services.sink import until
from tests.services.stage import Stage
from tests.storage.rows import Maker


async def test_a_start_that_fails_on_its_way_leaves_one_living_row(
    module_dsn: str, admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often, and how far it came: rows that nobody beats for would count as workers."""
    member = Member(module_dsn)
    await member.database.open()
    living = "select array_agg(id) from worker where alive"

    async def refuse(*_: object) -> None:
        raise DatabaseUnavailable("Not now.")

    async def fail() -> None:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await member.workers.join()

    member.lifeline.cut(True)
    await fail()
    member.lifeline.cut(False)
    assert await admin.fetchval(living) is None
    for question in ("heartbeat", "peers"):
        with monkeypatch.context() as patch:
            patch.setattr(stored, question, refuse)
            await fail()
        assert [member.id] == await admin.fetchval(living)
    await member.workers.join()
    assert [member.id] == await admin.fetchval(living)
    await member.workers.leave()
    assert await admin.fetchval(living) is None
    await member.database.close()


async def test_a_registration_without_a_beat_is_no_lease(
    members: tuple[Member, Member], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is done under it; the next beat is for the same row."""
    member, _ = members

    async def refuse(*_: object) -> None:
        raise DatabaseUnavailable("Not now.")

    async with member.hanging():
        with monkeypatch.context() as patch:
            patch.setattr(stored, "heartbeat", refuse)
            with pytest.raises(DatabaseUnavailable):
                await member.workers.join()
        registered = member.id
        assert not member.lease.held()
    await until(member.lease.held)
    assert registered == member.id


async def test_what_a_beat_brings_along_does_not_put_off_the_next(
    members: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause after it is shorter by what it took, lest the times add up to a lease."""
    member, _ = members
    peers, rest = stored.peers, member.workers._rest
    rests: list[float] = []

    async def slow(connection: Connection, worker: int) -> list[stored.Peer]:
        await asyncio.sleep(0.5)
        return await peers(connection, worker)

    async def noted(seconds: float) -> None:
        rests.append(seconds)
        await rest(seconds)

    async with member.hanging():
        monkeypatch.setattr(stored, "peers", slow)
        monkeypatch.setattr(member.workers, "_rest", noted)
    await until(lambda: rests != [])
    assert rests[0] < BEAT_S - 0.4


async def test_who_is_retired_during_a_long_adoption_is_not_waited_for(
    members: tuple[Member, Member], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leaves is looked for as soon as that is over, and not five seconds later."""
    watcher, other = members
    maker = Maker(int(time.time() * 1000))
    adopt = stored.adopt
    adopting, gate = asyncio.Event(), asyncio.Event()
    alive = "select alive from worker where id = $1"

    async def long(connection: Connection) -> int:
        found = await adopt(connection)
        adopting.set()
        await gate.wait()
        return found

    async with other.hanging():
        async with watcher.hanging():
            watcher.workers._next_adoption = 0.0
            monkeypatch.setattr(stored, "adopt", long)
        await asyncio.wait_for(adopting.wait(), 20)
        dead = await stored.register(admin, boot_id(), os.getpid(), 1.0)
        await commit_batch(admin, dead, maker.story(maker.ids.next()))
        watcher.workers.poke()
        async with asyncio.timeout(20):
            while await admin.fetchval(alive, dead):
                await asyncio.sleep(0.02)
        assert 0 == watcher.freed
        gate.set()
        # Its clock stands.
        await until(lambda: watcher.freed == 1, 20)


async def test_a_worker_that_starts_goes_on_whatever_the_database_says(stage: Stage) -> None:
    """A statement that somebody ends is no reason to end the worker."""
    other = stage.another_engine()
    waiting = (
        "select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' "
        "and datname = current_database() and query like 'insert into worker%'"
    )
    gate = await connect(stage.dsn)
    try:
        with capture_logs() as told:
            async with gate.transaction():
                await gate.execute("lock table worker in exclusive mode")
                start = asyncio.create_task(other.start())
                async with asyncio.timeout(30):
                    while not any(line["event"] == "worker.start.failed" for line in told):
                        await stage.rows(waiting)
                        await asyncio.sleep(0.02)
                        assert not start.done()
            await asyncio.wait_for(start, 30)
        assert other.lease.held()
        assert 2 == await stage.value("select count(*) from worker where alive")
    finally:
        await other.stop()
        await gate.close()


async def test_who_is_busy_keeps_his_lease_when_the_configuration_changes(stage: Stage) -> None:
    """Also then a beat waits for nobody: not for the pool, nor for a reload that does."""
    engine = stage.engine
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(_POOL_MAX):
            await stack.enter_async_context(engine.database.acquire())
        reload = asyncio.create_task(engine.configuration.reload())
        await until(engine.configuration._lock.locked)
        before = engine.lease._beat_sent
        version = engine.configuration.version + 1
        await stage.execute(f"update installation set config_version = {version}")
        await until(lambda: engine.lease._beat_sent > before, 20)
        # The first may have been asked before the change.
        await until(lambda: engine.configuration.version == version, 20)
        assert engine.lease.held()
    await asyncio.gather(reload, return_exceptions=True)
