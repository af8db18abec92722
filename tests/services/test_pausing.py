"""Paused connections: what is turned away, what is held, and how it is read once they go on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import cast

import pytest

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback
from ringback.services import connection_changes, failpoints, resuming
from ringback.services.commit import Committer
from ringback.services.connection_changes import Edges, Part
from ringback.services.resuming import Resuming
from ringback.services.work import Work
from ringback.storage import database, held
from ringback.storage.configuration import StoredConnection
from ringback.storage.database import Database
from ringback.storage.lists import Scope
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage, fresh

TOKEN = "demo-whatsapp"
OUTCOMES = "select outcome, count(*)::int from callback group by 1 order by 1"
# Waits until it has ended, as the kernel would end it with the worker.
KILL = """select pg_terminate_backend(pid, 10000) from pg_locks
          where locktype = 'advisory' and classid = 8423
          and database = (select oid from pg_database where datname = current_database())"""
TOLD = "select count(*)::int, count(distinct id)::int from event"


def _known(stage: Stage) -> StoredConnection:
    everything = stage.engine.configuration.everything.connections
    return next(one for one in everything if one.token == TOKEN)


async def _pause(stage: Stage, part: Part) -> None:
    known = _known(stage)
    edges = Edges(stage.engine.configuration, stage.engine.clock, None)
    await connection_changes.pause(edges, Scope(known.tenant, known.mode), known, part, "Moving")


async def _resume(stage: Stage, part: Part) -> None:
    known = _known(stage)
    edges = Edges(stage.engine.configuration, stage.engine.clock, None)
    await connection_changes.resume(edges, Scope(known.tenant, known.mode), known, part)


def _handshake(stage: Stage) -> Callback:
    token = stage.connection().config.verify_token  # type: ignore[attr-defined]
    query = f"hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}"
    return Callback("GET", f"{BASE_URL}/in/{TOKEN}?{query}", (), b"", "127.0.0.1")


@pytest.fixture
async def asleep(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A stage whose engine leaves what is held to the test."""

    async def nothing(_: Resuming) -> int:
        return 0

    really = Resuming.once
    monkeypatch.setattr(Resuming, "once", nothing)
    yield stage
    monkeypatch.setattr(Resuming, "once", really)


