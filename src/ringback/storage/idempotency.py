"""What was answered under an idempotency key: claimed, answered, forgotten, expired.

Answers lie here as they are given: whoever calls seals them.
"""

import uuid
from typing import NamedTuple

from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope
from ringback.storage.queries import query

_STEP = 10_000


class Kept(NamedTuple):
    """A key that is known. Status and answer are None while its first request is under way."""

    fingerprint: bytes
    status: int | None
    answer: bytes | None
    age_s: float


class KeptPublication(NamedTuple):
    """A publication that was stored under a key; `answer` is the ids of its events."""

    fingerprint: bytes
    answer: bytes


async def claim(database: Database, key: uuid.UUID, scope: Scope, fingerprint: bytes) -> bool:
    """Claim a key; False when it is known already."""
    row = await database.row(query("idempotency.claim"), key, *scope, fingerprint)
    return row is not None


async def read(database: Database, key: uuid.UUID, scope: Scope) -> Kept | None:
    """Return what is known of a key, or None."""
    row = await database.row(query("idempotency.read"), key, *scope)
    return Kept(*row) if row else None


async def answer(
    database: Database, key: uuid.UUID, scope: Scope, status: int, sealed: bytes
) -> None:
    """Keep the answer to the request that claimed a key."""
    await database.rows(query("idempotency.answer"), key, *scope, status, sealed)


async def forget(database: Database, key: uuid.UUID, scope: Scope) -> None:
    """Give a key back: nothing came of its request."""
    await database.rows(query("idempotency.forget"), key, *scope)


async def read_publications(
    connection: Connection, keys: list[uuid.UUID]
) -> dict[uuid.UUID, KeptPublication]:
    """Return what was published under these keys within a day."""
    rows = await connection.fetch(query("idempotency.read_publications"), keys)
    return {row[0]: KeptPublication(*row[1:]) for row in rows}


async def expire(connection: Connection) -> None:
    """Remove keys whose time is over, in small steps."""
    while len(await connection.fetch(query("idempotency.expire"), _STEP)) == _STEP:
        pass
