"""Reading attempts: one whole, the newest, those of an endpoint, of events, of deliveries."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from ringback.storage.database import Database, Row
from ringback.storage.events import not_before
from ringback.storage.lists import SCAN_MAX, Found, Scope, Window, nearest_first
from ringback.storage.queries import query

# More than any retry schedule has.
PER_DELIVERY_MAX = 200
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class StoredAttempt(NamedTuple):
    """One request made for a delivery; `detail` is what the sender noted (services/push.py).

    `final` is 1 delivered, 2 exhausted, 3 cancelled, None when another attempt follows. Worker 0
    stands for an end without a request.
    """

    id: uuid.UUID
    event: uuid.UUID
    endpoint_no: int
    endpoint: uuid.UUID
    ord: int
    n: int
    worker: int
    status: int | None
    error: str | None
    ms: float
    final: int | None
    detail: dict[str, Any]


class WholeAttempt(NamedTuple):
    """An attempt with the beginning of the answer's body."""

    attempt: StoredAttempt
    response: bytes


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> WholeAttempt | None:
    """Return an attempt, or None when this tenant and mode has none of this id."""
    row = await database.row(query("attempts.get"), id_, *scope)
    return WholeAttempt(_attempt(row), row["response"]) if row else None


async def newest(database: Database, scope: Scope, window: Window) -> Found[StoredAttempt]:
    """Return attempts by when they were made."""
    rows = await database.rows(
        query("attempts.page"), *scope, window.before, window.after, window.limit
    )
    return Found(_in_order(rows, window))


async def of_endpoint(
    database: Database, scope: Scope, endpoint: int, window: Window
) -> Found[StoredAttempt]:
    """Return the attempts at an endpoint (its number), looking at 20,000."""
    rows = await database.rows(
        query("attempts.of_endpoint"), *scope, window.before, window.after, window.limit,
        endpoint, SCAN_MAX,
    )  # fmt: skip
    found = _in_order(rows, window)
    if len(found) >= window.limit:
        return Found(found)
    edge = await database.row(
        query("attempts.edge"), *scope, window.before, window.after, SCAN_MAX - 1
    )
    return Found(found, (edge["id"].int,) if edge else None)


async def of_event(
    database: Database, scope: Scope, event: uuid.UUID, endpoint: int | None, window: Window
) -> Found[StoredAttempt]:
    """Return the attempts at delivering an event, at all endpoints or at one (its number)."""
    rows = await database.rows(
        query("attempts.of_event"), *scope, window.before, window.after, window.limit,
        [event], [not_before(event)], endpoint,
    )  # fmt: skip
    return Found(_in_order(rows, window))


async def of_events(
    database: Database, scope: Scope, events: list[uuid.UUID], limit: int
) -> list[StoredAttempt]:
    """Return at most `limit` attempts at delivering these events, oldest first."""
    rows = await database.rows(
        query("attempts.of_events"), *scope, events, [not_before(event) for event in events], limit
    )
    return _oldest_first(rows)


async def of_deliveries(
    database: Database, scope: Scope, deliveries: Sequence[tuple[int, int, uuid.UUID]]
) -> list[StoredAttempt]:
    """Return the attempts made for these (endpoint number, ord, event), oldest first."""
    rows = await database.rows(
        query("attempts.of_deliveries"), *scope,
        [endpoint for endpoint, _, _ in deliveries], [ord_ for _, ord_, _ in deliveries],
        [not_before(event) for _, _, event in deliveries], PER_DELIVERY_MAX,
    )  # fmt: skip
    return _oldest_first(rows)


def _in_order(rows: list[Row], window: Window) -> list[StoredAttempt]:
    return nearest_first(map(_attempt, rows), window, lambda attempt: attempt.id)


def _oldest_first(rows: list[Row]) -> list[StoredAttempt]:
    return sorted((_attempt(row) for row in rows), key=lambda attempt: attempt.id)


def _attempt(row: Row) -> StoredAttempt:
    return StoredAttempt(
        id=row[0], event=row[1], endpoint_no=row[2], endpoint=row[3], ord=row[4], n=row[5],
        worker=row[6], status=row[7], error=row[8], ms=row[9], final=row[10],
        detail=_decode(row[11]),
    )  # fmt: skip
