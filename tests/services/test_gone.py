"""410: many at once, from where the endpoint was before, and a worker that dies in between."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from ringback.domain.endpoints import Endpoint, Mode
from ringback.services import commit, push
from ringback.services.manage import EndpointChanges, Manager
from ringback.storage.lists import Scope
from tests.services.sink import Sink, until
from tests.services.stage import Stage
from tests.services.test_publish import _event, _post


@pytest.fixture
async def gone(stage: Stage) -> AsyncIterator[Sink]:
    """A receiver that answers 410 to everything, once its gate is open."""
    sink = Sink()
    sink.gate = asyncio.Event()
    await sink.start()
    sink.answers.extend([(410, "")] * 100)
    yield sink
    sink.gate.set()
    await sink.stop()


async def _change(stage: Stage, endpoint: Endpoint, **changes: object) -> None:
    engine = stage.engine
    manager = Manager(engine.configuration, engine.database, engine.clock, None)
    scope = Scope(endpoint.tenant, Mode.TEST)
    await manager.change_endpoint(scope, endpoint.id, EndpointChanges(**changes))  # type: ignore[arg-type]


async def _exhausted(stage: Stage, count: int) -> None:
    """Wait until so many deliveries have failed for good."""
    async with asyncio.timeout(30):
        while await stage.value("select count(*) from attempt where final = 2") != count:
            await asyncio.sleep(0.05)


async def _said(stage: Stage) -> tuple[object, object]:
    """Count the events and the entries that say that an endpoint was disabled."""
    return (
        await stage.value("select count(*) from event where type = 'endpoint.disabled'"),
        await stage.value("select count(*) from audit_entry where action = 'endpoint.disabled'"),
    )


async def test_many_410s_at_once_are_one_disabling(stage: Stage, gone: Sink) -> None:
    """Twenty requests are out, and each is answered 410: one event, one entry, told once."""
    endpoint = await stage.add_endpoint(gone.url, "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.disabled")
    await asyncio.gather(*(_post(stage, _event()) for _ in range(20)))
    await until(lambda: gone.waiting == 20)
    assert gone.gate is not None
    gone.gate.set()
    await _exhausted(stage, 20)
    await until(lambda: len(stage.sink.received) == 1)
    assert (1, 1) == await _said(stage)
    assert stage.engine.configuration.snapshot.endpoints[endpoint.no].disabled
    # Enabled and gone again, it is disabled and said so once more.
    await _change(stage, endpoint, enabled=True)
    await _post(stage, _event())
    await _exhausted(stage, 21)
    assert (2, 2) == await _said(stage)


async def test_while_nothing_more_can_be_stored_nobody_is_asked_again(
    stage: Stage, gone: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too much waits for a commit when an endpoint answers 410: it is asked once, its answer waits
    meanwhile and is recorded, and what follows is told.
    """
    await stage.add_endpoint(gone.url, "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.*")
    await _post(stage, _event())
    await until(lambda: gone.waiting == 1)
    assert gone.gate is not None
    monkeypatch.setattr(commit, "WAITING_MAX", 0)
    gone.gate.set()
    # Longer than from one claim to the next.
    await asyncio.sleep(1.5)
    assert (1, 0) == (len(gone.received), await stage.value("select count(*) from attempt"))
    monkeypatch.undo()
    await _exhausted(stage, 1)
    await stage.engine.endings._make_up()
    await until(lambda: len(stage.sink.received) == 2)
    assert (1, 1) == (len(gone.received), await stage.value(
        "select count(*) from attempt where status = 410"))  # fmt: skip


async def _refuse(stage: Stage, type_: str, code: str) -> None:
    """Have PostgreSQL refuse events of a type with an SQLSTATE."""
    await stage.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin "
        f"raise exception 'not this one' using errcode = '{code}'; end $$; "
        "create trigger refuse before insert on event for each row "
        f"when (new.type = '{type_}') execute function refuse()"
    )


