"""The hot path's statements: read subjects, commit a batch, finish deliveries, claim.

Rows are collected column by column, because each call sends arrays. This module decides nothing.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from ringback.storage.database import Connection
from ringback.storage.queries import query

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(4096)
def timestamp(at_ms: int) -> datetime:
    """Turn milliseconds since 1970 into what PostgreSQL takes, exactly."""
    return _EPOCH + timedelta(milliseconds=at_ms)


class SubjectRow(NamedTuple):
    """A subject as it was read, under the key that found it."""

    id: uuid.UUID
    version: int
    sequence: int
    seen: list[int]
    data: bytes
    part: int


class CommitRows(msgspec.Struct):
    """What one call of `commit_batch` writes: one list per table, one tuple per row.

    Rows refer to each other by position, counted from 1; 0 means none.
    """

    callbacks: list[tuple[object, ...]] = []
    about: list[tuple[int, int]] = []
    keys: list[tuple[uuid.UUID, int, int]] = []
    subjects: list[tuple[object, ...]] = []
    pending: list[tuple[int, int, int, str | None, int]] = []
    settled: list[tuple[int, int]] = []
    facts: list[tuple[int, int]] = []
    search: list[tuple[int, int, str]] = []
    media: list[tuple[uuid.UUID, int, int, int, bytes]] = []
    once: list[tuple[uuid.UUID, int, int]] = []
    kept: list[tuple[int, bytes, bytes]] = []
    wishes: list[tuple[int, str]] = []
    events: list[tuple[object, ...]] = []
    replays: list[tuple[uuid.UUID, int, int]] = []
    deliveries: list[tuple[int, int, uuid.UUID, bool, bool]] = []


_WIDTHS = {
    "callbacks": 14, "about": 2, "keys": 3, "subjects": 10, "pending": 5, "settled": 2, "facts": 2,
    "search": 3, "media": 5, "once": 3, "kept": 3, "wishes": 2, "events": 10, "replays": 3,
    "deliveries": 5,
}  # fmt: skip


class Committed(NamedTuple):
    """What `commit_batch` answers; positions count from 1."""

    base: int
    lost: list[int]
    repeated: list[int]
    behind: list[int]


class Owned(NamedTuple):
    """A delivery that is now in this worker's hands."""

    lane: uuid.UUID
    endpoint: int
    ord: int
    event: uuid.UUID
    n: int
    retry: bool = True


class Finished(NamedTuple):
    """One attempt and what it means for its delivery; `final` 0 retries after `wait_s` seconds."""

    lane: uuid.UUID
    endpoint: int
    ord: int
    id: uuid.UUID
    status: int | None
    error: str | None
    ms: float
    final: int
    wait_s: float
    detail: bytes
    response: bytes


def _columns(rows: CommitRows) -> list[list[object] | None]:
    """Turn rows into columns; a table without rows is null, which costs the driver nothing."""
    columns: list[list[object] | None] = []
    for name, width in _WIDTHS.items():
        table: list[tuple[object, ...]] = getattr(rows, name)
        columns += map(list, zip(*table, strict=True)) if table else [None] * width
    return columns


async def read_subjects(
    connection: Connection,
    keys: list[uuid.UUID],
    wanted: Collection[tuple[int, str | None]] = (),
) -> tuple[dict[uuid.UUID, SubjectRow], set[tuple[int, str | None]]]:
    """Read the subjects that keys name, without a lock, and for which of `wanted` a send is flying.

    What is wanted are pairs of a connection's number and an address; address None is any.
    """
    numbers, addresses = [pair[0] for pair in wanted], [pair[1] for pair in wanted]
    rows = await connection.fetch(query("subjects.read"), keys, numbers, addresses)
    flying = {(row[7], row[8]) for row in rows if row[0] is None}
    subjects = {row[0]: SubjectRow(*row[1:7]) for row in rows if row[0] is not None}
    return subjects, flying | {(number, None) for number, _ in flying}


