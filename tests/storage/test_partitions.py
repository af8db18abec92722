"""Daily partitions: made ahead, bounded by ids, removed without anybody waiting, and finished."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from ringback.domain.ids import DAY_MS, IdSequence, uuid7
from ringback.storage import partitions, workers
from ringback.storage.database import Connection, connect
from ringback.storage.hot import CommitRows, Finished, claim, commit_batch, finish_batch
from tests.storage.rows import MODE, TENANT, Maker

# What others may have to wait for behind a change of partitions, and ten times that.
LOCKED_S = 1.0
LATE_S = 10 * LOCKED_S


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Connection]:
    """An ordinary connection, as housekeeping opens it."""
    connection = await connect(dsn)
    yield connection
    await connection.close()


async def _names(connection: Connection, table: str) -> list[str]:
    rows = await connection.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent = $1::regclass order by 1", table,
    )  # fmt: skip
    return [row["name"] for row in rows]


async def _midnight(connection: Connection) -> datetime:
    now = await partitions.today(connection)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _name(table: str, day: datetime) -> str:
    return f"{table}_{day:%Y%m%d}"


async def test_two_weeks_are_made_ahead(admin: Connection) -> None:
    """Yesterday to fourteen days from now for each table; a second time there is nothing to do."""
    today = await _midnight(admin)
    days = [today + timedelta(days=offset) for offset in range(-1, 15)]
    for table in partitions.DAILY:
        assert [_name(table, day) for day in days] == await _names(admin, table)
    assert [] == await partitions.extend(admin)
    for table in partitions.DAILY:
        await admin.execute(f"drop table {_name(table, days[-1])}, {_name(table, days[3])}")
    made = await partitions.extend(admin)
    wanted = {_name(table, days[place]) for table in partitions.DAILY for place in (3, -1)}
    assert wanted == set(made)
    for table in partitions.DAILY:
        assert [_name(table, day) for day in days] == await _names(admin, table)


async def test_several_at_once_make_each_day_once(dsn: str, admin: Connection) -> None:
    """A start and the housekeeping of a running worker may meet: neither fails."""
    for table in partitions.DAILY:
        for name in (await _names(admin, table))[5:]:
            await admin.execute(f"drop table {name}")
    others = [await connect(dsn) for _ in range(3)]
    made = await asyncio.gather(*(partitions.extend(other) for other in others))
    assert 3 * 11 == len({name for names in made for name in names}) == sum(map(len, made))
    for other in others:
        await other.close()


async def test_a_day_that_was_made_and_not_attached_is_attached(admin: Connection) -> None:
    """Whoever was interrupted in between left a table that belongs to nothing yet."""
    day = (await _midnight(admin)) + timedelta(days=14)
    name = _name("event", day)
    await admin.execute(f"alter table event detach partition {name}")
    assert [name] == await partitions.extend(admin)
    assert name == (await _names(admin, "event"))[-1]


async def test_ids_lie_in_the_partition_of_their_day(admin: Connection) -> None:
    """To the millisecond: 23:59:59.999 is the one day, 00:00:00.000 the next, whatever follows."""
    today = await _midnight(admin)
    start = int(today.timestamp() * 1000)
    expected = {}
    for at_ms, day in (
        (start - 1, today - timedelta(days=1)), (start, today),
        (start + DAY_MS - 1, today), (start + DAY_MS, today + timedelta(days=1)),
    ):  # fmt: skip
        for entropy in (bytes(10), b"\xff" * 10):
            expected[uuid7(at_ms, entropy)] = _name("event", day)
        expected[IdSequence(at_ms, b"\xff" * 10).next()] = _name("event", day)
    for id_ in expected:
        await _add_event(admin, id_)
    rows = await admin.fetch("select id, tableoid::regclass::text as name from event")
    assert expected == {row["id"]: row["name"] for row in rows}


async def _add_event(connection: Connection, id_: uuid.UUID) -> None:
    await connection.execute(
        "insert into event (id, tenant, mode, pos, type, sequence, occurred, body)"
        " values ($1, $2, $3, 1, 'message.sent', 1, now(), 'body')", id_, TENANT, MODE,
    )  # fmt: skip


async def _open_day(
    admin: Connection, hot: Connection, worker: int, day: datetime
) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """Leave a lane with two deliveries of an old day in front of one of today."""
    old = Maker(int(day.timestamp() * 1000) + 1000)
    lane = old.ids.next()
    rows = old.story(lane, events=2)
    await commit_batch(hot, worker, rows)
    today = Maker(int((await partitions.today(admin)).timestamp() * 1000))
    later = CommitRows()
    today.delivery(later, today.event(later, 0), lane)
    assert [1] == (await commit_batch(hot, worker, later)).behind
    events: list[uuid.UUID] = [row[0] for row in rows.events]  # type: ignore[misc]
    return lane, events


async def test_days_that_are_over_go_whole(admin: Connection, hot: Connection, worker: int) -> None:
    """Exactly the old days; their open deliveries end as exhausted, and what waited is let go."""
    today = await _midnight(admin)
    lane, events = await _open_day(admin, hot, worker, today - timedelta(days=1))
    assert [] == await partitions.remove_before(admin, "event", today - timedelta(days=1))
    assert 3 == await admin.fetchval("select count(*) from event")
    gone = await partitions.remove_before(admin, "event", today)
    assert [_name("event", today - timedelta(days=1))] == gone
    assert 15 == len(await _names(admin, "event"))
    assert 1 == await admin.fetchval("select count(*) from event")
    ended = await admin.fetch("select event, final, error, n, detail from attempt order by ord")
    assert [(id_, 2, "retention", 0) for id_ in events] == [tuple(row[:4]) for row in ended]
    assert b"retention removed the event" in ended[0]["detail"]
    (claimed,) = await claim(hot, worker, {1: 10})
    assert lane == claimed.lane
    assert claimed.event not in events
    assert 0 == await workers.unblock(admin)


async def test_many_open_deliveries_end_in_small_steps(
    admin: Connection, hot: Connection, worker: int
) -> None:
    """More than one step's worth: all end, each once, in lanes that others work on meanwhile."""
    today = await _midnight(admin)
    old = Maker(int(today.timestamp() * 1000) - DAY_MS)
    count = partitions.EXPIRE_BATCH + 200
    for start in range(0, count, 300):
        rows = CommitRows()
        lanes = sorted((uuid.uuid4() for _ in range(300)), key=lambda lane: lane.int)
        for lane in lanes:
            old.delivery(rows, old.event(rows, 0), lane, own=start > 0)
        await commit_batch(hot, worker, rows)
    assert 1 == len(await partitions.remove_before(admin, "event", today))
    ended = await admin.fetchrow("select count(*), count(distinct event) from attempt")
    assert (count, count) == tuple(ended or ())
    assert 0 == await admin.fetchval("select count(*) from delivery")


