"""A database that turns read-only under a running engine, and back: it lives, and loses nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.services.sink import until
from tests.services.stage import Stage, fresh

POSTERS = 16
# Each phase lasts until so many more have been answered as they are to be.
PHASE = 60


@asynccontextmanager
async def read_only(dsn: str) -> AsyncIterator[None]:
    """Have every connection cut and every new one read-only, and keep that as long as it lives."""
    connection = await asyncpg.connect(
        dsn, server_settings={"default_transaction_read_only": "off"}
    )
    try:
        name = await connection.fetchval("select quote_ident(current_database())")
        change = f"alter database {name} set default_transaction_read_only"
        await connection.execute(f"{change} = on")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            await connection.execute(f"{change} = off")
    finally:
        await connection.close()


async def test_under_load_nothing_is_lost_and_nothing_unread(stage: Stage) -> None:
    """Providers are told to come again, and every callback is read when the database takes it."""
    statuses: Counter[int] = Counter()
    posted: list[str] = []
    over = asyncio.Event()

    async def post() -> None:
        while not over.is_set():
            posted.append(fresh())
            callback = stage.callback("delivered", posted[-1])
            while (status := (await stage.receive(callback)).status) != 200:
                statuses[status] += 1
                await asyncio.sleep(0.02)
            statuses[200] += 1

    async def phase(status: int) -> None:
        enough = statuses[status] + PHASE
        await until(lambda: statuses[status] >= enough)

    posters = [asyncio.create_task(post()) for _ in range(POSTERS)]
    await phase(200)
    for _ in range(2):
        async with read_only(stage.dsn):
            await phase(503)
        # The connections that were opened meanwhile are read-only still.
        await phase(200)
    over.set()
    await asyncio.gather(*posters)
    assert {200, 503} == set(statuses)
    outcomes = await stage.rows("select distinct outcome from callback")
    assert [2] == [row["outcome"] for row in outcomes]
    assert len(posted) == await stage.value("select count(distinct subject) from event")
    assert len(posted) == await stage.value("select count(*) from event")
    await until(
        lambda: len({got.headers["webhook-id"] for got in stage.sink.received}) == len(posted)
    )
