"""T32: an endpoint that comes back gets what has waited for it without being run over again."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ringback.domain.endpoints import DeliveryPolicy
from ringback.services import pace
from ringback.services.pace import FAILING
from tests.services.crowd import Limited, Traffic, add_endpoints, peak
from tests.services.sink import until
from tests.services.stage import Stage, fresh
from tests.sizes import FULL, SIZES

PENDING = SIZES.herd
PER_SECOND = 50
# Ten times what a receiver of fifty a second needs; the rates are what is asserted.
PATIENCE_S = 60 + 10 * PENDING / PER_SECOND
# What waits at a start, and for how long it is sent at least: eight in the first second, sixteen in
# the next. A machine that stands still for three seconds first has come to 64 a second by then.
WAITING, SLOWLY_S = 30, 0.4
pytestmark = pytest.mark.timeout(PATIENCE_S + 120)


@pytest.fixture
async def limited() -> AsyncIterator[Limited]:
    """A receiver that is down."""
    sink = Limited(PER_SECOND)
    await sink.start()
    yield sink
    await sink.stop()


async def _published_while_down(stage: Stage, limited: Limited) -> float:
    """Let all be published for it; return for how many seconds it was asked meanwhile."""
    loop = asyncio.get_running_loop()
    await stage.execute("update endpoint set deleted = now()")
    types = await add_endpoints(stage, [limited.url], "one")
    began = loop.time()
    traffic = Traffic(stage)
    await traffic.publish(types * FAILING)
    await until(lambda: stage.engine.push.slowed == (1, 0))
    await traffic.publish(types * (PENDING - FAILING))
    return loop.time() - began


async def test_who_fails_is_hardly_asked(stage: Stage, limited: Limited) -> None:
    """Of all that is published for it, ten find out that it fails; then it is one a second, and
    all the rest waits in the database, unattempted.
    """
    took = await _published_while_down(stage, limited)
    await asyncio.sleep(3)
    most = DeliveryPolicy().concurrency + (took + 3) * 2
    assert FAILING < len(limited.received) <= most
    assert PENDING == await stage.value("select count(*) from delivery")
    untried = await stage.value("select count(*) from delivery where n = 0 and due is not null")
    assert isinstance(untried, int)
    assert PENDING - len(limited.received) <= untried < PENDING
    assert stage.engine.push.active + stage.engine.push.queued <= 1


async def test_who_comes_back_is_not_run_over(
    stage: Stage, limited: Limited, record_property: Callable[[str, object], None]
) -> None:
    """A receiver of fifty a second gets everything, never twice as many in a second (in full: never
    5 % more), does not fall over again, and what waits only becomes less.
    """
    await _published_while_down(stage, limited)
    loop = asyncio.get_running_loop()
    limited.down = False
    began = loop.time()
    left = [PENDING]
    async with asyncio.timeout(PATIENCE_S):
        while left[-1]:
            await asyncio.sleep(1)
            open_ = await stage.value("select count(*) from delivery")
            assert isinstance(open_, int)
            left.append(open_)
    most = peak(limited.offered)
    record_property("offered in a second at most", most)
    record_property("offered", len(limited.offered))
    record_property("seconds", loop.time() - began)
    assert sorted(left, reverse=True) == left
    assert 0 == limited.collapses
    assert most <= PER_SECOND * (1.05 if SIZES is FULL else 2)
    ids = {got.headers["webhook-id"] for got in limited.received}
    assert (PENDING, PENDING) == (len(limited.taken), len(ids))
    await until(lambda: stage.engine.push.slowed[0] == 0)


async def test_a_worker_that_starts_begins_slowly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has waited for a start is not sent all at once, to an endpoint of which nothing is known
    yet.
    """
    stage.sink.answers.extend([(400, "retry-after: 600\r\n")] * WAITING)
    for _ in range(WAITING):
        await stage.receive(stage.callback("sent", fresh()))
    await until(lambda: stage.engine.recorder.attempts == WAITING)
    await stage.engine.stop()
    await stage.execute("update delivery set due = now()")
    stage.sink.received.clear()
    monkeypatch.setattr(pace, "RESUMED_RATE", 8.0)
    starting = stage.another_engine()
    await starting.start()
    try:
        await until(lambda: len(stage.sink.received) == WAITING)
    finally:
        await starting.stop()
    assert stage.sink.received[-1].at - stage.sink.received[0].at > SLOWLY_S
