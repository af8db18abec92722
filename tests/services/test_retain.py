"""Housekeeping on a real database, a hundred days from now: what goes, what stays, who does it."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import msgspec
import pytest

from ringback.domain.ids import IdSequence, show
from ringback.domain.messages import Message
from ringback.domain.search import terms
from ringback.services.retain import Periods, Retainer
from ringback.storage import partitions, retention
from ringback.storage.database import Database, connect
from ringback.storage.hot import CommitRows, commit_batch
from tests.services.sink import until
from tests.services.stage import Stage
from tests.storage.rows import MODE

# A commit may wait a second for each of two locks; ten times that is late.
LATE_S = 20.0
_ENDED = """
select event, n, worker, status, final, convert_from(detail, 'UTF8')::json->>'decision'
from attempt where error = 'retention' order by ord
"""
_REMOVED = "Exhausted: the event was removed before its turn came."
_TABLES = ("subject", "subject_key", "fact", "search_key")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool on a database with one tenant."""
    database = Database(dsn)
    await database.open()
    await database.rows(
        "insert into tenant (id, name) values (gen_random_uuid(), 'Default') returning no"
    )
    yield database
    await database.close()


async def _today(database: Database) -> datetime:
    async with database.acquire() as connection:
        now = await partitions.today(connection)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


async def _value(database: Database, sql: str) -> object:
    row = await database.row(sql)
    assert row is not None
    return row[0]


def _names(table: str, first: datetime, last: datetime) -> set[str]:
    days = range((last - first).days + 1)
    return {f"{table}_{first + timedelta(days=day):%Y%m%d}" for day in days}


async def test_a_hundred_days_later(database: Database) -> None:
    """Callbacks of 30 days and events and attempts of 90 are kept, to the day; the rest is gone."""
    today = await _today(database)
    first = today - timedelta(days=1)
    retainer = Retainer(database, Periods())
    assert [] == await retainer.once(today + timedelta(days=29, hours=23))
    dropped = await retainer.once(today + timedelta(days=100, hours=3))
    expected = _names("callback", first, today + timedelta(days=14))
    expected |= _names("event", first, today + timedelta(days=9))
    expected |= _names("attempt", first, today + timedelta(days=9))
    assert (len(expected), expected) == (len(dropped), set(dropped))
    assert 5 == await _value(
        database, "select count(*) from pg_inherits where inhparent = 'event'::regclass"
    )
    assert [] == await retainer.once(today)
    assert 16 == await _value(
        database, "select count(*) from pg_inherits where inhparent = 'callback'::regclass"
    )


async def test_one_worker_keeps_house(dsn: str, database: Database) -> None:
    """While one is at it another does nothing; of three at once, one does all of the work."""
    later = (await _today(database)) + timedelta(days=100)
    other = await connect(dsn)
    assert await retention.lock(other)
    assert [] == await Retainer(database, Periods()).once(later)
    assert 16 == await _value(
        database, "select count(*) from pg_inherits where inhparent = 'event'::regclass"
    )
    await other.close()
    turns = [Retainer(database, Periods()).once(later) for _ in range(3)]
    assert [0, 0, 16 + 11 + 11] == sorted(len(names) for names in await asyncio.gather(*turns))


async def _add_messages(dsn: str, at_ms: int, count: int) -> list[uuid.UUID]:
    """Add messages with keys, a fact beyond their own, and search terms."""
    connection = await connect(dsn, hot=True)
    ids = IdSequence(at_ms, os.urandom(10))
    made = []
    for start in range(0, count, 500):
        rows = CommitRows()
        for number in range(start, min(start + 500, count)):
            id_ = ids.next()
            message = Message(
                "observed", "outbound", to=f"+1555{number:07}", from_="+15550100",
                reference=f"order-{number % 10}", provider_message_id=f"m-{at_ms}-{number}",
            )  # fmt: skip
            data = msgspec.msgpack.encode(message)
            rows.subjects.append((id_, 1, MODE, 1, -1, 1, 4, "{1}", data, None))
            place = len(rows.subjects)
            rows.keys += [(uuid.uuid4(), place, part) for part in range(2)]
            rows.facts.append((place, number))
            rows.search += [(place, kind, value) for kind, value in terms(message)]
            made.append(id_)
        await commit_batch(connection, 1, rows)
    await connection.close()
    return made


