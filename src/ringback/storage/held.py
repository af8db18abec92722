"""Callbacks that are held, because their connection was paused: taking them, counting them."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec

from ringback.domain.http import Callback, Headers
from ringback.domain.outcomes import CODE, Outcome
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope
from ringback.storage.queries import query

HELD = CODE["held"]
# A connection is worked off by one worker at a time: the lock is (this, its number).
_LOCK = 8423
_headers = msgspec.json.Decoder(Headers).decode


class HeldCallback(NamedTuple):
    """A callback that is held, as it was stored; `reason` is what was said of its proof."""

    id: uuid.UUID
    received: datetime
    callback: Callback
    reason: str


class Taken(NamedTuple):
    """What a held callback was read as."""

    id: uuid.UUID
    outcome: Outcome
    reason: str
    items: int
    subject: uuid.UUID | None


class Weight(NamedTuple):
    """So many callbacks with so many bytes; `last` is the newest one's id."""

    n: int
    size: int
    last: uuid.UUID | None


class HeldCount(NamedTuple):
    """How many are held of a connection, as far as they were counted; when the oldest came."""

    n: int
    oldest: datetime | None
    age_s: float


@asynccontextmanager
async def mine(database: Database, number: int) -> AsyncIterator[bool]:
    """Claim a connection for as long as the caller works on it; False while another worker has it.

    The claim is a lock of a database session that is kept for it, without a transaction: it may
    last as long as the work does. It is gone when the session is, so at once with a worker that
    dies.
    """
    async with database.acquire() as session:
        row = await session.fetchrow(query("held.mine"), _LOCK, number)
        assert row is not None
        yield row["mine"]
        # Of what comes back, the pool gives up all locks and settings, also after an error.


async def oldest(
    database: Database, scope: Scope, number: int, most: int, bytes_max: int
) -> list[HeldCallback]:
    """Return the oldest that are held of a connection: so many and so large, but one at least."""
    rows = await database.rows(query("held.oldest"), *scope, number, HELD, most, bytes_max)
    return [
        HeldCallback(
            row["id"], row["received"],
            Callback(row["method"], row["url"], _headers(row["headers"]), row["body"], row["peer"]),
            row["reason"],
        )
        for row in rows
    ]  # fmt: skip


async def taken(database: Database, scope: Scope, read: Sequence[Taken]) -> None:
    """Note what held callbacks were read as; needs no claim, for that does not change any more."""
    ids, outcomes, reasons, items, subjects = zip(*read, strict=True)
    codes = [CODE[outcome] for outcome in outcomes]
    await database.rows(
        query("held.taken"), *scope, HELD, list(ids), codes, list(reasons), list(items),
        list(subjects),
    )  # fmt: skip


async def weigh(
    database: Database, scope: Scope, number: int, behind: uuid.UUID, most: int
) -> Weight:
    """Weigh what is held of a connection behind an id, so many at most."""
    row = await database.row(query("held.weigh"), *scope, number, HELD, behind, most)
    assert row is not None
    return Weight(row["n"], row["bytes"], row["last"])


async def count(connection: Connection, numbers: Sequence[int], most: int) -> dict[int, HeldCount]:
    """Count what is held of connections, by their numbers; up to `most` of each."""
    if not numbers:
        return {}
    rows = await connection.fetch(query("held.count"), list(numbers), HELD, most)
    return {row["connection"]: HeldCount(row["n"], row["oldest"], row["age_s"]) for row in rows}
