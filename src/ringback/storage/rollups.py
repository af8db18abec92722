"""Roll-ups: folding what was committed into counts by stretches of time, and reading them.

Folding is called by one worker at a time, in the caller's transaction. Readings are of one moment:
what is folded, and the tail that is not yet, counted in the same way. No meaning of a slot is here.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

from ringback.domain.ids import floor7, time_of
from ringback.domain.outcomes import WORD, Outcome
from ringback.storage import held
from ringback.storage.database import Connection, Database, Row
from ringback.storage.lists import SKEW_MS, Scope
from ringback.storage.queries import query

# Of what is not folded yet, so many events, attempts and callbacks are counted for one answer.
TAIL_MAX = 50_000
# By so much at most a stretch of events ends earlier, so that nothing of one report is parted.
CUT_MAX = 100
# Attempts and callbacks are folded once they are so old: by then nearly all have been committed.
GRACE_S = 35
EXPIRED_MAX = 5_000
_MESSAGES, _ATTEMPTS, _CALLBACKS = 1, 3, 4
_START = floor7(0)


class Count(NamedTuple):
    """How often a slot was counted from a minute on, of an endpoint or connection; 0: of all."""

    kind: int
    about: int
    minute: int
    slots: tuple[tuple[int, int], ...]


class Backlog(NamedTuple):
    """What an endpoint is owed: how much, how much of it has failed before, and the first event."""

    endpoint: int
    open: int
    retrying: int
    first: uuid.UUID


class LastCallback(NamedTuple):
    """The newest callback of a connection, by its number."""

    connection: int
    id: uuid.UUID
    received: datetime
    outcome: Outcome


class Verdict(NamedTuple):
    """What became of a callback, and why."""

    id: uuid.UUID
    received: datetime
    outcome: Outcome
    reason: str


class LastAttempt(NamedTuple):
    """The newest attempt at an endpoint, by its number."""

    endpoint: int
    id: uuid.UUID
    status: int | None
    error: str | None


# --- folding ---


async def alone(connection: Connection) -> bool:
    """Say whether nobody else folds, for the rest of the transaction."""
    mine: bool = await connection.fetchval(query("rollups.lock"))
    return mine


async def waiting(
    connection: Connection, looked: Mapping[Scope, int], now_ms: int, least: int, after_s: float
) -> dict[Scope, bool]:
    """Return who has events that are not folded, and whether they are due.

    `looked` says for each tenant and mode when it had none (ms). Due are `least` events or more,
    and any `after_s` seconds after the last time.
    """
    rows = await connection.fetch(
        query("rollups.waiting"),
        [scope.tenant for scope in looked],
        [scope.mode for scope in looked],
        [floor7(max(at_ms - SKEW_MS, 0)) for at_ms in looked.values()],
        floor7(now_ms + SKEW_MS), least, after_s,
    )  # fmt: skip
    return {Scope(row["tenant"], row["mode"]): row["due"] for row in rows}


async def due(connection: Connection, after_s: float) -> list[int]:
    """Return the kinds that are folded by id and have not been for `after_s` seconds."""
    return [row["kind"] for row in await connection.fetch(query("rollups.due"), after_s)]


async def fold_messages(
    connection: Connection, scope: Scope, limit: int, now: datetime | None = None
) -> int:
    """Fold up to `limit` events of a tenant and mode; return how many. `now` is for tests."""
    folded: int = await connection.fetchval(query("rollups.fold_messages"), now, *scope, limit)
    return folded


async def fold_ids(
    connection: Connection, kind: int, before_ms: int, limit: int, now: datetime | None = None
) -> bool:
    """Fold up to `limit` attempts or callbacks made before a moment; say whether there are more."""
    more: bool = await connection.fetchval(
        query("rollups.fold_ids"), now, kind, floor7(before_ms), limit
    )
    return more


async def check_minutes(connection: Connection, kind: int, now: datetime | None = None) -> int:
    """Count what was committed late; return how much it was."""
    late: int = await connection.fetchval(query("rollups.check_minutes"), now, kind)
    return late


async def expire(connection: Connection, now: datetime | None = None) -> None:
    """Remove roll-ups that no span reaches any more, a few thousand of each width."""
    await connection.execute(query("rollups.expire"), now, EXPIRED_MAX)
    await connection.execute(query("rollups.expire_minutes"), now)


# --- reading, for the whole installation ---


async def newest(connection: Connection, since: Mapping[int, uuid.UUID]) -> dict[int, datetime]:
    """Return when the newest callback of each connection came, by the connection's number.

    Looked for from an id on, for each: the later, the fewer days are searched.
    """
    rows = await connection.fetch(
        query("rollups.newest"), list(since), list(since.values()), list(WORD)
    )
    return {row["no"]: row["received"] for row in rows}


async def usual(connection: Connection, windows: Sequence[tuple[int, int, int]]) -> list[Count]:
    """Return callbacks by quarters of an hour: of (connection, from minute, until minute)."""
    about, since, until = ([window[part] for window in windows] for part in range(3))
    return _quarters(await connection.fetch(query("rollups.usual_of_all"), about, since, until))


def _quarters(rows: Sequence[Row]) -> list[Count]:
    return [
        Count(_CALLBACKS, row[0], row[1], tuple(zip(row[2], row[3], strict=True))) for row in rows
    ]


# --- reading, for a tenant and mode ---


class Reading:
    """What is counted for a tenant and mode, as of one moment."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        """Take a connection within a transaction of one snapshot."""
        self._connection = connection
        self._scope = scope
        # False once there was more that is not folded than one answer may count.
        self.complete = True

    async def counts(
        self, kinds: Sequence[int], width: int, about: Sequence[int], since: int, until: int
    ) -> list[Count]:
        """Return what is folded, in stretches of `width` minutes."""
        rows = await self._connection.fetch(
            query("rollups.read"), *self._scope, kinds, width, about, since, until
        )
        return [
            Count(row[0], row[1], row[2], tuple(zip(row[3], row[4], strict=True))) for row in rows
        ]

    async def held(self, numbers: Sequence[int], most: int) -> dict[int, int]:
        """Count the callbacks that are held of connections, up to `most` of each."""
        found = await held.count(self._connection, numbers, most)
        return {number: one.n for number, one in found.items()}

    async def tail(self, kinds: Sequence[int]) -> list[Count]:
        """Return what is not folded yet, by minutes; attempts and callbacks by what they are of."""
        rows = await self._connection.fetch(query("rollups.places"), *self._scope)
        places = {row["kind"]: (row["pos"], row["last"]) for row in rows}
        found: list[Count] = []
        if _MESSAGES in kinds:
            pos, last = places.get(_MESSAGES, (0, _START))
            oldest = floor7(max(time_of(last) - SKEW_MS, 0))
            found += await self._tail("rollups.tail_messages", pos, oldest)
        for kind, name in (
            (_ATTEMPTS, "rollups.tail_attempts"),
            (_CALLBACKS, "rollups.tail_callbacks"),
        ):
            if kind in kinds:
                found += await self._tail(name, places.get(kind, (0, _START))[1])
        return found

    async def _tail(self, name: str, *place: object) -> list[Count]:
        rows = await self._connection.fetch(query(name), *self._scope, *place, TAIL_MAX)
        # A stretch that is cut may end a little below the limit.
        if any(row["looked_at"] >= TAIL_MAX - CUT_MAX for row in rows):
            self.complete = False
        return [Count(row[0], row[1], row[2], ((row[3], row[4]),)) for row in rows if row["kind"]]

    async def youngest(self, since_ms: int, limit: int) -> list[tuple[int, int]]:
        """Return when the newest messages were accepted (ms) and their status, newest first."""
        rows = await self._connection.fetch(
            query("rollups.youngest"), *self._scope, floor7(since_ms), limit
        )
        return [(time_of(row["id"]), row["status"]) for row in rows]

    async def backlog(self, endpoint: int | None, most: int) -> list[Backlog]:
        """Return what endpoints are owed, counted up to `most` of each."""
        rows = await self._connection.fetch(query("rollups.backlog"), *self._scope, endpoint, most)
        return [Backlog(*row) for row in rows]

    async def last_callbacks(self, connections: Sequence[int]) -> dict[int, LastCallback]:
        """Return the newest callbacks of connections."""
        rows = await self._connection.fetch(
            query("rollups.last_callbacks"), *self._scope, connections, list(WORD)
        )
        return {row[0]: LastCallback(row[0], row[1], row[2], WORD[row[3]]) for row in rows}

    async def verdicts(self, connection: int, limit: int) -> list[Verdict]:
        """Return what became of the newest callbacks of a connection, newest first."""
        rows = await self._connection.fetch(
            query("rollups.verdicts"), *self._scope, connection, list(WORD), limit
        )
        return [Verdict(row[0], row[1], WORD[row[2]], row[3]) for row in rows]

    async def usual(self, windows: Sequence[tuple[int, int, int]]) -> list[Count]:
        """Return callbacks by quarters of an hour: of (connection, from minute, until minute)."""
        about, since, until = ([window[part] for window in windows] for part in range(3))
        rows = await self._connection.fetch(
            query("rollups.usual"), *self._scope, about, since, until
        )
        return _quarters(rows)

    async def last_attempts(self, endpoints: Sequence[int]) -> dict[int, LastAttempt]:
        """Return the attempts at the newest delivery of each endpoint that has been tried."""
        rows = await self._connection.fetch(query("rollups.last_attempts"), *self._scope, endpoints)
        return {row[0]: LastAttempt(*row) for row in rows}

    async def by_type(self, endpoint: int, limit: int) -> list[tuple[str, int, int]]:
        """Return the newest attempts of an endpoint by type: how many delivered, how many not."""
        rows = await self._connection.fetch(query("rollups.by_type"), *self._scope, endpoint, limit)
        return [(row[0], row[1], row[2]) for row in rows]

    async def skew(self, connection: int, limit: int, oldest_ms: int) -> list[float]:
        """Return by how many ms the newest callbacks came after what they tell of."""
        rows = await self._connection.fetch(
            query("rollups.skew"), *self._scope, connection, limit, floor7(oldest_ms)
        )
        return [float(row["ms"]) for row in rows]


@asynccontextmanager
async def reading(database: Database, scope: Scope) -> AsyncIterator[Reading]:
    """Read for a tenant and mode, all of one moment."""
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Reading(connection, scope)
