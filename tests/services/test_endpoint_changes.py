"""Deliveries of a whole engine while endpoints are slow, disabled, enabled again and deleted."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from ringback.domain.endpoints import Endpoint
from ringback.domain.http import Callback
from ringback.services import profile
from ringback.services.manage import EndpointChanges, Manager
from ringback.services.retain import Periods, Retainer
from ringback.services.slots import QUEUED_PER_ENDPOINT
from ringback.storage.lists import Scope
from tests.services.sink import Sink, until
from tests.services.stage import BASE_URL, Stage

_PUBLISHED_AT_ONCE = 100


async def _publish(stage: Stage, count: int) -> None:
    """Publish so many events, each in a lane of its own."""
    known = profile.read(BASE_URL)
    assert known is not None
    headers = (("authorization", f"Bearer {known.api_key}"),)
    requests = []
    for start in range(0, count, _PUBLISHED_AT_ONCE):
        size = min(_PUBLISHED_AT_ONCE, count - start)
        body = json.dumps([{"type": "shop.paid", "data": {"n": start + n}} for n in range(size)])
        requests.append(Callback("POST", f"{BASE_URL}/v1/events", headers, body.encode()))
    publish = stage.engine.publisher.publish
    answers = await asyncio.gather(*(publish("", request) for request in requests))
    assert {201} == {answer.status for answer in answers}


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Sink]:
    """A receiver whose gate is shut; `_endpoint` makes it an endpoint."""
    sink = Sink()
    sink.gate = asyncio.Event()
    await sink.start()
    yield sink
    sink.gate.set()
    await sink.stop()


def _open(sink: Sink) -> None:
    assert sink.gate is not None
    sink.gate.set()


def _manager(stage: Stage, endpoint: Endpoint) -> tuple[Manager, Scope]:
    engine = stage.engine
    manager = Manager(engine.configuration, engine.database, engine.clock, None)
    return manager, Scope(endpoint.tenant, endpoint.mode)


async def _emptied(stage: Stage) -> None:
    """Wait until no delivery is open."""
    async with asyncio.timeout(30):
        while await stage.value("select count(*) from delivery"):
            await asyncio.sleep(0.05)


async def test_what_finds_no_room_waits_in_the_database(stage: Stage, shop: Sink) -> None:
    """A hanging endpoint takes what memory it may; the rest is claimed later, and all is sent."""
    await stage.add_endpoint(shop.url, "shop.*")
    total = QUEUED_PER_ENDPOINT + 700
    await _publish(stage, total)
    push = stage.engine.push
    await until(lambda: len(shop.received) == shop.most == 32)
    assert push.queued + push.active <= QUEUED_PER_ENDPOINT
    owned = await stage.value("select count(*) from delivery where owner is not null")
    assert owned == len(stage.engine.held) <= QUEUED_PER_ENDPOINT
    # Another endpoint does not notice.
    await stage.receive(stage.callback("delivered"))
    await until(lambda: len(stage.sink.received) == 1, 2)
    _open(shop)
    await _emptied(stage)
    ids = [got.headers["webhook-id"] for got in shop.received]
    assert (total, total) == (len(ids), len(set(ids)))
    assert 32 == shop.most


async def test_a_disabled_endpoint_gets_nothing_and_loses_nothing(stage: Stage, shop: Sink) -> None:
    """No request begins once the change has answered; enabled again, it gets what it was owed."""
    endpoint = await stage.add_endpoint(shop.url, "shop.*")
    _open(shop)
    shop.delay_s = 0.2
    await _publish(stage, 300)
    await until(lambda: len(shop.received) >= 64)
    manager, scope = _manager(stage, endpoint)
    await manager.change_endpoint(scope, endpoint.id, EndpointChanges(enabled=False))
    before = len(shop.received)
    assert before < 300
    await _publish(stage, 1)
    await asyncio.sleep(0.7)
    assert before == len(shop.received)
    await stage.engine.recorder.drained()
    rows = await stage.rows("select owner is null and due is not null, count(*) from delivery"
                            " group by 1")  # fmt: skip
    assert [(True, 300 - before)] == [tuple(row) for row in rows]
    shop.delay_s = 0.0
    await manager.change_endpoint(scope, endpoint.id, EndpointChanges(enabled=True))
    await _emptied(stage)
    ids = {got.headers["webhook-id"] for got in shop.received}
    # Each once, and not what was published while it was disabled.
    assert (300, 300) == (len(shop.received), len(ids))


async def test_a_deleted_endpoint_gets_nothing_any_more(stage: Stage, shop: Sink) -> None:
    """What it was owed ends as cancelled, also at another worker; nothing is left over."""
    other = stage.another_engine()
    await other.start()
    try:
        stage.engine.workers.poke()
        await until(lambda: stage.engine.push._crew == (0, 2))
        endpoint = await stage.add_endpoint(shop.url, "shop.*")
        await _publish(stage, 200)
        # Its half of what the endpoint may be sent at a time.
        await until(lambda: len(shop.received) == 16)
        manager, scope = _manager(stage, endpoint)
        assert await manager.delete_endpoint(scope, endpoint.id)
        assert not await manager.delete_endpoint(scope, endpoint.id)
        assert 0 == await stage.value("select count(*) from delivery")
        _open(shop)
        await until(lambda: stage.engine.push.active == 0)
        await stage.engine.recorder.drained()
        assert 16 == len(shop.received)
        assert 0 == len(stage.engine.held)
        rows = await stage.rows("select final, count(*), count(distinct event) from attempt"
                                " group by 1")  # fmt: skip
        assert [(3, 200, 200)] == [tuple(row) for row in rows]
        await _publish(stage, 5)
        assert 0 == await stage.value("select count(*) from delivery")
    finally:
        await other.stop()


async def test_what_a_deletion_left_over_is_ended_by_housekeeping(stage: Stage, shop: Sink) -> None:
    """Whoever deleted it died before cancelling; another's endpoint keeps what it is owed."""
    gone = await stage.add_endpoint(f"{shop.url}/gone", "shop.*")
    kept = await stage.add_endpoint(f"{shop.url}/kept", "shop.*")
    async with stage.engine.configuration.change() as connection:
        await connection.execute("update endpoint set disabled = now()")
    await stage.execute(
        "insert into delivery (lane, endpoint, ord, tenant, mode, event, due, n, retry) "
        f"select gen_random_uuid(), e, n, {gone.tenant}, 2, gen_random_uuid(), now(), 0, true "
        f"from generate_series(1, 1500) n, unnest(array[{gone.no}, {kept.no}]) e"
    )
    retainer = Retainer(stage.engine.database, Periods())
    await stage.execute(f"update endpoint set deleted = now() where no = {gone.no}")
    await retainer.once()
    assert 3000 == await stage.value("select count(*) from delivery")
    long_ago = "now() - interval '61 s'"
    await stage.execute(f"update endpoint set deleted = {long_ago} where no = {gone.no}")
    await retainer.once()
    rows = await stage.rows("select endpoint, count(*) from delivery group by 1")
    assert [(kept.no, 1500)] == [tuple(row) for row in rows]
    rows = await stage.rows("select endpoint, final, count(*) from attempt group by 1, 2")
    assert [(gone.no, 3, 1500)] == [tuple(row) for row in rows]
    # An endpoint whose time has run out is as good as deleted.
    await stage.execute(f"update endpoint set expires = {long_ago} where no = {kept.no}")
    await retainer.once()
    assert 0 == await stage.value("select count(*) from delivery")
