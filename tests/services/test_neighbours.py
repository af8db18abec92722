"""T31: endpoints that hang cost the others nothing, however many hang and whatever is sent to them.

Their requests are under way and not answered until the test is over, their queues are full. Every
endpoint has a receiver of its own kind on loopback; the engine and its database are real.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from ringback.domain.endpoints import DeliveryPolicy
from ringback.services.push import CONCURRENT, QUEUED_MAX
from tests.services.crowd import Traffic, add_endpoints, p99
from tests.services.sink import Sink, until
from tests.services.stage import Stage
from tests.sizes import FULL, SIZES

ENDPOINTS = SIZES.neighbours
SECONDS = SIZES.neighbours_s
# In full T31's bars on a quiet machine, with one that hangs and with more; else ten times a second.
# Without the feature it is the endpoints' timeout.
QUICK_S, P99_S = 1.0, 10.0
OF_ALONE, OF_ALONE_MANY = 1.2, 2.0
HUNG_RATE = 100.0
ALONE_S = 10
# Enough at once for every place, if those that hang were given them.
AT_ONCE = 2 * DeliveryPolicy().concurrency
pytestmark = pytest.mark.timeout(120 + 4 * SECONDS)


@asynccontextmanager
async def _hanging(count: int) -> AsyncIterator[list[Sink]]:
    sinks = [Sink() for _ in range(count)]
    for sink in sinks:
        sink.gate = asyncio.Event()
        await sink.start()
    try:
        yield sinks
    finally:
        for sink in sinks:
            assert sink.gate is not None
            sink.gate.set()
            await sink.stop()


async def _first_attempts(
    stage: Stage, traffic: Traffic, types: list[str], seconds: float
) -> list[float]:
    """Send each type five events a second; return how long each took to its first attempt."""
    stage.sink.received.clear()
    traffic.published.clear()
    await traffic.flow(dict.fromkeys(types, 5.0), seconds)
    published = traffic.published
    await until(lambda: len(stage.sink.received) >= len(published), 60)
    assert {"1"} == {got.headers["ringback-attempt"] for got in stage.sink.received}
    assert published.keys() == {got.headers["webhook-id"] for got in stage.sink.received}
    return [got.at - published[got.headers["webhook-id"]] for got in stage.sink.received]


@pytest.mark.parametrize("hung", [1, ENDPOINTS // 10, ENDPOINTS // 2])
async def test_those_that_hang_cost_the_others_nothing(
    stage: Stage, record_property: Callable[[str, object], None], hung: int
) -> None:
    """One, a tenth or half of all endpoints never answer, while the others are sent five events a
    second each: all of these arrive, in time, at their first attempt.
    """
    await stage.execute("update endpoint set deleted = now()")
    async with _hanging(hung) as sinks:
        urls = [f"{stage.sink.url}/{number}" for number in range(ENDPOINTS - hung)]
        healthy = await add_endpoints(stage, urls, "well")
        ill = await add_endpoints(stage, [sink.url for sink in sinks], "ill")
        traffic, noise = Traffic(stage), Traffic(stage)
        alone = p99(await _first_attempts(stage, traffic, healthy, min(SECONDS, ALONE_S)))
        await noise.publish(ill * AT_ONCE)
        await until(lambda: all(sink.waiting for sink in sinks))
        flow = asyncio.create_task(noise.flow(dict.fromkeys(ill, HUNG_RATE / hung), SECONDS))
        beside = p99(await _first_attempts(stage, traffic, healthy, SECONDS))
        await flow
        push = stage.engine.push
        record_property("p99 alone", alone)
        record_property("p99 beside them", beside)
        record_property("under way", push.active)
        assert push.active < CONCURRENT
        assert push.queued <= QUEUED_MAX
        assert beside <= _bar(hung, alone)


def _bar(hung: int, alone: float) -> float:
    if SIZES is not FULL:
        return P99_S
    return max(QUICK_S, OF_ALONE * alone) if hung == 1 else OF_ALONE_MANY * alone
