"""How much a worker takes into memory: bounded, and nobody fills it for the others."""

import asyncio
import json
import uuid

from ringback.domain.endpoints import DeliveryPolicy, Endpoint
from ringback.services.claim import CLAIM_MAX, Claimer
from ringback.services.push import QUEUED_BYTES, QUEUED_BYTES_HIGH
from ringback.services.record import READ_MAX
from ringback.services.slots import QUEUED_PER_ENDPOINT
from ringback.storage.hot import Owned
from tests.services.crowd import Traffic, add_endpoints
from tests.services.sink import until
from tests.services.stage import Stage


def _owned(endpoint: Endpoint) -> Owned:
    return Owned(uuid.uuid4(), endpoint.no, 1, uuid.uuid4(), 0)


async def test_a_full_memory_leaves_everybody_what_can_be_sent(stage: Stage) -> None:
    """The large bodies of an endpoint that hangs fill the memory: it gets nothing more, the
    others as much as they may have under way.
    """
    engine = stage.engine
    stage.sink.delay_s = 60
    hung = await stage.add_endpoint(f"{stage.sink.url}/hung")
    other = next(no for no in engine.push.free() if no != hung.no)
    assert {hung.no: QUEUED_PER_ENDPOINT, other: QUEUED_PER_ENDPOINT} == engine.push.free()
    body = bytes(QUEUED_BYTES // 100)
    for _ in range(101 + DeliveryPolicy().concurrency):
        engine.push.start(_owned(hung), body, engine.lease.worker())
    assert {other: DeliveryPolicy().concurrency} == engine.push.free()
    await engine.client.close()


async def test_a_backlog_is_not_taken_in_by_its_share_alone(stage: Stage) -> None:
    """One of three hundred endpoints has a backlog: it is claimed until it is gone, not a few rows
    a second because all might have had some.
    """
    urls = [f"{stage.sink.url}/{number}" for number in range(300)]
    types = await add_endpoints(stage, urls, "one")
    push = stage.engine.push
    push.stopping = True
    await Traffic(stage).publish(types[:1] * 600)
    assert [] == stage.sink.received
    push.stopping = False
    stage.engine.claimer.poke()
    await until(lambda: len(stage.sink.received) == 600, 20)
    assert {"/hook/0"} == {got.path for got in stage.sink.received}


async def test_large_bodies_of_a_claim_stop_at_the_memorys_limit(stage: Stage) -> None:
    """A backlog of large events: what there is no memory for is given back, and comes later."""
    engine = stage.engine
    stage.sink.delay_s = 60
    push = engine.push
    push.stopping = True
    types = await add_endpoints(stage, [f"{stage.sink.url}/large"], "large")
    traffic = Traffic(stage, json.dumps("x" * 250_000).encode())
    count = QUEUED_BYTES // 250_000 + 2 * READ_MAX
    for _ in range(count // 30 + 1):
        await traffic.publish(types * 30)
    push.stopping = False
    engine.claimer.poke()
    await until(lambda: push._bytes >= QUEUED_BYTES, 20)
    for _ in range(5):
        engine.claimer.poke()
        await asyncio.sleep(0.05)
        assert push._bytes < QUEUED_BYTES + READ_MAX * 251_000
    (row,) = await stage.rows("select count(*) from delivery where owner is not null")
    assert len(engine.held) == row[0] < count
    await engine.client.close()


async def test_beyond_twice_that_an_endpoint_gets_one_at_a_time(stage: Stage) -> None:
    """So the many with little are served beside the few that fill everything."""
    push, worker = stage.engine.push, stage.engine.lease.worker()
    stage.sink.delay_s = 60
    hung = await stage.add_endpoint(f"{stage.sink.url}/hung")
    other = next(no for no in push.free() if no != hung.no)
    body = bytes(QUEUED_BYTES_HIGH // 50)
    for _ in range(51 + DeliveryPolicy().concurrency):
        push.start(_owned(hung), body, worker)
    assert {other: 1} == push.free()
    assert (0, 1) == (push.fresh()[hung.no], push.fresh()[other])
    assert (False, True) == (push.takes(hung.no), push.takes(other))
    await stage.engine.client.close()


def test_a_claim_has_its_maximum_however_many_endpoints_there_are() -> None:
    """With more endpoints than rows, some get one and the others their turn."""
    shared = Claimer._fair(dict.fromkeys(range(3 * CLAIM_MAX), 9))
    assert (CLAIM_MAX, {1}) == (sum(shared.values()), set(shared.values()))
    assert shared != Claimer._fair(dict.fromkeys(range(3 * CLAIM_MAX), 9))
    assert {1: 9, 2: CLAIM_MAX // 2} == Claimer._fair({1: 9, 2: 5000})
