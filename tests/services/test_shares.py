"""What an endpoint may be sent at a time, shared among the workers: T31."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from ringback.app import Engine
from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.services.guards import OPEN
from ringback.services.slots import Slots
from tests.services.crowd import Traffic, add_endpoints
from tests.services.sink import until
from tests.services.stage import Stage


@pytest.fixture
async def pair(stage: Stage) -> AsyncIterator[tuple[Engine, Engine]]:
    """Two workers that know of each other."""
    other = stage.another_engine()
    await other.start()
    engines = stage.engine, other
    try:
        stage.engine.workers.poke()
        await until(lambda: {engine.push._crew for engine in engines} == {(0, 2), (1, 2)})
        yield engines
    finally:
        await other.stop()


@pytest.mark.parametrize("concurrency", [1, 2, 5, 32, 256])
def test_the_parts_of_all_workers_are_the_whole(concurrency: int) -> None:
    """However many there are; and what is left over is not always the same worker's."""
    policy = DeliveryPolicy(concurrency=concurrency)
    for count in range(1, 12):
        first = set()
        for no in range(1, 25):
            endpoint = Endpoint(
                no, uuid.uuid4(), 1, Mode.TEST, "http://a.example", (), (), policy=policy
            )
            slots = Slots(endpoint, OPEN)
            parts = []
            for rank in range(count):
                slots.share(rank, count)
                parts.append(slots.pace.most)
            assert concurrency == sum(parts)
            assert max(parts) - min(parts) <= 1
            first.add(parts[0])
        assert len(first) == (1 if concurrency % count == 0 else 2)


async def test_one_at_a_time_is_one_for_all_workers(
    stage: Stage, pair: tuple[Engine, Engine]
) -> None:
    """Whichever worker takes the events: the endpoint never has two requests at once."""
    stage.sink.delay_s = 0.02
    policy = DeliveryPolicy(concurrency=1)
    types = await add_endpoints(stage, [stage.sink.url], "one", policy)
    await pair[1].configuration.reload()
    traffics = [Traffic(stage, engine=engine) for engine in pair]
    await asyncio.gather(*(traffic.publish(types * 15) for traffic in traffics))
    await until(lambda: len(stage.sink.received) == 30, 20)
    assert 1 == stage.sink.most


async def test_the_part_of_one_that_leaves_is_the_others(
    stage: Stage, pair: tuple[Engine, Engine]
) -> None:
    """A worker ends: the one that stays has the whole again; what it gave back is sent."""
    types = await add_endpoints(stage, [stage.sink.url] * 2, "few", DeliveryPolicy(concurrency=3))
    await pair[1].configuration.reload()
    numbers = [e.no for e in stage.engine.configuration.snapshot.endpoints.values()]
    parts = [[engine.push._slots[no].pace.most for engine in pair] for no in numbers[-2:]]
    assert [[1, 2], [2, 1]] == sorted(parts)
    await pair[1].workers.leave()
    stage.engine.workers.poke()
    await until(lambda: stage.engine.push._crew == (0, 1))
    assert {3} == {stage.engine.push._slots[no].pace.most for no in numbers[-2:]}
    await Traffic(stage).publish(types)
    await until(lambda: len(stage.sink.received) == 2)


async def test_what_waits_where_nothing_may_be_sent_any_more_is_given_back(
    stage: Stage, pair: tuple[Engine, Engine]
) -> None:
    """The number is lowered below that of the workers: one of them gives all to the other."""
    gate = stage.sink.gate = asyncio.Event()
    types = await add_endpoints(stage, [stage.sink.url], "less", DeliveryPolicy(concurrency=2))
    await pair[1].configuration.reload()
    for engine in pair:
        await Traffic(stage, engine=engine).publish(types * 10)
    await until(lambda: stage.sink.waiting == 2)
    await stage.execute(
        "update endpoint set policy = convert_to(jsonb_set(convert_from(policy, 'utf8')::jsonb, "
        "'{concurrency}', '1')::text, 'utf8') where deleted is null"
    )
    for engine in pair:
        await engine.configuration.reload()
    assert {0, 1} == {next(reversed(engine.push._slots.values())).pace.most for engine in pair}
    stage.sink.most = 0
    gate.set()
    await until(lambda: len(stage.sink.received) == 20, 20)
    assert 1 >= stage.sink.most
