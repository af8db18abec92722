"""A database that turns read-only under a running engine, and back: it lives, and loses nothing."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from structlog.testing import capture_logs

from ringback.errors import DatabaseUnavailable
from ringback.services import trouble as troubles
from ringback.services import workers
from ringback.services.trouble import Trouble
from tests.services.sink import until
from tests.services.stage import Stage, fresh

POSTERS = 16
# Each phase lasts until so many more have been answered as they are to be.
PHASE = 60


@asynccontextmanager
async def read_only(dsn: str) -> AsyncIterator[None]:
    """Have every connection cut and every new one read-only, and keep that as long as it lives."""
    connection = await asyncpg.connect(
        dsn, server_settings={"default_transaction_read_only": "off"}
    )
    try:
        name = await connection.fetchval("select quote_ident(current_database())")
        change = f"alter database {name} set default_transaction_read_only"
        await connection.execute(f"{change} = on")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            await connection.execute(f"{change} = off")
    finally:
        await connection.close()


async def test_under_load_nothing_is_lost_and_nothing_unread(stage: Stage) -> None:
    """Providers are told to come again, and every callback is read when the database takes it."""
    statuses: Counter[int] = Counter()
    posted: list[str] = []
    over = asyncio.Event()

    async def post() -> None:
        while not over.is_set():
            posted.append(fresh())
            callback = stage.callback("delivered", posted[-1])
            while (status := (await stage.receive(callback)).status) != 200:
                statuses[status] += 1
                await asyncio.sleep(0.02)
            statuses[200] += 1

    async def phase(status: int) -> None:
        enough = statuses[status] + PHASE
        await until(lambda: statuses[status] >= enough)

    posters = [asyncio.create_task(post()) for _ in range(POSTERS)]
    await phase(200)
    for _ in range(2):
        async with read_only(stage.dsn):
            await phase(503)
        # The connections that were opened meanwhile are read-only still.
        await phase(200)
    over.set()
    await asyncio.gather(*posters)
    assert {200, 503} == set(statuses)
    outcomes = await stage.rows("select distinct outcome from callback")
    assert [2] == [row["outcome"] for row in outcomes]
    assert len(posted) == await stage.value("select count(distinct subject) from event")
    assert len(posted) == await stage.value("select count(*) from event")
    await until(
        lambda: len({got.headers["webhook-id"] for got in stage.sink.received}) == len(posted)
    )


async def test_every_loop_goes_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is not ready, and answers 503; then everything goes on by itself."""
    monkeypatch.setattr(workers, "LEASE_S", 2.0)
    tasks = stage.engine._tasks
    async with read_only(stage.dsn):
        await until(lambda: not stage.engine.lease.held())
        assert not (await stage.engine.health()).ready
        assert 503 == (await stage.receive(stage.callback("sent", "early"))).status
        failing = (stage.engine.sweeper.once, stage.engine.folding.once, stage.engine.retainer.once)
        for once in failing:
            trouble = Trouble("test")
            with trouble:
                await once()
        stage.engine.key_use.note(uuid.uuid4())
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            await stage.engine.key_use.flush()
        assert [] == [task for task in tasks if task.done()]
    await until(stage.engine.lease.held)
    while (await stage.receive(stage.callback("sent", "late"))).status != 200:
        await asyncio.sleep(0.05)
    await until(lambda: len(stage.sink.received) == 1)
    assert [] == [task for task in tasks if task.done()]
    assert (await stage.engine.health()).ready


async def test_a_worker_that_starts_waits_for_it(stage: Stage) -> None:
    """It does not end, which would have its supervisor give up: it serves when it can."""
    other = stage.another_engine()
    async with read_only(stage.dsn):
        start = asyncio.create_task(other.start())
        with capture_logs() as told:
            await until(lambda: any(line["event"] == "worker.start.failed" for line in told))
        assert not start.done()
    await asyncio.wait_for(start, 20)
    assert other.lease.held()
    await other.stop()


def test_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    """However often it fails in between; a cancellation is none of it."""
    trouble = Trouble("sweep")
    away, broken = DatabaseUnavailable("away"), ValueError("defect")
    with capture_logs() as told:
        for error in (away, away, broken, broken, None, None, away):
            with trouble:
                if error is not None:
                    raise error
        with pytest.raises(asyncio.CancelledError), trouble:
            raise asyncio.CancelledError
    names = ["sweep.failed", "sweep.defect", "sweep.well", "sweep.failed"]
    assert names == [line["event"] for line in told]
    assert 4 == told[2]["failures"]


def test_trouble_that_lasts_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how often it failed by then, and with what it says by then."""
    trouble = Trouble("sweep")
    with capture_logs() as told:
        for words in ("first", "second", "third"):
            trouble.note(ValueError(words))
        monkeypatch.setattr(troubles, "AGAIN_S", 0.0)
        trouble.note(ValueError("fourth"))
    said = [(line["event"], line["failures"], line["error"]) for line in told]
    first, fourth = (1, "ValueError: first"), (4, "ValueError: fourth")
    assert [("sweep.defect", *first), ("sweep.defect", *fourth)] == said
