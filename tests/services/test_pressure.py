"""Back-pressure: who waits, in which order, and for how long."""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator

from ringback.app import ON_THE_WAY_HIGH
from ringback.domain.http import Callback
from ringback.services import profile
from ringback.services.pressure import LAG_S, PROVIDER_WAIT_MAX_S, WAIT_MAX_S, Pressure
from ringback.storage.hot import Owned
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage, fresh


class _Gauges:
    """What the pressure is measured by, set by hand."""

    def __init__(self) -> None:
        self.on_the_way = 0
        self.unrecorded = 10_000
        self.pressure = Pressure(lambda: self.on_the_way, lambda: self.unrecorded, 100)


async def test_who_waits_longest_is_let_in_first_and_a_few_at_a_time() -> None:
    """What they bring shows only later, so not all of them at once; and nobody passes the line."""
    gauges, entered = _Gauges(), list[int]()
    gauges.on_the_way = 100

    async def come(number: int) -> None:
        assert await gauges.pressure.admit()
        entered.append(number)
        if len(entered) == 4:
            gauges.on_the_way = 100  # what the first have brought

    tasks = [asyncio.create_task(come(number)) for number in range(32)]
    await asyncio.sleep(0.05)
    assert [] == entered
    gauges.on_the_way = 0
    while len(entered) < 4:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    assert list(range(4)) == entered
    gauges.on_the_way = 0
    late = asyncio.create_task(come(99))
    await asyncio.gather(*tasks, late)
    assert [*range(32), 99] == entered
    assert (33, 0) == (gauges.pressure.slowed, gauges.pressure.refused)


async def test_who_has_waited_too_long_is_told_to_come_again() -> None:
    """Publishers after two seconds; providers are taken all the same, sooner."""
    gauges = _Gauges()
    gauges.on_the_way = 100
    began = asyncio.get_running_loop().time()
    publisher = asyncio.create_task(gauges.pressure.admit())
    await gauges.pressure.slow()
    assert not publisher.done()
    assert not await publisher
    assert asyncio.get_running_loop().time() - began >= WAIT_MAX_S
    assert 1 == gauges.pressure.refused


async def test_slow_endpoints_alone_hold_nobody_back() -> None:
    """Many deliveries on their way are no reason while this worker has time for them."""
    gauges = _Gauges()
    gauges.on_the_way, gauges.unrecorded = 10_000, 0
    assert gauges.pressure.lag_s < LAG_S
    assert await gauges.pressure.admit()
    assert 0 == gauges.pressure.slowed


@contextlib.asynccontextmanager
async def _behind(stage: Stage) -> AsyncIterator[None]:
    """Have a worker with a thousand deliveries on their way and no time for them."""
    engine = stage.engine
    for number in range(ON_THE_WAY_HIGH):
        engine.held.add(Owned(uuid.uuid4(), 0, number, uuid.uuid4(), 0))

    async def hog() -> None:
        while True:
            time.sleep(5 * LAG_S)  # noqa: ASYNC251 - what is wanted: the loop is late
            await asyncio.sleep(0)

    task = asyncio.create_task(hog())
    try:
        await until(lambda: engine.pressure.behind)
        yield
    finally:
        task.cancel()


async def test_a_worker_that_is_behind_slows_intake_before_it_refuses_it(stage: Stage) -> None:
    """A provider's callback is taken half a second later, a publisher told to come again."""
    known = profile.read(BASE_URL)
    assert known is not None
    headers = (("authorization", f"Bearer {known.api_key}"),)
    event = json.dumps({"type": "order.created", "data": {}}).encode()
    request = Callback("POST", f"{BASE_URL}/v1/events", headers, event)
    publish = stage.engine.publisher.publish
    assert 201 == (await publish("", request)).status
    async with _behind(stage):
        began = time.monotonic()
        assert 200 == (await stage.receive(stage.callback("sent", fresh()))).status
        assert time.monotonic() - began >= PROVIDER_WAIT_MAX_S
        refused = await publish("", request)
        assert (429, "1") == (refused.status, dict(refused.headers)["retry-after"])
    assert (2, 1) == (stage.engine.pressure.slowed, stage.engine.pressure.refused)
