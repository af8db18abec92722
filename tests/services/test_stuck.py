"""The look for stuck deliveries: it finds each, mends none, and finds none where all is well."""

import asyncio
from typing import Any

import pytest

from ringback.domain.ids import delivery_id
from ringback.services.stuck import Stuck
from tests.services.sink import until
from tests.services.stage import Stage, fresh

_ROWS = "select lane, endpoint, ord, owner, due from delivery order by ord"


async def _two_lanes(stage: Stage) -> list[Any]:
    """Let two messages of two events each wait for their retry; return their rows."""
    stage.sink.answers.extend([(500, "")] * 2)
    for message in ("m1", "m2"):
        await stage.receive(stage.callback("sent", message))
    await until(lambda: stage.engine.recorder.attempts == 2)
    for message in ("m1", "m2"):
        await stage.receive(stage.callback("delivered", message))
    rows = await stage.rows(_ROWS)
    assert [False, False, True, True] == [row["due"] is None for row in rows]
    return rows


async def test_a_row_that_waits_behind_nothing_is_found(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted, logged with its id, told as a metric, and left as it is."""
    rows = await _two_lanes(stage)
    look = stage.engine.stuck
    await look.once()
    assert 0 == look.count
    await stage.execute(f"delete from delivery where ord = {rows[0]['ord']}")
    before = await stage.rows(_ROWS)
    await look.once()
    assert 1 == look.count
    behind = next(row for row in before if row["lane"] == rows[0]["lane"])
    assert delivery_id(behind["endpoint"], behind["ord"]) in capsys.readouterr().out
    assert before == await stage.rows(_ROWS)
    stage.engine.watch._figures = None
    assert 1 == (await stage.engine.watch.figures()).now["stuck"]
    # Once it is put right, it is no longer counted.
    await stage.execute("update delivery set due = now() + interval '1 hour'")
    await look.once()
    assert 0 == look.count


async def test_what_the_dead_own_is_found_after_a_while(stage: Stage) -> None:
    """Half a minute after a worker's end nothing may be its own; nor what no worker ever was."""
    rows = await _two_lanes(stage)
    dead = await stage.value(
        "insert into worker (alive, boot_id, pid, pid_start, ended) "
        "values (false, 'elsewhere', 1, 1, now()) returning id"
    )
    first = f"update delivery set due = null, owner = %s where ord = {rows[0]['ord']}"
    await stage.execute(first % dead)
    look = Stuck(stage.engine.database)
    await look.once()
    assert 0 == look.count
    await stage.execute(f"update worker set ended = now() - interval '31 s' where id = {dead}")
    await look.once()
    assert 1 == look.count
    await stage.execute(first % 1_000_000)
    await look.once()
    assert 1 == look.count
    await stage.execute(first % stage.engine.lease.id)
    await look.once()
    assert 0 == look.count


async def test_many_are_gone_through_in_stretches(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look is bounded; together they see every row once, and begin again at the end."""
    rows = await _two_lanes(stage)
    await stage.execute(f"delete from delivery where ord in ({rows[0]['ord']}, {rows[1]['ord']})")
    look = Stuck(stage.engine.database, looked_at=1)
    counts = []
    for _ in range(6):
        await look.once()
        counts.append(look.count)
    assert [1, 2, 2, 2, 2, 2] == counts


async def test_one_worker_looks_at_a_time(stage: Stage) -> None:
    """While another is at it, a look sees nothing and keeps what it knew."""
    rows = await _two_lanes(stage)
    await stage.execute(f"delete from delivery where ord = {rows[0]['ord']}")
    look = Stuck(stage.engine.database)
    async with stage.engine.database.acquire() as other, other.transaction():
        assert await other.fetchval("select pg_try_advisory_xact_lock(8420, 4)")
        await look.once()
        assert 0 == look.count
    await look.once()
    assert 1 == look.count


async def test_a_busy_queue_has_none(stage: Stage) -> None:
    """While lanes fill, fail, are retried and empty, with two workers, no look finds any."""
    other = stage.another_engine(retry_schedule="1,1,1,1,1,1")
    await other.start()
    look = Stuck(stage.engine.database)
    stage.sink.answers.extend([(200, ""), (500, ""), (200, "")] * 200)
    looks = 0

    async def keep_looking() -> None:
        nonlocal looks
        while True:
            await look.once()
            assert 0 == look.count
            looks += 1
            await asyncio.sleep(0.005)

    looking = asyncio.create_task(keep_looking())
    try:
        for _ in range(60):
            message = fresh()
            for status in ("sent", "delivered", "read"):
                engine = other if looks % 2 else stage.engine
                callback = stage.callback(status, message)
                answer = await engine.receiver.receive("demo-whatsapp", callback)
                assert 200 == answer.status
        await asyncio.sleep(1)
        assert not looking.done()
        assert looks > 20
        assert 100 < len(stage.sink.received)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await other.stop()


async def test_what_a_living_worker_owns_and_does_not_know_is_found_and_given_back(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found twice in a row, since it may just be on its way; told as a metric; then delivered."""
    engine = stage.engine
    rows = await _two_lanes(stage)
    await stage.execute(
        f"update delivery set owner = {engine.lease.worker()}, due = now() "
        f"where ord = {rows[0]['ord']}"
    )
    await engine.astray.once()
    assert 0 == engine.astray.count
    await engine.astray.once()
    assert 1 == engine.astray.count
    assert delivery_id(rows[0]["endpoint"], rows[0]["ord"]) in capsys.readouterr().out
    engine.watch._figures = None
    assert 1 == (await engine.watch.figures()).now["stuck"]
    engine.claimer.poke()
    await until(lambda: len(stage.sink.received) == 4)
    await engine.astray.once()
    assert 0 == engine.astray.count


async def test_what_is_under_way_is_not_astray(stage: Stage) -> None:
    """Owned, and in memory: nothing is given back, however long it takes."""
    stage.sink.gate = asyncio.Event()
    await stage.receive(stage.callback("sent"))
    await until(lambda: stage.sink.waiting == 1)
    for _ in range(3):
        await stage.engine.astray.once()
    assert (0, 0) == (stage.engine.astray.count, stage.engine.reconciler.returned)
    stage.sink.gate.set()
