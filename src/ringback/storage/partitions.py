"""Daily partitions: made two weeks ahead, detached and dropped when their retention is over.

`CREATE … PARTITION OF` and `DROP` would block every commit behind any open reader, so a day is
created as a table and attached, and leaves by `DETACH CONCURRENTLY` before it is dropped.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from ringback.domain.ids import DAY_MS, floor7
from ringback.storage.database import Connection, Database
from ringback.storage.queries import query

DAYS_AHEAD = 14
DAILY = ("callback", "event", "attempt")
_LOCK_ATTEMPTS = 30
_LOCK_PAUSE_S = 0.5
EXPIRE_BATCH = 1000


def _day_of(name: str) -> datetime:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC)


def _bound(day: datetime) -> str:
    return str(floor7(int(day.timestamp() * 1000)))


async def today(connection: Connection) -> datetime:
    """Return the database's clock."""
    now: datetime = await connection.fetchval(query("partitions.today"))
    return now


async def lower_bounds(database: Database, table: str) -> list[datetime]:
    """Return the days (UTC midnights) that `table` has partitions for."""
    rows = await database.rows(query("partitions.attached"), table)
    return [_day_of(row["name"]) for row in rows if not row["detaching"]]


async def extend(connection: Connection) -> list[str]:
    """Make the partitions from yesterday to two weeks ahead; return the new ones' names.

    Of several callers at once one works and the others wait.
    """
    await connection.execute(query("partitions.lock"))
    try:
        return await _extend(connection)
    finally:
        await connection.execute(query("partitions.unlock"))


async def _extend(connection: Connection) -> list[str]:
    midnight = (await today(connection)).replace(hour=0, minute=0, second=0, microsecond=0)
    made = []
    for table in DAILY:
        rows = await connection.fetch(query("partitions.attached"), table)
        attached = {row["name"] for row in rows}
        for offset in range(-1, DAYS_AHEAD + 1):
            day = midnight + timedelta(days=offset)
            name = f"{table}_{day:%Y%m%d}"
            if name not in attached:
                await _attach(connection, table, name, day)
                made.append(name)
    return made


async def _attach(connection: Connection, table: str, name: str, day: datetime) -> None:
    lower, upper = _bound(day), _bound(day + timedelta(days=1))
    await _patiently(
        connection,
        f"create table if not exists {name} (like {table} including defaults including storage)",
    )
    await _patiently(
        connection,
        f"alter table {table} attach partition {name} for values from ('{lower}') to ('{upper}')",
    )


async def remove_before(connection: Connection, table: str, day: datetime) -> list[str]:
    """Detach and drop the partitions of `table` that end at or before `day` (UTC midnight).

    Open deliveries of the events that go end as exhausted first. A removal that was interrupted
    is finished. Returns the names of what was dropped.
    """
    rows = await connection.fetch(query("partitions.attached"), table)
    leaving = [row["name"] for row in rows if _day_of(row["name"]) + timedelta(days=1) <= day]
    if table == "event" and leaving:
        last = max(map(_day_of, leaving))
        await _expire(connection, floor7(int(last.timestamp() * 1000) + DAY_MS))
    # As long as one is being detached, PostgreSQL detaches no other: finish that first.
    begun = [row["name"] for row in rows if row["detaching"]]
    for name in [*begun, *(name for name in leaving if name not in begun)]:
        await _detach(connection, table, name)
    dropped = []
    for row in await connection.fetch(query("partitions.detached"), table):
        if _day_of(row["name"]) + timedelta(days=1) <= day:
            await _patiently(connection, f"drop table {row['name']}")
            dropped.append(row["name"])
    return dropped


async def _expire(connection: Connection, before: UUID) -> None:
    """End the open deliveries of events below `before`, a thousand in each transaction."""
    while await connection.fetchval(query("partitions.expire_deliveries"), before, EXPIRE_BATCH):
        pass


async def _detach(connection: Connection, table: str, name: str) -> None:
    """Detach a partition, or finish detaching it: a wait that was cut short leaves it half done."""
    for _ in range(_LOCK_ATTEMPTS):
        rows = await connection.fetch(query("partitions.attached"), table)
        begun = {row["name"]: row["detaching"] for row in rows}
        if name not in begun:
            return
        how = "finalize" if begun[name] else "concurrently"
        if await _briefly(connection, f"alter table {table} detach partition {name} {how}"):
            return
        await asyncio.sleep(_LOCK_PAUSE_S)
    raise TimeoutError(f"no lock within {_LOCK_ATTEMPTS} attempts: detach {name}")


async def _patiently(connection: Connection, statement: str) -> None:
    for _ in range(_LOCK_ATTEMPTS):
        if await _briefly(connection, statement):
            return
        await asyncio.sleep(_LOCK_PAUSE_S)
    raise TimeoutError(f"no lock within {_LOCK_ATTEMPTS} attempts: {statement}")


async def _briefly(connection: Connection, statement: str) -> bool:
    """Run DDL so that others queue behind it for a second at most; False when it got no lock."""
    await connection.execute("set lock_timeout = '1s'")
    try:
        await connection.execute(statement)
        return True
    except asyncpg.LockNotAvailableError:
        return False
    finally:
        await connection.execute("set lock_timeout = default")
