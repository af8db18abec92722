"""How much a worker takes into memory: bounded, and nobody fills it for the others."""

import uuid

from ringback.domain.endpoints import DeliveryPolicy, Endpoint
from ringback.services.push import QUEUED_BYTES, QUEUED_PER_ENDPOINT
from ringback.storage.hot import Owned
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
        engine.push.start(_owned(hung), body)
    assert {other: DeliveryPolicy().concurrency} == engine.push.free()
    await engine.client.close()
