"""How much a worker takes into memory: bounded, and nobody fills it for the others."""

import uuid

from ringback.domain.endpoints import DeliveryPolicy, Endpoint
from ringback.services.push import QUEUED_BYTES, QUEUED_PER_ENDPOINT
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
