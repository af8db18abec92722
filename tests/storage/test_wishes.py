"""Wishes of people that several workers write at the same time."""

import asyncio
import os
import uuid

from ringback.domain.consent import CODE, ConsentWord
from ringback.domain.ids import uuid7
from ringback.storage.database import Connection, connect
from ringback.storage.migrate import steps
from ringback.storage.suppressions import Entry
from tests.storage.rows import MODE, TENANT

_LOW, _MIDDLE, _HIGH = (uuid.UUID(int=number << 64) for number in (1, 2, 3))
_NOW = 1_700_000_000_000


def _entry(
    key: uuid.UUID,
    who: str,
    word: ConsentWord,
    at_ms: int,
    channel: str | None = "sms",
    came_ms: int | None = None,
) -> str:
    id_ = uuid.uuid4() if came_ms is None else uuid7(came_ms, os.urandom(10))
    return Entry(
        id=id_, tenant=TENANT, mode=MODE, key=key, kind="phone", address=who,
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


async def test_words_from_the_future_are_said_when_they_came(hot: Connection) -> None:
    """What earlier versions stored so holds no longer than it should, once this one is there.

    A resumption from next year hid a later opt-out, one of all channels lifted it; an opt-out from
    then outlived the resumption that came after it. What was dated rightly stays as it is.
    """
    year, day = 365 * 86_400_000, 86_400_000
    narrow, lifted, kept, right = (uuid.UUID(int=number << 64) for number in (4, 5, 6, 7))
    first, then = _NOW, _NOW + day
    await _take(
        hot, _entry(right, "+15550105", "opted_out", first - 5, came_ms=first),
        _entry(narrow, "+15550102", "opted_in", first + year, came_ms=first),
        _entry(_HIGH, "+15550103", "opted_in", first + year, None, first),
        _entry(kept, "+15550104", "opted_out", first + year, came_ms=first),
    )  # fmt: skip
    await _take(
        hot, _entry(narrow, "+15550102", "opted_out", then, came_ms=then),
        _entry(kept, "+15550104", "opted_in", then, came_ms=then),
    )  # fmt: skip
    # Lifted when it was written, by what was dated later than it.
    await _take(hot, _entry(lifted, "+15550103", "opted_out", then, came_ms=then))
    await _take(hot, _entry(_LOW, "+15550103", "opted_in", first + year, None, first))
    (step,) = [one for one in steps() if one.name == "0004_words_from_the_future"]
    before = await hot.fetch("select key, word from suppression order by key")
    assert [(narrow, 1), (lifted, 1), (kept, 2), (right, 2)] == [tuple(row) for row in before[-4:]]
    for _ in range(2):
        async with hot.transaction():
            await hot.execute(step.text)
        rows = await hot.fetch(
            "select key, word, (extract(epoch from since) * 1000)::bigint "
            "from suppression order by key"
        )
        assert [
            (narrow, 2, then), (lifted, 2, then), (kept, 1, then), (right, 2, first - 5),
        ] == [tuple(row) for row in rows[-4:]]  # fmt: skip
    ahead = "select count(*) from suppression_entry where since > to_timestamp($1 / 1000.0)"
    assert 0 == await hot.fetchval(ahead, then)
