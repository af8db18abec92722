"""Workers that share a database: leases, silence, retirement, and what the dead leave."""

import asyncio
import contextlib
import os
import subprocess
import sys

import psutil
import pytest

from ringback.errors import DatabaseUnavailable
from ringback.services.same_host import Identity, boot_id, this_process
from ringback.services.workers import ANSWER_S, LEASE_S, RETIRE_S
from ringback.storage import workers as stored
from ringback.storage.database import _POOL_MAX, Connection
from ringback.storage.hot import Finished, claim, commit_batch, finish_batch
from tests.services.beating import BEAT_S, Member
from tests.services.sink import until
from tests.services.stage import Stage
from tests.storage.rows import Maker


async def _alive(connection: Connection, worker: int) -> bool:
    alive: bool = await connection.fetchval("select alive from worker where id = $1", worker)
    return alive


async def _maker(connection: Connection) -> Maker:
    now = await connection.fetchval("select clock_timestamp()")
    return Maker(int(now.timestamp() * 1000))


async def test_a_lease_ends_eight_seconds_after_the_last_beat(
    members: tuple[Member, Member],
) -> None:
    """By the clock that runs while the machine sleeps; a new beat brings it back."""
    member, _ = members
    async with member.hanging():
        member.clock.boot += LEASE_S - 0.01
        assert member.lease.held()
        assert member.id == member.lease.worker()
        member.clock.boot += 0.02
        assert not member.lease.held()
        with pytest.raises(DatabaseUnavailable, match="lost touch"):
            member.lease.worker()
    await member.turn()
    assert member.lease.held()


