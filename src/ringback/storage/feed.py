"""Reading the feed: events after a position, in the order of their commits, without gaps.

Positions are given under a lock that is held until the commit is seen (ADR 12): nothing appears
later below a position that was seen. Lists of events, newest first, are in events.py.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from ringback.domain.event_types import matches
from ringback.domain.ids import floor7, time_of
from ringback.storage import events
from ringback.storage.database import Database, Row
from ringback.storage.lists import SKEW_MS, Scope, Window
from ringback.storage.partitions import lower_bounds
from ringback.storage.queries import query

# How many events one read looks at when only some types are wanted.
LOOKED_AT_MAX = 10_000
# Of the events after a moment, by their ids, so many are looked at for the lowest position.
SINCE_MAX = 4096
# Runs a query: the pool's, or one connection's within a transaction.
Rows = Callable[..., Awaitable[list[Row]]]


class Place(NamedTuple):
    """Where a reader stands: after a position, as it was at a moment (ms since 1970)."""

    pos: int
    at_ms: int

    @property
    def oldest(self) -> uuid.UUID:
        """The id below which nothing lies that came later: it prunes partitions."""
        return floor7(max(self.at_ms - SKEW_MS, 0))


class Wanted(NamedTuple):
    """Which events: of these types and families (none: all), of this message (None: any)."""

    patterns: tuple[str, ...] = ()
    message: uuid.UUID | None = None


class FeedEvent(NamedTuple):
    """An event in the feed, with its body as every endpoint is sent it."""

    id: uuid.UUID
    pos: int
    type: str
    body: bytes


class Stretch(NamedTuple):
    """Events in order, where that leads, and whether more is there already."""

    events: list[FeedEvent]
    place: Place
    more: bool


async def after(
    database: Database, scope: Scope, place: Place, wanted: Wanted, limit: int, size: int,
    now_ms: int,
) -> Stretch:  # fmt: skip
    """Return up to `limit` events after a place, one at least and beyond that `size` bytes.

    `now_ms` is the time before this call: whoever has seen everything stands there.
    """
    if wanted.message is not None:
        return await _of_message(database, scope, place, wanted, wanted.message, limit, now_ms)
    return await scan(database.rows, scope, place, wanted, limit, size, now_ms)


async def scan(
    rows_of: Rows, scope: Scope, place: Place, wanted: Wanted, limit: int, size: int, now_ms: int
) -> Stretch:
    """Look through the feed after a place for some types; see `after`."""
    everything = not wanted.patterns
    looked_at = limit + 1 if everything else LOOKED_AT_MAX
    names = [pattern for pattern in wanted.patterns if not pattern.endswith("*")]
    stems = [""] if everything else [p[:-1] for p in wanted.patterns if p.endswith("*")]
    rows = await rows_of(
        query("feed.after"), *scope, place.pos, place.oldest, looked_at, names, stems, limit, size
    )
    told = sorted((FeedEvent(*row[:4]) for row in rows if row[4] is None), key=_pos)
    last = next(row for row in rows if row[4] is not None)
    if last["wanted"] > len(told):
        return Stretch(told, _behind(told[-1]), more=True)
    if last["looked_at"] >= looked_at:
        return Stretch(told, Place(last["pos"], time_of(last["id"])), more=True)
    return Stretch(told, Place(last["pos"] or place.pos, now_ms), more=False)


def _pos(event: FeedEvent) -> int:
    return event.pos


def _behind(event: FeedEvent | events.MessageEvent) -> Place:
    return Place(event.pos, time_of(event.id))


async def _of_message(
    database: Database, scope: Scope, place: Place, wanted: Wanted, message: uuid.UUID,
    limit: int, now_ms: int,
) -> Stretch:  # fmt: skip
    # The head first: whatever of the message lies below it is seen by the query after it.
    upto = (await heads(database, {scope: place.pos}, place.oldest)).get(scope, 0)
    window = Window(limit + 1, (place.pos,), newer=True)
    found = (await events.of_message(database, scope, message, window)).rows
    told = [
        FeedEvent(event.id, event.pos, event.type, event.body)
        for event in found[:limit]
        if not wanted.patterns or matches(wanted.patterns, event.type)
    ]
    if len(found) > limit:
        return Stretch(told, _behind(found[limit - 1]), more=True)
    last = max(upto, place.pos, found[-1].pos if found else 0)
    return Stretch(told, Place(last, now_ms), more=False)


async def head(database: Database, scope: Scope) -> int:
    """Return the newest position of a tenant and mode; 0 when there is none."""
    row = await database.row(query("feed.head"), *scope)
    return row["pos"] if row else 0


async def heads(
    database: Database, lowest: Mapping[Scope, int], oldest: uuid.UUID
) -> dict[Scope, int]:
    """Return the newest position of each that has one above its `lowest`, with an id from `oldest`
    on.
    """
    tenants, modes = [scope.tenant for scope in lowest], [scope.mode for scope in lowest]
    rows = await database.rows(query("feed.heads"), tenants, modes, [*lowest.values()], oldest)
    return {Scope(row["tenant"], row["mode"]): row["pos"] for row in rows}


async def since(database: Database, scope: Scope, at_ms: int) -> int | None:
    """Return the lowest position of what was emitted at a moment or later; None: nothing was."""
    row = await database.row(query("feed.since"), *scope, floor7(at_ms), SINCE_MAX)
    return row["pos"] if row else None


async def kept_from(database: Database) -> datetime:
    """Return the moment from which on events are kept."""
    return min(await lower_bounds(database, "event"))