@pytest.mark.parametrize("type_", ["endpoint.delivery_exhausted", "endpoint.disabled"])
async def test_an_end_does_not_wait_for_what_the_database_never_takes(
    stage: Stage, gone: Sink, type_: str
) -> None:
    """An event that is refused for its data is given up: the delivery ends, the rest is told."""
    endpoint = await stage.add_endpoint(gone.url, "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.*")
    await _refuse(stage, type_, "22023")
    assert gone.gate is not None
    gone.gate.set()
    await _post(stage, _event())
    await _exhausted(stage, 1)
    # Nor does whoever makes up for what was not said try it again, or end for it.
    await stage.engine.endings._make_up()
    await until(lambda: len(stage.sink.received) == 1)
    told = {"endpoint.delivery_exhausted", "endpoint.disabled"} - {type_}
    assert told == {json.loads(request.body)["type"] for request in stage.sink.received}
    assert stage.engine.configuration.snapshot.endpoints[endpoint.no].disabled
    assert (0, 1) == (stage.engine.push.active, len(gone.received))


async def test_an_end_waits_a_limited_time(
    stage: Stage, gone: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused for a reason that may pass is tried until the time is over: then the attempt
    is recorded, and its place free. A retry follows, unless the event is worth one attempt.
    """
    monkeypatch.setattr(push, "CONCLUDE_S", 0.0)
    await stage.add_endpoint(gone.url, "shop.*")
    await _refuse(stage, "endpoint.delivery_exhausted", "XX000")
    for retry in ("schedule", "none"):
        await _post(stage, _event(retry=retry))
    await until(lambda: gone.waiting == 2)
    assert gone.gate is not None
    gone.gate.set()
    await until(lambda: stage.engine.push.active == 0, 30)
    async with asyncio.timeout(30):
        while await stage.value("select count(*) from attempt where status = 410") != 2:
            await asyncio.sleep(0.05)
    rows = await stage.rows("select final, detail from attempt order by final nulls first")
    assert [None, 2] == [row["final"] for row in rows]
    assert "could not be stored" in rows[0]["detail"].decode()
    assert 1 == await stage.value("select count(*) from delivery where due is not null")


async def test_a_410_of_what_was_before_disables_nothing(stage: Stage, gone: Sink) -> None:
    """Moved, or disabled and enabled, while requests are out: their 410s end only themselves."""
    moved = await stage.add_endpoint(f"{gone.url}/old", "shop.*")
    back = await stage.add_endpoint(f"{gone.url}/back", "shop.*")
    described = await stage.add_endpoint(f"{gone.url}/described", "shop.*")
    await _post(stage, _event())
    await until(lambda: gone.waiting == 3)
    await _change(stage, moved, url=f"{stage.sink.url}/new")
    await _change(stage, back, enabled=False)
    await _change(stage, back, enabled=True)
    await _change(stage, described, description="still the same place")
    assert gone.gate is not None
    gone.gate.set()
    await _exhausted(stage, 3)
    endpoints = stage.engine.configuration.snapshot.endpoints
    off = {no: endpoints[no].disabled for no in (moved.no, back.no, described.no)}
    assert {moved.no: False, back.no: False, described.no: True} == off
    assert (1, 1) == await _said(stage)


async def test_what_a_dead_worker_did_not_say_is_said(stage: Stage) -> None:
    """It died after it had disabled an endpoint: the next one to start says so, a single time."""
    endpoint = await stage.add_endpoint(f"{stage.sink.url}/gone", "shop.*")
    await stage.add_endpoint(f"{stage.sink.url}/ops", "endpoint.disabled")
    await stage.execute(
        "update endpoint set disabled = now(), disabled_for = 'It answered 410 Gone.' "
        f"where no = {endpoint.no}"
    )
    others = [stage.another_engine(), stage.another_engine()]
    await asyncio.gather(*(other.start() for other in others))
    try:
        await until(lambda: len(stage.sink.received) == 1)
        told = json.loads(stage.sink.received[0].body)
        assert "It answered 410 Gone." == told["data"]["reason"]
        await stage.engine.configuration.reload()
        await stage.engine.endings._make_up()
        for other in others:
            await other.endings._make_up()
        assert 1 == (await _said(stage))[0]
    finally:
        await asyncio.gather(*(other.stop() for other in others))