async def _turn_into_others(database: Database, ids: list[uuid.UUID]) -> None:
    """Make what publishers name, calls and orders of messages: they are found by no terms."""
    await database.rows("delete from search_key where subject = any ($1) returning kind", ids)
    data = msgspec.msgpack.encode({"sequence": 1})
    for id_, kind in zip(ids, (9, 2, 3, 9), strict=True):
        await database.rows(
            "update subject set kind = $2, data = $3 where id = $1 returning id", id_, kind, data
        )


async def _left(database: Database) -> list[object]:
    return [await _value(database, f"select count(*) from {table}") for table in _TABLES]


async def test_old_messages_go_with_all_that_names_them(dsn: str, database: Database) -> None:
    """After 13 months, 500 in each transaction: what is locked holds up its batch, no other."""
    today = await _today(database)
    start = int(today.timestamp() * 1000)
    old = await _add_messages(dsn, start - 1, 1100)
    await _turn_into_others(database, old[:4])
    young = await _add_messages(dsn, start, 3)
    assert [1103, 2 * 1103, 1103, 4 * 1099] == await _left(database)
    blocker = await asyncpg.connect(dsn)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select from subject where id = $1 for update", max(old))
    turn = asyncio.create_task(
        Retainer(database, Periods()).once(today + timedelta(days=Periods().messages))
    )
    async with asyncio.timeout(10):
        while await _value(database, "select count(*) from subject") != 103:
            await asyncio.sleep(0.02)
    assert [103, 2 * 103, 103, 4 * 103] == await _left(database)
    await transaction.rollback()
    await blocker.close()
    await turn
    assert [3, 6, 3, 12] == await _left(database)
    rows = await database.rows("select id from subject order by id")
    assert young == [row["id"] for row in rows]


async def test_once_keys_move_on_every_36_days(dsn: str, database: Database) -> None:
    """A new generation, the one before it is kept, the one before that goes; never too early."""
    retainer = Retainer(database, Periods())

    async def tables() -> list[str]:
        rows = await database.rows(
            "select inhrelid::regclass::text as name from pg_inherits"
            " where inhparent = 'once_key'::regclass order by 1"
        )
        return [row["name"] for row in rows]

    await database.rows("update once_generation set since = now() - interval '35 days'")
    await retainer.once()
    assert ["once_key_1"] == await tables()
    for expected in (["once_key_1", "once_key_2"], ["once_key_2", "once_key_3"]):
        await database.rows("update once_generation set since = now() - interval '36 days'")
        await retainer.once()
        assert expected == await tables()
    await retainer.once()
    assert 3 == await _value(database, "select gen from once_generation")


async def test_a_long_reader_holds_up_no_commit(dsn: str, database: Database) -> None:
    """A new generation needs a lock that a backup does not give: it waits for another hour."""
    await database.rows("update once_generation set since = now() - interval '36 days'")
    reader = await asyncpg.connect(dsn)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select from once_key")
    turn = asyncio.create_task(Retainer(database, Periods()).once())
    connection = await connect(dsn, hot=True)
    slowest = 0.0
    ids = IdSequence(int(time.time() * 1000), os.urandom(10))
    while not turn.done():
        rows = CommitRows()
        rows.once.append((ids.next(), 1, MODE))
        began = time.monotonic()
        await commit_batch(connection, 1, rows)
        slowest = max(slowest, time.monotonic() - began)
        await asyncio.sleep(0.02)
    assert slowest < LATE_S
    assert [] == await turn
    assert 1 == await _value(database, "select gen from once_generation")
    await transaction.rollback()
    await reader.close()
    await connection.close()
    await Retainer(database, Periods()).once()
    assert 2 == await _value(database, "select gen from once_generation")


