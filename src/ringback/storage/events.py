"""Reading events: one, the newest, those of a type or a message. Bodies are the bytes as stored."""

import uuid
from datetime import datetime
from typing import NamedTuple

from ringback.domain.ids import floor7, time_of
from ringback.storage.database import Database, Row
from ringback.storage.hot import timestamp
from ringback.storage.lists import SCAN_MAX, SKEW_MS, Found, Scope, Window, nearest_first
from ringback.storage.queries import query


class StoredEvent(NamedTuple):
    """An event as every endpoint is sent it."""

    id: uuid.UUID
    pos: int
    body: bytes


class MessageEvent(NamedTuple):
    """An event in the life of a message, and the callback that brought it about."""

    id: uuid.UUID
    pos: int
    type: str
    sequence: int
    occurred: datetime
    callback: uuid.UUID | None
    body: bytes


class Brief(NamedTuple):
    """What an event is, without its body."""

    type: str
    subject: uuid.UUID | None


class Typed(NamedTuple):
    """An event by its type, and the subject that it is about."""

    id: uuid.UUID
    type: str
    subject: uuid.UUID | None


class Placed(NamedTuple):
    """An event's place in the feed."""

    pos: int
    id: uuid.UUID


def not_before(cause: uuid.UUID) -> uuid.UUID:
    """Return the id below which nothing can lie that came after `cause`: it prunes partitions."""
    return floor7(max(time_of(cause) - SKEW_MS, 0))


class WholeEvent(NamedTuple):
    """An event with what it is about."""

    id: uuid.UUID
    subject: uuid.UUID | None
    body: bytes


def moment(at_ms: int) -> datetime:
    """Turn milliseconds since 1970 into a moment."""
    return timestamp(at_ms)


async def whole(database: Database, scope: Scope, id_: uuid.UUID) -> WholeEvent | None:
    """Return an event with its subject, or None when there is none of this id."""
    row = await database.row(query("events.whole"), id_, *scope)
    return WholeEvent(*row) if row else None


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> StoredEvent | None:
    """Return an event, or None when this tenant and mode has none of this id."""
    row = await database.row(query("events.get"), id_, *scope)
    return StoredEvent(row["id"], row["pos"], row["body"]) if row else None


async def newest(database: Database, scope: Scope, window: Window) -> Found[StoredEvent]:
    """Return events in the order of the feed. Keys are positions."""
    rows = await database.rows(
        query("events.page"), *scope, window.below, window.above, window.limit
    )
    return Found(_in_order(rows, window))


async def last(database: Database, scope: Scope, limit: int) -> list[Typed]:
    """Return the types of the last events of the feed, newest first."""
    newest_of_all = Window(limit).below
    rows = await database.rows(query("events.last"), *scope, newest_of_all, limit)
    return [Typed(*row) for row in rows]


async def of_types(
    database: Database, scope: Scope, patterns: list[str], window: Window
) -> Found[StoredEvent]:
    """Return events of types (`message.read`) or families (`message.*`), looking at 20,000."""
    stems = [pattern[:-1] for pattern in patterns if pattern.endswith("*")]
    rows = await database.rows(
        query("events.of_types"), *scope, window.below, window.above, window.limit, SCAN_MAX,
        patterns, stems,
    )  # fmt: skip
    found = _in_order(rows, window)
    if len(found) >= window.limit:
        return Found(found)
    edge = await database.row(
        query("events.edge"), *scope, window.below, window.above, SCAN_MAX - 1
    )
    return Found(found, (edge["pos"],) if edge else None)


async def of_message(
    database: Database, scope: Scope, message: uuid.UUID, window: Window
) -> Found[MessageEvent]:
    """Return the events of a message. Keys are positions."""
    rows = await database.rows(
        query("events.of_message"), *scope, window.below, window.above, window.limit,
        [message], [not_before(message)],
    )  # fmt: skip
    told = (MessageEvent(*row) for row in rows)
    return Found(nearest_first(told, window, lambda event: event.pos))


def _in_order(rows: list[Row], window: Window) -> list[StoredEvent]:
    return nearest_first((StoredEvent(*row) for row in rows), window, lambda event: event.pos)


async def positions(
    database: Database, scope: Scope, *, down_from: int | None, up_from: int | None, limit: int
) -> list[Placed]:
    """Return events by position: from `down_from` downwards, or from `up_from` upwards."""
    rows = await database.rows(query("events.positions"), *scope, down_from, up_from, limit)
    found = [Placed(*row) for row in rows]
    return sorted(found, key=lambda placed: placed.pos, reverse=down_from is not None)


async def briefs(database: Database, scope: Scope, ids: list[uuid.UUID]) -> dict[uuid.UUID, Brief]:
    """Say what these events are; what retention removed is missing."""
    rows = await database.rows(query("events.briefs"), *scope, ids)
    return {row[0]: Brief(row[1], row[2]) for row in rows}
