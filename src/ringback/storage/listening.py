"""Endpoints without a URL: what they are owed beside the feed, and what their listeners answer."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from ringback.domain.ids import time_of
from ringback.storage import feed
from ringback.storage.database import Connection, Database
from ringback.storage.feed import FeedEvent, Place, Stretch, Wanted
from ringback.storage.lists import Scope
from ringback.storage.queries import query

# What is owed beside the feed is read so many at a time.
OWED_MAX = 20


class Waiting(NamedTuple):
    """An endpoint by its number, and whose it is."""

    scope: Scope
    endpoint: int


class Made(NamedTuple):
    """An attempt that a listener made; `status` is None when there was no answer."""

    id: uuid.UUID
    event: uuid.UUID
    ord: int
    n: int
    status: int | None
    error: str | None
    ms: float
    final: int
    detail: bytes
    response: bytes


async def after(
    database: Database, waiting: Waiting, place: Place, wanted: Wanted, limit: int, size: int,
    now_ms: int,
) -> Stretch:  # fmt: skip
    """Return what an endpoint is told after a place: the feed, and what it alone is owed.

    Both are read as of one moment, so that the position behind them holds for both.
    """
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        told = await feed.scan(connection.fetch, waiting.scope, place, wanted, limit, size, now_ms)
        owed = await connection.fetch(
            query("listening.owed"), *waiting.scope, waiting.endpoint, place.pos, OWED_MAX + 1
        )
        events = {event.pos: event for event in told.events}
        upto = told.place
        if not told.more and owed:
            upto = Place(max(upto.pos, owed[-1]["ord"]), upto.at_ms)
        more = told.more
        if len(owed) > OWED_MAX and owed[OWED_MAX - 1]["ord"] <= upto.pos:
            upto, more = Place(owed[OWED_MAX - 1]["ord"], place.at_ms), True
        beside = [
            row for row in owed[:OWED_MAX] if row["ord"] <= upto.pos and row["ord"] not in events
        ]
        bodies = await connection.fetch(
            query("listening.bodies"), *waiting.scope, [row["event"] for row in beside]
        )
    known = {row["id"]: row for row in bodies}
    for row in beside:
        if (event := known.get(row["event"])) is not None:
            events[row["ord"]] = FeedEvent(event["id"], row["ord"], event["type"], event["body"])
    in_order = [events[pos] for pos in sorted(events) if pos <= upto.pos]
    return Stretch(in_order, upto, more)


def behind(event: FeedEvent, since: Place) -> Place:
    """Return the place behind an event that was told after a place; it may be an old one."""
    return Place(event.pos, max(time_of(event.id), since.at_ms))


async def newest(database: Database, waiting: Collection[Waiting]) -> dict[int, int]:
    """Return the newest position of what each of these endpoints is owed beside the feed."""
    rows = await database.rows(
        query("listening.newest"), [one.scope.tenant for one in waiting],
        [one.scope.mode for one in waiting], [one.endpoint for one in waiting],
    )  # fmt: skip
    return {row["endpoint"]: row["ord"] for row in rows}


async def known(
    database: Database, waiting: Waiting, told: list[tuple[uuid.UUID, int]]
) -> dict[int, int]:
    """Say which of these (event, ord) an endpoint may have been told, by their places from 0.

    Each with the number of attempts that there are.
    """
    rows = await database.rows(
        query("listening.known"), *waiting.scope, waiting.endpoint,
        [event for event, _ in told], [ord_ for _, ord_ in told],
    )  # fmt: skip
    return {row["i"] - 1: row["before"] for row in rows}


async def answer(database: Database, waiting: Waiting, worker: int, made: list[Made]) -> None:
    """Write attempts down; what they were made for is owed no more."""
    place = (*waiting.scope, waiting.endpoint)
    async with database.acquire() as connection, connection.transaction():
        await connection.execute(query("listening.end"), *place, [one.ord for one in made])
        await connection.execute(query("listening.next"), *place)
        columns = [list(column) for column in zip(*made, strict=True)]
        await connection.execute(query("listening.add"), *place, worker, *columns)


async def renew(connection: Connection, id_: uuid.UUID, scope: Scope, expires: datetime) -> None:
    """Let an endpoint that has not expired live until a moment."""
    await connection.execute(query("listening.renew"), id_, *scope, expires)