async def test_housekeeping_outlives_its_troubles(dsn: str, database: Database) -> None:
    """Connections that are cut, whatever they were doing, end a turn and never the loop."""
    day = (await _today(database)) + timedelta(days=14)
    await database.rows(f"drop table event_{day:%Y%m%d}")
    reader = await asyncpg.connect(dsn)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select pg_advisory_xact_lock(8420, 4)")
    loop = asyncio.create_task(Retainer(database, Periods(), 0.0, 0.05).run())
    for _ in range(3):
        async with asyncio.timeout(10):
            cut = "select pg_terminate_backend(pid) from pg_locks where objid = 4 and not granted"
            while not await database.rows(cut):
                await asyncio.sleep(0.02)
    await transaction.rollback()
    await reader.close()
    async with asyncio.timeout(10):
        while not await _value(database, f"select to_regclass('event_{day:%Y%m%d}') is not null"):
            await asyncio.sleep(0.02)
    assert not loop.done()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def _open(stage: Stage) -> dict[tuple[str, int], uuid.UUID]:
    """Let m1 wait for a retry with two more behind, and m2 with one; return the events."""
    # So late that no retry comes of itself, however slow the machine.
    stage.sink.answers.extend([(400, "retry-after: 600\r\n")] * 2)
    for message in ("m1", "m2"):
        await stage.receive(stage.callback("sent", message))
        await until(lambda: not stage.engine.held)
    await stage.receive(stage.callback("delivered", "m1"))
    await stage.receive(stage.callback("read", "m1"))
    await stage.receive(stage.callback("delivered", "m2"))
    rows = await stage.rows(
        "select id, convert_from(body, 'UTF8')::json->'data' as data from event order by pos"
    )
    told = [(row["id"], msgspec.json.decode(row["data"])) for row in rows]
    return {(data["message"]["provider_message_id"], data["sequence"]): id_ for id_, data in told}


async def test_what_is_owed_of_removed_events_ends(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Removed while it is due, or while it waits: exhausted, in words, once; what waited behind is
    sent, and nothing counts as stuck.
    """
    events = await _open(stage)
    gone = [events["m2", 1], events["m1", 2]]
    await stage.engine.stop()
    for id_ in gone:
        await stage.execute(f"delete from event where id = '{id_}'")
    await stage.execute("update delivery set due = now() where due is not null")
    stage.sink.received.clear()
    # A worker that remembers no bodies.
    engine = stage.another_engine()
    await engine.start()
    try:
        async with asyncio.timeout(10):
            while await stage.value("select count(*) from delivery"):
                await asyncio.sleep(0.05)
        for _ in range(2):
            await engine.astray.once()
        await engine.stuck.once()
        counts = (engine.astray.count, engine.stuck.count, engine.reconciler.returned)
    finally:
        await engine.stop()
    assert (0, 0, 0) == counts
    # One attempt of the first was made, none of the second: their ends are no further ones.
    expected = [(id_, n, 0, None, 2, _REMOVED) for id_, n in zip(gone, (1, 0), strict=True)]
    assert expected == [tuple(row) for row in await stage.rows(_ENDED)]
    assert 2 == capsys.readouterr().out.count("delivery.event_gone")
    left = {show("evt", id_) for id_ in events.values() if id_ not in gone}
    assert left == {got.headers["webhook-id"] for got in stage.sink.received}
    assert len(left) == len(stage.sink.received)


async def test_a_day_goes_while_its_event_is_on_the_wire(dsn: str, stage: Stage) -> None:
    """The delivery has ended by then: whatever is answered, it is not sent again."""
    stage.sink.gate = asyncio.Event()
    await stage.receive(stage.callback("sent"))
    await until(lambda: stage.sink.waiting == 1)
    admin = await connect(dsn)
    tomorrow = (await partitions.today(admin)) + timedelta(days=1)
    await partitions.remove_before(
        admin, "event", tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
    )
    await admin.close()
    stage.sink.answers.append((500, ""))
    stage.sink.gate.set()
    await until(lambda: not stage.engine.held)
    for _ in range(2):
        await stage.engine.astray.once()
    assert (0, 0) == (stage.engine.astray.count, stage.engine.reconciler.returned)
    ended = await stage.rows("select n, worker, error, final from attempt")
    assert [(0, 0, "retention", 2)] == [tuple(row) for row in ended]
    assert (0, 1) == (await stage.value("select count(*) from delivery"), len(stage.sink.received))