@pytest.fixture
async def impatient(asleep: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Another worker's pool; what is left open in it is ended very soon."""
    setting = "idle_in_transaction_session_timeout"
    monkeypatch.setattr(database, "_POOLED", {**database._POOLED, setting: "100"})
    pool = Database(asleep.dsn)
    await pool.open()
    yield pool
    await pool.close()


async def test_a_paused_intake_sends_away_and_stores_nothing(stage: Stage) -> None:
    """503 with Retry-After, counted; a handshake is answered; then all is as before."""
    await _pause(stage, "intake")
    answer = await stage.receive(stage.callback("sent", fresh()))
    assert (503, "60") == (answer.status, dict(answer.headers)["retry-after"])
    forged = stage.callback("sent", fresh())
    forged = Callback(forged.method, forged.url, (), forged.body, forged.peer)
    assert 503 == (await stage.receive(forged)).status
    answer = await stage.receive(_handshake(stage))
    assert (200, b"42") == (answer.status, answer.body)
    assert [] == await stage.rows(OUTCOMES)
    assert 2 == stage.engine.receiver.outcomes["whatsapp", "paused"]
    counted = {place.what: n for place, n in stage.engine.flood.take().items()}
    assert 2 == counted["paused"]
    await _resume(stage, "intake")
    assert 200 == (await stage.receive(stage.callback("sent", fresh()))).status


async def test_what_is_held_is_read_in_order_once_it_goes_on(stage: Stage) -> None:
    """Answered and stored as always, not read; a forged one is refused. Then all of it happens."""
    await _pause(stage, "processing")
    name = fresh()
    for status in ("sent", "delivered", "read"):
        assert 200 == (await stage.receive(stage.callback(status, name))).status
    forged = stage.callback("sent", fresh())
    forged = Callback(forged.method, forged.url, (), forged.body, forged.peer)
    assert 401 == (await stage.receive(forged)).status
    assert [(7, 1), (8, 3)] == [tuple(row) for row in await stage.rows(OUTCOMES)]
    assert [(0, 0)] == [tuple(row) for row in await stage.rows(TOLD)]
    await _resume(stage, "processing")
    await until(lambda: len(stage.sink.received) == 3)
    types = [row["type"] for row in await stage.rows("select type from event order by pos")]
    assert ["message.sent", "message.delivered", "message.read"] == types
    await until(lambda: stage.engine.resuming.taken["whatsapp"] == 3)
    assert [(2, 3), (7, 1)] == [tuple(row) for row in await stage.rows(OUTCOMES)]
    assert 1 == await stage.value("select count(distinct subject) from callback where outcome = 2")


async def test_paused_again_it_waits_and_new_ones_are_merged(asleep: Stage) -> None:
    """What comes after the resume is read at once; what came before waits while it is paused."""
    stage, name = asleep, fresh()
    await _pause(stage, "processing")
    await stage.receive(stage.callback("sent", name))
    await _resume(stage, "processing")
    await stage.receive(stage.callback("delivered", name))
    await _pause(stage, "processing")
    assert [] == list(stage.engine.resuming._waiting())
    await _resume(stage, "processing")
    (connection,) = stage.engine.resuming._waiting()
    assert 1 == await stage.engine.resuming._next(connection)
    types = [row["type"] for row in await stage.rows("select type from event order by pos")]
    assert ["message.delivered", "message.sent"] == types


async def test_bounds(asleep: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many at a time, so many bytes; a connection that holds too much turns away."""
    stage, resume = asleep, asleep.engine.resuming
    monkeypatch.setattr(resuming, "BATCH_MAX", 2)
    monkeypatch.setattr(resuming, "HELD_MAX", 3)
    await _pause(stage, "processing")
    for _ in range(3):
        assert 200 == (await stage.receive(stage.callback("sent", fresh()))).status
    await resume.weigh()
    assert 503 == (await stage.receive(stage.callback("sent", fresh()))).status
    await _resume(stage, "processing")
    assert 200 == (await stage.receive(stage.callback("sent", fresh()))).status
    (connection,) = resume._waiting()
    assert 2 == await resume._next(connection)
    monkeypatch.setattr(resuming, "BATCH_BYTES_MAX", 1)
    assert 1 == await resume._next(connection)
    assert 0 == await resume._next(connection)
    assert connection.pauses.resumed is not None, "somebody may still add to it"
    monkeypatch.setattr(resuming, "GRACE_MS", 0)
    assert 0 == await resume._next(connection)
    assert not stage.connection().pauses.may_hold


async def test_a_killed_worker_loses_nothing_and_repeats_nothing(asleep: Stage) -> None:
    """Killed with a batch committed and not noted: it is read once more, and says nothing new."""
    stage = asleep
    await _pause(stage, "processing")
    names = [fresh() for _ in range(3)]
    for name in names:
        await stage.receive(stage.callback("sent", name))
        await stage.receive(stage.callback("delivered", name))
    await _resume(stage, "processing")
    environment = {
        **os.environ, failpoints.VARIABLE: "after_commit_before_ack=kill",
        "DSN": stage.dsn, "SECRET_KEY": stage.secret_key,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.services.resuming_member", env=environment
    )
    assert -9 == await process.wait()
    assert [(6, 6)] == [tuple(row) for row in await stage.rows(TOLD)]
    assert [(8, 6)] == [tuple(row) for row in await stage.rows(OUTCOMES)]
    (connection,) = stage.engine.resuming._waiting()
    assert 6 == await stage.engine.resuming._next(connection)
    assert [(6, 6)] == [tuple(row) for row in await stage.rows(TOLD)]
    assert [(2, 6)] == [tuple(row) for row in await stage.rows(OUTCOMES)]
    stage.engine.workers.poke()
    await until(lambda: len({one.headers["webhook-id"] for one in stage.sink.received}) == 6, 20)


class _Slow:
    """A committer under back-pressure: each batch takes `seconds`; it tells who is at it."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        self._committer = stage.engine.committer
        self._seconds = seconds
        self.began = asyncio.Event()

    async def submit(self, work: Work) -> None:
        self.began.set()
        await asyncio.sleep(self._seconds)
        await self._committer.submit(work)


def _reader(stage: Stage, database: Database, slow: _Slow) -> Resuming:
    engine, committer = stage.engine, cast("Committer", slow)
    return Resuming(
        engine.configuration, database, (committer, committer), engine.clock, engine.pressure
    )


async def _held(stage: Stage, count: int) -> Connection:
    await _pause(stage, "processing")
    for _ in range(count):
        await stage.receive(stage.callback("sent", fresh()))
    await _resume(stage, "processing")
    (connection,) = stage.engine.resuming._waiting()
    return connection


async def test_a_slow_engine_advances(
    asleep: Stage, impatient: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is open in the database while the engine takes longer than it lets that be."""
    monkeypatch.setattr(resuming, "BATCH_MAX", 2)
    connection = await _held(asleep, 3)
    reader = _reader(asleep, impatient, _Slow(asleep, 0.4))
    assert 2 == await reader._next(connection)
    assert [(2, 2), (8, 1)] == [tuple(row) for row in await asleep.rows(OUTCOMES)]
    assert 1 == await reader._next(connection)
    assert [(2, 3)] == [tuple(row) for row in await asleep.rows(OUTCOMES)]
    assert [(3, 3)] == [tuple(row) for row in await asleep.rows(TOLD)]


async def test_one_worker_at_a_time(asleep: Stage, impatient: Database) -> None:
    """While a worker is at a connection nobody else is; once it has ended, others are."""
    connection, another = await _held(asleep, 1), asleep.engine.resuming
    slow = _Slow(asleep, 60)
    work = asyncio.create_task(_reader(asleep, impatient, slow)._next(connection))
    await slow.began.wait()
    assert 0 == await another._next(connection)
    work.cancel()
    await asyncio.wait({work})
    async with held.mine(impatient, connection.no) as mine:
        assert mine, "what was broken off has given it up"
        assert 0 == await another._next(connection)
        await asleep.execute(KILL)
        assert 1 == await another._next(connection)
    assert [(2, 1)] == [tuple(row) for row in await asleep.rows(OUTCOMES)]
