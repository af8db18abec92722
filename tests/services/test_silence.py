"""How connections are heard, as the metrics tell it: when last, and whose silence is unusual."""

import uuid
from collections.abc import Mapping
from datetime import datetime

import pytest

from ringback.app import Engine
from ringback.services import connection_changes, silence
from ringback.services.connection_changes import Edges
from ringback.services.figures import Figures
from ringback.services.silence import HeardOf
from ringback.storage import rollups
from ringback.storage.database import Connection as Session
from ringback.storage.lists import Scope
from tests.services.stage import Stage, fresh


async def _read(engine: Engine) -> Figures:
    """Return the figures of this moment, past all for which they are kept."""
    engine.watch._figures = None
    return await engine.watch.figures()


async def _of_whatsapp(engine: Engine) -> HeardOf:
    return next(one for one in (await _read(engine)).heard if one.provider == "whatsapp")


async def test_the_newest_callback_of_each_connection_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever became of it, by any worker; of one that never came, nothing."""
    monkeypatch.setattr(silence, "EVERY_S", 0.0)
    first = await _of_whatsapp(stage.engine)
    assert ("test", None, False) == (first.mode, first.last_ms, first.silent)
    callback = stage.callback("sent", fresh())
    await stage.receive(callback)
    taken = (await _of_whatsapp(stage.engine)).last_ms
    await stage.receive(type(callback)(callback.method, callback.url, (), callback.body))
    rejected = (await _of_whatsapp(stage.engine)).last_ms
    assert taken is not None
    assert rejected is not None
    assert taken <= rejected
    newest = await stage.value("select max(received) from callback where outcome = 7")
    assert newest == await stage.value(f"select to_timestamp({rejected} / 1000.0)")
    # What retention has removed since has come nevertheless.
    await stage.execute("delete from callback")
    assert rejected == (await _of_whatsapp(stage.engine)).last_ms
    others = [one for one in (await _read(stage.engine)).heard if one.provider != "whatsapp"]
    assert others
    assert {None} == {one.last_ms for one in others}


async def test_a_silence_that_is_unusual_is_told_by_any_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three a second for hours, then nothing for ten minutes; not while its intake is paused."""
    number = stage.connection().no
    minute = stage.engine.clock.now_ms() // 60_000 - 10
    await stage.execute(
        f"insert into callback select floor_of({minute * 60_000}), 1, 2::smallint, {number}, "
        f"to_timestamp({minute * 60}), 'POST', '/', '', '[]', '', 2::smallint, '', 1, null"
    )
    told = await _of_whatsapp(stage.engine)
    assert (minute * 60_000, False) == (told.last_ms, told.silent)
    rows = ", ".join(
        f"(1, 2, 4, 15, {number}, {minute // 15 * 15 - 15 * n}, '{{2}}', '{{2700}}')"
        for n in range(1, 13)
    )
    await stage.execute(f"insert into rollup values {rows}")
    assert not (await _of_whatsapp(stage.engine)).silent, "what was found is kept for a while"
    other = stage.another_engine()
    await other.start()
    assert (await _of_whatsapp(other)).silent
    await other.stop()
    everything = stage.engine.configuration.everything.connections
    known = next(one for one in everything if one.no == number)
    edges = Edges(stage.engine.configuration, stage.engine.clock, None)
    scope = Scope(known.tenant, known.mode)
    await connection_changes.pause(edges, scope, known, "intake", "Moving")
    monkeypatch.setattr(silence, "EVERY_S", 0.0)
    told = await _of_whatsapp(stage.engine)
    assert (minute * 60_000, False) == (told.last_ms, told.silent)


async def test_a_look_that_takes_too_long_is_gone_on_with(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found out until then stays known, and the next look begins with the others."""
    await stage.receive(stage.callback("sent", fresh()))
    newest, looked, late = rollups.newest, list[int](), [False, True, False, False, False, True]

    async def slow(session: Session, since: Mapping[int, uuid.UUID]) -> dict[int, datetime]:
        if late.pop(0):
            raise TimeoutError
        looked.extend(since)
        return await newest(session, since)

    monkeypatch.setattr(rollups, "newest", slow)
    monkeypatch.setattr(silence, "EVERY_S", 0.0)
    monkeypatch.setattr(silence, "TOGETHER", 1)
    numbers = sorted(one.no for one in stage.engine.configuration.snapshot.connections.values())
    assert 3 == len(numbers)
    assert () == (await _read(stage.engine)).heard
    assert 3 == len((await _read(stage.engine)).heard)
    assert [*numbers, numbers[0]] == looked
    assert (await _read(stage.engine)).database, "the look that failed costs no other figure"