async def test_a_lease_counts_from_when_the_beat_was_sent(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """Whatever took long after that, the answer or loading a change, is not added to it."""
    member, _ = members
    member.slow_s = 5.0
    await admin.execute("update installation set config_version = config_version + 1")
    await member.turn(1.0)
    assert member.lease.held()
    async with member.hanging():
        member.clock.boot += LEASE_S - 5.0 + 0.01
        assert not member.lease.held()


async def test_who_cannot_load_a_change_gets_no_lease(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """A lease means that this worker goes by all that was answered; its loop goes on trying."""
    member, _ = members
    member.broken = True
    await admin.execute("update installation set config_version = config_version + 1")
    for _ in range(5):
        await member.turn(BEAT_S)
    assert not member.lease.held()
    member.broken = False
    await member.turn()
    assert member.lease.held()
    assert 2 == member.version


async def test_who_is_busy_keeps_his_lease(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """Beats wait for nobody who uses the pool; adoption does, and comes when there is room."""
    busy, other = members
    busy.workers._next_adoption = 0.0
    dead = await stored.register(admin, "another host", 1, 1.0)
    maker = await _maker(admin)
    async with contextlib.AsyncExitStack() as stack, other.hanging():
        for _ in range(_POOL_MAX):
            await stack.enter_async_context(busy.database.acquire())
        await commit_batch(admin, dead, maker.story(maker.ids.next()))
        await stored.leave(admin, dead)
        for _ in range(4):
            await busy.turn(LEASE_S / 2)
            # Beaten at this time of its clock, which stands.
            await until(lambda: busy.lease._beat_sent == busy.clock.boot, 10)
        assert 0 == busy.freed
        await stack.aclose()
        await until(lambda: busy.freed == 1)


async def test_a_beat_that_gets_no_answer_is_not_waited_for_long(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """It is tried again, on a new connection, while the lease still stands."""
    member, _ = members
    beats = "select beat from worker where id = $1"
    before = member.lifeline._connection
    async with admin.transaction():
        await admin.execute("select from worker where id = $1 for update", member.id)
        member.workers.poke()
        await until(lambda: member.lifeline._connection is not before, ANSWER_S + 7)
        known = await admin.fetchval(beats, member.id)
    async with asyncio.timeout(10):
        while await admin.fetchval(beats, member.id) <= known:
            await asyncio.sleep(0.05)


async def test_silence_of_fifteen_seconds_ends_a_worker(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """By the watcher's own clock, and not earlier; what the silent one owned can be claimed."""
    watcher, silent = members
    maker = await _maker(admin)
    await commit_batch(admin, silent.id, maker.story(maker.ids.next()))
    async with silent.hanging():
        await watcher.turn()
        await watcher.turns(RETIRE_S - 1)
        assert await _alive(admin, silent.id)
        assert [] == await claim(admin, watcher.id, {1: 5})
        await watcher.turns(4)
        assert not await _alive(admin, silent.id)
        assert 1 == len(await claim(admin, watcher.id, {1: 5}))
    assert await _alive(admin, watcher.id)


async def test_who_beats_is_never_silent(members: tuple[Member, Member], admin: Connection) -> None:
    """However late each beat is: the count begins anew with every one."""
    watcher, slow = members
    async with slow.hanging():
        for _ in range(4):
            await watcher.turns(RETIRE_S - 2)
            await stored.heartbeat(admin, slow.id, 1)
    assert await _alive(admin, slow.id)


async def test_who_was_cut_off_himself_retires_nobody(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """After an outage of the database all beats are old: it counts from its next answer."""
    watcher, silent = members
    async with silent.hanging():
        await watcher.turns(RETIRE_S - 2)
        watcher.lifeline.cut(True)
        await watcher.turns(BEAT_S * 2)
        watcher.lifeline.cut(False)
        await watcher.turn(BEAT_S)
        await watcher.turns(RETIRE_S - 2)
        assert await _alive(admin, silent.id)
        await watcher.turns(4)
        assert not await _alive(admin, silent.id)


async def test_who_stood_still_himself_retires_nobody(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """After a pause of the whole machine the first to wake must not end the others."""
    watcher, silent = members
    async with silent.hanging():
        await watcher.turns(4)
        await watcher.turn(3600)
        assert await _alive(admin, silent.id)
        await watcher.turns(RETIRE_S - 2)
        assert await _alive(admin, silent.id)
        await watcher.turns(4)
        assert not await _alive(admin, silent.id)


async def test_what_a_retired_worker_commits_late_is_found_soon(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """Every five seconds for a minute: a statement of its may have been under way so long."""
    watcher, silent = members
    maker = await _maker(admin)
    async with silent.hanging():
        await watcher.turn()
        await watcher.turns(RETIRE_S + 3)
        assert not await _alive(admin, silent.id)
        for _ in range(5):
            await commit_batch(admin, silent.id, maker.story(maker.ids.next()))
            # Within five seconds and the beat that they end in.
            await watcher.turns(6)
            assert 1 == len(await claim(admin, watcher.id, {1: 5}))


async def test_an_answer_that_takes_long_ends_nobody(
    members: tuple[Member, Member], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs while it is asked for the others kept them from beating, too."""
    watcher, silent = members
    peers = stored.peers

    async def hang(connection: Connection, worker: int) -> list[stored.Peer]:
        found = await peers(connection, worker)
        watcher.clock.boot += 20.0
        return found

    async with silent.hanging():
        await watcher.turns(4)
        async with watcher.hanging():
            monkeypatch.setattr(stored, "peers", hang)
        await watcher.turn()
        async with watcher.hanging():
            monkeypatch.setattr(stored, "peers", peers)
        await watcher.turns(RETIRE_S - 2)
        assert await _alive(admin, silent.id)
        await watcher.turns(12)
        assert not await _alive(admin, silent.id)


def _waiting_process() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def _start_of(process: subprocess.Popen[bytes]) -> int:
    seconds = psutil.Process(process.pid).create_time() - psutil.boot_time()
    return round(seconds * os.sysconf("SC_CLK_TCK"))


async def test_a_process_that_is_gone_is_retired_at_once(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """On the same host; a reused process id deceives nobody, and other hosts are left alone."""
    watcher, _ = members
    process = _waiting_process()
    started = _start_of(process)
    here, living = boot_id(), await stored.register(admin, boot_id(), process.pid, started)
    elsewhere = await stored.register(admin, "another host", process.pid, started)
    reused = await stored.register(admin, here, os.getpid(), 1.0)
    await watcher.turn()
    states = [await _alive(admin, worker) for worker in (living, elsewhere, reused)]
    assert [True, True, False] == states
    maker = await _maker(admin)
    await commit_batch(admin, living, maker.story(maker.ids.next()))
    # Not waited for: what has ended and still has an entry counts as gone too.
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(10):
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)
    await watcher.turn()
    assert not await _alive(admin, living)
    assert 1 == len(await claim(admin, watcher.id, {1: 5}))
    process.wait()
    again = await stored.register(admin, here, process.pid, started)
    await watcher.turn()
    assert [False, True] == [await _alive(admin, worker) for worker in (again, elsewhere)]


async def test_a_process_that_ends_between_two_beats_is_not_waited_for(
    members: tuple[Member, Member], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees its end retires it at once, and tells the claimer what that has set free."""
    watcher, other = members
    process = _waiting_process()
    identity = Identity(boot_id(), process.pid, _start_of(process))
    neighbour = await stored.register(admin, *identity)
    maker = await _maker(admin)
    await commit_batch(admin, neighbour, maker.story(maker.ids.next()))
    monkeypatch.setattr("ringback.services.workers.BEAT_S", 3600.0)
    async with other.hanging():
        await watcher.turn()
        await watcher.turn()
        assert await _alive(admin, neighbour)
        assert 0 == watcher.freed
        process.kill()
        await until(lambda: watcher.freed == 1, 20)
        assert not await _alive(admin, neighbour)
        assert 1 == len(await claim(admin, watcher.id, {1: 5}))
    process.communicate()


async def test_a_step_of_the_wall_clock_ends_nobody(
    members: tuple[Member, Member], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far it goes: by it the time of the boot moves, and so do the starts of processes."""
    before = [member.id for member in members]
    now = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: now + 3600)
    for member in members:
        await member.turn()
    assert [True, True] == [await _alive(admin, worker) for worker in before]
    assert before == [member.id for member in members]


async def test_who_registers_anew_says_again_who_it_is(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """Were it once mistaken about itself, a new registration would heal that."""
    watcher, mistaken = members
    async with mistaken.hanging():
        mistaken.workers._identity = mistaken.workers._identity._replace(start=1.0)
        before = mistaken.id
        mistaken.lease.resign()
    await until(lambda: mistaken.lease.id not in {None, before})
    await watcher.turn()
    assert await _alive(admin, mistaken.id)
    starts = await admin.fetch("select distinct pid_start from worker where alive")
    assert [this_process().start] == [row["pid_start"] for row in starts]


async def test_who_was_retired_registers_anew_and_ends_nothing_late(
    members: tuple[Member, Member], admin: Connection
) -> None:
    """Its beat tells it: it forgets what it had, takes a new id; late results are refused."""
    watcher, paused = members
    before = paused.id
    maker = await _maker(admin)
    lane = maker.ids.next()
    base = (await commit_batch(admin, before, maker.story(lane))).base
    late = Finished(lane, 1, base + 1, maker.ids.next(), 200, None, 1.0, 1, 0.0, b"{}", b"")
    async with paused.hanging():
        await watcher.turn()
        await watcher.turns(RETIRE_S + 3)
        assert not await _alive(admin, before)
        await finish_batch(admin, before, [late])
        assert 0 == await admin.fetchval("select count(*) from attempt")
        (claimed,) = await claim(admin, watcher.id, {1: 5})
        await finish_batch(admin, before, [late])
        assert watcher.id == await admin.fetchval("select owner from delivery")
    await until(lambda: not paused.lease.held())
    await paused.turn()
    assert paused.lease.held()
    assert before < paused.id
    assert 1 == paused.dropped
    await finish_batch(admin, watcher.id, [late._replace(ord=claimed.ord)])
    assert 1 == await admin.fetchval("select count(*) from attempt")


async def test_what_a_retired_engine_ends_late_is_not_recorded(stage: Stage) -> None:
    """Its request runs on; another has sent the same event meanwhile, and that attempt counts."""
    stage.sink.delay_s = 2.0
    await stage.receive(stage.callback("sent"))
    await until(lambda: len(stage.sink.received) == 1)
    owner = stage.engine.lease.id
    other = stage.another_engine()
    await other.start()
    try:
        stage.sink.delay_s = 0.0
        await stage.execute(f"update worker set alive = false where id = {owner}")
        stage.engine.workers.poke()
        await until(lambda: not stage.engine.lease.held())
        await stage.execute("select adopt(null, 10)")
        other.claimer.poke()
        await until(lambda: len(stage.sink.received) == 2)
        await other.recorder.drained()
        await until(stage.engine.lease.held, 20)
        await until(lambda: stage.engine.push.active == 0)
        await stage.engine.recorder.drained()
        first, second = stage.sink.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        rows = await stage.rows("select worker, status, final, n from attempt")
        assert [(other.lease.id, 200, 1, 1)] == [tuple(row) for row in rows]
        assert owner != stage.engine.lease.id
        assert 0 == await stage.value("select count(*) from delivery")
    finally:
        await other.stop()


async def test_what_was_adopted_is_claimed_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claimer does not wait for its next turn."""
    stage.sink.answers.append((500, ""))
    await stage.receive(stage.callback("sent"))
    await until(lambda: stage.engine.recorder.attempts == 1)
    monkeypatch.setattr("ringback.services.claim.EVERY_S", 3600.0)
    stage.engine.claimer.poke()
    await until(lambda: not stage.engine.claimer._wake.is_set())
    nobody = "insert into worker (boot_id, pid, pid_start) values ('elsewhere', 1, 1) returning id"
    ghost = await stage.value(nobody)
    await stage.execute(f"update delivery set due = null, owner = {ghost}")
    assert 1 == len(stage.sink.received)
    await stage.execute(f"update worker set alive = false where id = {ghost}")
    stage.engine.workers._next_adoption = 0.0
    stage.engine.workers.poke()
    await until(lambda: len(stage.sink.received) == 2, 20)


@pytest.mark.parametrize("turns", range(6))
async def test_a_loop_that_was_just_woken_can_be_stopped(stage: Stage, turns: int) -> None:
    """Whenever the end comes after a change has woken a worker: no loop misses it."""
    other = stage.another_engine()
    await other.start()
    await until(other.lease.held)
    await asyncio.sleep(0.1)
    other.claimer.poke()
    other.workers.poke()
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in other._tasks:
        task.cancel()
    _, left = await asyncio.wait(other._tasks, timeout=5)
    for task in left:
        task.cancel()
    await other.stop()
    assert set() == left