async def read_facts(
    connection: Connection, facts: list[tuple[uuid.UUID, int]]
) -> set[tuple[uuid.UUID, int]]:
    """Say which of these facts are known beyond the 64 that their subjects carry."""
    subjects, hashes = [fact[0] for fact in facts], [fact[1] for fact in facts]
    rows = await connection.fetch(query("subjects.read_facts"), subjects, hashes)
    return {(row[0], row[1]) for row in rows}


async def forgotten(connection: Connection, limit: int) -> list[tuple[uuid.UUID, int, int]]:
    """Return provisional subjects, with their tenants and modes, that no send can claim."""
    await connection.execute(query("subjects.expire_sends"))
    rows = await connection.fetch(query("subjects.forgotten"), limit)
    if rows:
        await connection.execute(query("subjects.drop_orphans"), [row[0] for row in rows])
    return [(row[0], row[1], row[2]) for row in rows]


async def unanswered(connection: Connection, limit: int) -> list[tuple[uuid.UUID, int, int]]:
    """Return sends that nobody has finished in time, as (message, tenant, mode)."""
    rows = await connection.fetch(query("subjects.unanswered"), limit)
    return [(row[0], row[1], row[2]) for row in rows]


async def read_once(connection: Connection, keys: list[uuid.UUID]) -> set[uuid.UUID]:
    """Say which of these once keys are known in the current or the previous generation."""
    rows = await connection.fetch(query("subjects.read_once"), keys)
    return {row[0] for row in rows}


async def commit_batch(
    connection: Connection, worker: int, rows: CommitRows, now: datetime | None = None
) -> Committed:
    """Write a batch in one transaction. `now` is None in production: the database's clock."""
    row = await connection.fetchrow(query("subjects.commit"), worker, now, *_columns(rows))
    assert row is not None
    return Committed(*row)


async def stored(
    connection: Connection, events: list[uuid.UUID], callbacks: list[uuid.UUID]
) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Say which of these events and callbacks are in the database."""
    found = await connection.fetch(query("subjects.stored_events"), events)
    raw = await connection.fetch(query("subjects.stored_callbacks"), callbacks)
    return {row[0] for row in found}, {row[0] for row in raw}


async def owned_by(connection: Connection, worker: int) -> list[Owned]:
    """Return every open delivery that a worker owns."""
    return [Owned(*row) for row in await connection.fetch(query("deliveries.owned"), worker)]


async def finish_batch(
    connection: Connection, worker: int, results: list[Finished], now: datetime | None = None
) -> list[Owned]:
    """Record attempts; return the next deliveries of the lanes that ended, now ours."""
    ordered = sorted(results, key=lambda result: result[:3])
    columns = [list(column) for column in zip(*ordered, strict=True)]
    rows = await connection.fetch(query("deliveries.finish"), worker, now, *columns)
    return [Owned(*row) for row in rows]


async def claim(
    connection: Connection, worker: int, free: dict[int, int], now: datetime | None = None
) -> list[Owned]:
    """Take due deliveries: at most `free[endpoint]` for each endpoint's number."""
    rows = await connection.fetch(
        query("deliveries.claim"), worker, now, list(free), list(free.values())
    )
    return [Owned(*row) for row in rows]


async def release(connection: Connection, worker: int, rows: Sequence[Owned | Finished]) -> None:
    """Give deliveries back without an attempt; whoever claims next has them."""
    await connection.execute(query("deliveries.release"), worker, *_places(rows))


async def end_gone(connection: Connection, worker: int, rows: Sequence[Owned]) -> int:
    """End those of these deliveries whose events are not there any more; return how many."""
    ended: int = await connection.fetchval(query("deliveries.end_gone"), worker, *_places(rows))
    return ended


def _places(rows: Sequence[Owned | Finished]) -> list[list[object]]:
    """Return the primary keys of deliveries as columns, in the order of locks."""
    ordered = sorted(rows, key=lambda row: row[:3])
    return [[row[index] for row in ordered] for index in range(3)]


async def bodies(connection: Connection, events: list[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Read the bodies of events by id; what retention removed is missing from the answer."""
    rows = await connection.fetch(query("deliveries.bodies"), events)
    return {row[0]: row[1] for row in rows}