async def _while_reading(dsn: str, seconds: float, work: Callable[[], Awaitable[object]]) -> object:
    """Do some work while somebody reads the tables in a transaction of so many seconds."""
    reader = await asyncpg.connect(dsn)
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in partitions.DAILY:
        await reader.fetch(f"select count(*) from {table}")
    task = asyncio.ensure_future(work())
    await asyncio.sleep(seconds)
    assert not task.done() or task.exception() is None
    await transaction.rollback()
    await reader.close()
    return await task


async def _longest_commit(dsn: str, worker: int, stop: asyncio.Event) -> float:
    """Commit all the time, on a connection of its own; return the seconds of the slowest."""
    connection = await connect(dsn, hot=True)
    now = await partitions.today(connection)
    maker = Maker(int(now.timestamp() * 1000))
    slowest = 0.0
    while not stop.is_set():
        began = time.monotonic()
        await commit_batch(connection, worker, maker.story(maker.ids.next()))
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.01)
    await connection.close()
    return slowest


async def test_nobody_waits_behind_a_long_reader(dsn: str, admin: Connection, worker: int) -> None:
    """While a backup reads everything, days are made and removed; commits go on all the time."""
    today = await _midnight(admin)
    for table in partitions.DAILY:
        await admin.execute(f"drop table {(await _names(admin, table))[-1]}")

    async def keep_house() -> tuple[list[str], list[str]]:
        made = await partitions.extend(admin)
        return made, await partitions.remove_before(admin, "event", today)

    stop = asyncio.Event()
    commits = asyncio.create_task(_longest_commit(dsn, worker, stop))
    done = await _while_reading(dsn, 2.5, keep_house)
    stop.set()
    last = today + timedelta(days=14)
    made = [_name(table, last) for table in partitions.DAILY]
    assert (made, [_name("event", today - timedelta(days=1))]) == done
    assert await commits < LATE_S


async def test_a_removal_that_was_interrupted_is_finished(dsn: str, admin: Connection) -> None:
    """Detached half, and detached but not dropped: the next run ends both and goes on."""
    today = await _midnight(admin)
    first, second, third = (await _names(admin, "attempt"))[:3]
    await admin.execute(f"alter table attempt detach partition {first} concurrently")

    async def half() -> None:
        await admin.execute("set lock_timeout = '200ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await admin.execute(f"alter table attempt detach partition {third} concurrently")

    await _while_reading(dsn, 0.5, half)
    pending = await admin.fetchval("select inhrelid::regclass::text from pg_inherits"
                                   " where inhdetachpending")  # fmt: skip
    assert third == pending
    gone = await partitions.remove_before(admin, "attempt", today + timedelta(days=2))
    assert [first, second, third] == gone
    assert 13 == len(await _names(admin, "attempt"))


async def test_a_late_end_is_fenced(admin: Connection, hot: Connection, worker: int) -> None:
    """A request under way while its day goes ends without a trace: its end was told already."""
    today = await _midnight(admin)
    lane, (event, _) = await _open_day(admin, hot, worker, today - timedelta(days=1))
    place = await admin.fetchval("select ord from delivery where event = $1", event)
    await partitions.remove_before(admin, "event", today)
    result = Finished(lane, 1, place, uuid.uuid4(), 200, None, 1.0, 1, 0.0, b"{}", b"")
    await finish_batch(hot, worker, [result])
    rows = await admin.fetch("select final, error from attempt where event = $1", event)
    assert [(2, "retention")] == [tuple(row) for row in rows]
