"""Paused connections: what is turned away, what is held, and how it is read once they go on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest

from ringback.domain.http import Callback
from ringback.services import connection_changes, failpoints, resuming
from ringback.services.connection_changes import Edges, Part
from ringback.services.resuming import Resuming
from ringback.storage.configuration import StoredConnection
from ringback.storage.lists import Scope
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage, fresh

TOKEN = "demo-whatsapp"
OUTCOMES = "select outcome, count(*)::int from callback group by 1 order by 1"
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


async def test_one_worker_at_a_time(asleep: Stage) -> None:
    """While another worker reads what is held of a connection, nobody else does."""
    stage = asleep
    await _pause(stage, "processing")
    await stage.receive(stage.callback("sent", fresh()))
    await _resume(stage, "processing")
    (connection,) = stage.engine.resuming._waiting()
    works = [stage.engine.resuming._next(connection) for _ in range(2)]
    assert [0, 1] == sorted(await asyncio.gather(*works))
