"""Wishes of people that several workers write at the same time."""

import asyncio
import uuid

from ringback.domain.consent import CODE, ConsentWord
from ringback.storage.database import Connection, connect
from ringback.storage.suppressions import Entry
from tests.storage.rows import MODE, TENANT

_LOW, _MIDDLE, _HIGH = (uuid.UUID(int=number << 64) for number in (1, 2, 3))
_NOW = 1_700_000_000_000


def _entry(
    key: uuid.UUID, who: str, word: ConsentWord, at_ms: int, channel: str | None = "sms"
) -> str:
    return Entry(
        id=uuid.uuid4(), tenant=TENANT, mode=MODE, key=key, kind="phone", address=who,
        channel=channel, sender="+15550100", purpose=None, connection=1, word=CODE[word],
        since_ms=at_ms, source="keyword", event=None, callback=None, message=None, evidence={},
    ).written()  # fmt: skip


async def _take(connection: Connection, *entries: str) -> None:
    await connection.execute("select take_wishes(($1::text[])::jsonb[])", list(entries))


async def _waiting(observer: Connection, pid: int) -> None:
    """Wait until a session waits for a lock."""
    asks = "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1"
    async with asyncio.timeout(20):
        while not await observer.fetchval(asks, pid):
            await asyncio.sleep(0.01)


async def test_wishes_of_one_person_never_wait_in_a_circle(
    dsn: str, hot: Connection, second: Connection
) -> None:
    """One worker lifts what another suppresses, with the rows in their hands the other way round.

    The one is between two of its rows when the other begins. Both come to their ends, and the
    newest word holds.
    """
    who, other = "+15550101", "+15550102"
    await _take(
        hot, _entry(_LOW, who, "opted_out", _NOW), _entry(_MIDDLE, other, "opted_out", _NOW),
        _entry(_HIGH, who, "opted_out", _NOW, None),
    )  # fmt: skip
    outs = [
        _entry(_LOW, who, "opted_out", _NOW + 1), _entry(_MIDDLE, other, "opted_out", _NOW + 1),
        _entry(_HIGH, who, "opted_out", _NOW + 1, None),
    ]  # fmt: skip
    third = await connect(dsn, hot=True)
    try:
        tasks: list[asyncio.Task[None]] = []
        async with third.transaction():
            await third.execute("select from suppression where key = $1 for update", _MIDDLE)
            for connection, entries in (
                (hot, outs), (second, [_entry(_HIGH, who, "opted_in", _NOW + 2, None)]),
            ):  # fmt: skip
                tasks.append(asyncio.create_task(_take(connection, *entries)))
                await _waiting(third, connection.get_server_pid())
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [None, None] == found
    finally:
        await third.close()
    rows = await hot.fetch("select key, word from suppression order by key")
    assert [(_LOW, 1), (_MIDDLE, 2), (_HIGH, 1)] == [tuple(row) for row in rows]


async def test_thousands_of_wishes_are_written_at_once(hot: Connection) -> None:
    """However many people a batch speaks of, it holds a few locks for them."""
    entries = [
        _entry(uuid.uuid4(), f"+1555{number:06}", "opted_out", _NOW) for number in range(4096)
    ]
    async with hot.transaction():
        await _take(hot, *entries)
        held = (
            "select count(*) from pg_locks where pid = pg_backend_pid() "
            "and locktype = 'advisory' and classid = 8421"
        )
        assert 64 == await hot.fetchval(held)
    assert 4096 == await hot.fetchval("select count(*) from suppression")
