"""Reading callbacks: one whole, the newest, those of a connection, an outcome or a message.

Those that are held while a connection is paused: held.py.
"""

import uuid
from datetime import datetime
from typing import NamedTuple

import msgspec

from ringback.domain.http import Headers
from ringback.domain.outcomes import CODE, WORD, Outcome
from ringback.storage.database import Database, Row
from ringback.storage.events import not_before
from ringback.storage.lists import Found, Scope, Window, nearest_first
from ringback.storage.queries import query

_headers = msgspec.json.Decoder(Headers).decode


class StoredCallback(NamedTuple):
    """A callback without its raw parts; `subject` when all of it is about one message."""

    id: uuid.UUID
    received: datetime
    method: str
    outcome: Outcome
    reason: str
    items: int
    subject: uuid.UUID | None
    connection: uuid.UUID
    provider: str


class RawCallback(NamedTuple):
    """A callback as it came, but for what was hidden when it was stored."""

    callback: StoredCallback
    url: str
    peer: str
    headers: Headers
    body: bytes


class LastCallback(NamedTuple):
    """The newest callback of a connection."""

    id: uuid.UUID
    received: datetime
    outcome: Outcome


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> RawCallback | None:
    """Return a callback, or None when this tenant and mode has none of this id."""
    row = await database.row(query("callbacks.get"), id_, *scope)
    if row is None:
        return None
    return RawCallback(_callback(row), row["url"], row["peer"], _headers(row["headers"]), row[-1])


async def newest(database: Database, scope: Scope, window: Window) -> Found[StoredCallback]:
    """Return callbacks by when they were stored."""
    rows = await database.rows(
        query("callbacks.page"), *scope, window.before, window.after, window.limit
    )
    return Found(_in_order(rows, window))


async def filtered(
    database: Database,
    scope: Scope,
    window: Window,
    *,
    connection: uuid.UUID | None,
    outcome: Outcome | None,
) -> Found[StoredCallback]:
    """Return the callbacks of a connection, of an outcome, or of both."""
    outcomes = [CODE[outcome]] if outcome else list(WORD)
    rows = await database.rows(
        query("callbacks.filtered"), *scope, window.before, window.after, window.limit,
        connection, outcomes,
    )  # fmt: skip
    return Found(_in_order(rows, window))


async def of_message(
    database: Database, scope: Scope, message: uuid.UUID, named: list[uuid.UUID], limit: int
) -> list[StoredCallback]:
    """Return the callbacks that are about a message alone, and those that `named` lists; oldest
    first.
    """
    alone = await database.rows(
        query("callbacks.of_message"), *scope, [message], [not_before(message)], limit
    )
    others = await database.rows(query("callbacks.by_ids"), *scope, named) if named else []
    found = {callback.id: callback for callback in map(_callback, [*alone, *others])}
    return sorted(found.values(), key=lambda callback: callback.id)[:limit]


async def digests(database: Database, scope: Scope, ids: list[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return the SHA-256 of callbacks' bodies, by their ids."""
    rows = await database.rows(query("callbacks.digests"), *scope, ids)
    return {row[0]: row[1] for row in rows}


async def last_of_connection(
    database: Database, scope: Scope, connection: int
) -> LastCallback | None:
    """Return the newest callback of a connection (its number), or None."""
    row = await database.row(query("callbacks.last_of_connection"), *scope, connection, list(WORD))
    return LastCallback(row[0], row[1], WORD[row[2]]) if row else None


def _in_order(rows: list[Row], window: Window) -> list[StoredCallback]:
    return nearest_first(map(_callback, rows), window, lambda callback: callback.id)


def _callback(row: Row) -> StoredCallback:
    return StoredCallback(
        id=row[0], received=row[1], method=row[2], outcome=WORD[row[3]], reason=row[4],
        items=row[5], subject=row[6], connection=row[7], provider=row[8],
    )  # fmt: skip


async def reread(
    database: Database, scope: Scope, id_: uuid.UUID, outcome: Outcome, reason: str, items: int
) -> None:
    """Note what a callback was read as when it was read again."""
    await database.rows(query("callbacks.reread"), id_, *scope, CODE[outcome], reason, items)
