"""Work that waits for a batch, and how several committers share it."""

import asyncio
from typing import Any, cast

from ringback.services.commit import Backlog
from tests.services.sink import until
from tests.services.stage import Stage, fresh


def test_a_second_committer_leaves_small_batches_to_the_first() -> None:
    """Its bell is rung when so much waits as it begins with, the first one's for anything."""
    backlog, first, second = Backlog(), asyncio.Event(), asyncio.Event()
    backlog.ring(1, first)
    backlog.ring(3, second)
    items = [cast("Any", number) for number in range(3)]
    backlog.add(items[0])
    assert (True, False) == (first.is_set(), second.is_set())
    backlog.add(items[1])
    assert not second.is_set()
    backlog.add(items[2], first=True)
    assert second.is_set()
    assert [2, 0, 1] == [cast("Any", item) for item in backlog.waiting]


async def test_while_one_batch_is_written_another_is_decided(stage: Stage) -> None:
    """With the first committer held up, what piles up is stored and answered all the same."""
    engine = stage.engine
    async with engine.committer.quiet:
        early = asyncio.create_task(stage.receive(stage.callback("sent", fresh())))
        await until(lambda: engine.committer._busy)
        later = [
            asyncio.create_task(stage.receive(stage.callback("sent", fresh()))) for _ in range(80)
        ]
        await until(lambda: sum(task.done() for task in later) >= 40)
        assert not early.done()
    assert {200} == {(await task).status for task in (early, *later)}
    await until(lambda: len(stage.sink.received) == 81)
