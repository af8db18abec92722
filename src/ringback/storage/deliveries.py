"""Finding deliveries: which there are, of an event, an endpoint or a status, and the open rows.

What became of a delivery is put together from these and its attempts: services/delivery_log.py.
"""

import uuid
from datetime import datetime
from typing import NamedTuple

from ringback.storage.database import Database
from ringback.storage.events import not_before
from ringback.storage.lists import SCAN_MAX, Found, Scope, Window, nearest_first
from ringback.storage.queries import query

# Open deliveries of one event: one for each endpoint that wanted it, and replays.
PER_EVENT_MAX = 10_000
CANCEL_BATCH = 1000
# Attempts at one endpoint lie scattered among the others: each may cost a page.
_SCATTERED_MAX = 5_000


class Ref(NamedTuple):
    """Which delivery: its endpoint's number, its place in the feed, and its event."""

    endpoint_no: int
    ord: int
    event: uuid.UUID


class OverRef(NamedTuple):
    """A delivery that has ended, found by its last attempt."""

    attempt: uuid.UUID
    ref: Ref


class OpenRow(NamedTuple):
    """The row of an open delivery: who has it, when it is due, how many attempts were made."""

    ref: Ref
    endpoint: uuid.UUID
    owner: int | None
    due: datetime | None
    n: int


async def endpoint_number(database: Database, scope: Scope, endpoint: uuid.UUID) -> int | None:
    """Return the number of an endpoint, also of one that was deleted; None when there is none."""
    row = await database.row(query("delivery_log.endpoint_number"), endpoint, *scope)
    return int(row["no"]) if row else None


async def event_of(database: Database, scope: Scope, endpoint: int, ord_: int) -> uuid.UUID | None:
    """Return the event of a delivery, or None when nothing is known of it."""
    row = await database.row(query("delivery_log.event_of"), *scope, [endpoint], [ord_])
    found: uuid.UUID | None = row["event"] if row else None
    return found


async def of_events(database: Database, scope: Scope, events: list[uuid.UUID]) -> list[Ref]:
    """Return every delivery of these events, open or over."""
    rows = await database.rows(
        query("delivery_log.of_events"), *scope, events, [not_before(event) for event in events]
    )
    return [Ref(row["endpoint"], row["ord"], row["event"]) for row in rows]


async def of_endpoint(
    database: Database, scope: Scope, endpoint: int, window: Window
) -> Found[Ref]:
    """Return the deliveries of an endpoint, newest in the feed first. Keys are positions."""
    rows = await database.rows(
        query("delivery_log.of_endpoint"), *scope, endpoint, window.below, window.above,
        window.limit,
    )  # fmt: skip
    return Found([Ref(endpoint, row["ord"], row["event"]) for row in rows])


async def over(
    database: Database, scope: Scope, final: int, endpoint: int | None, window: Window
) -> Found[OverRef]:
    """Return deliveries that ended so (1 delivered, 2 exhausted, 3 cancelled), last ended first.

    Looks at 20,000 attempts, at 5,000 of one endpoint. Keys are ids of attempts.
    """
    bounds = (window.before, window.after)
    if endpoint is None:
        rows = await database.rows(
            query("delivery_log.over"), *scope, *bounds, window.limit, SCAN_MAX, final
        )
    else:
        rows = await database.rows(
            query("delivery_log.over_at_endpoint"), *scope, *bounds, window.limit,
            _SCATTERED_MAX, final, endpoint,
        )  # fmt: skip
    ended = (OverRef(row["id"], Ref(row["endpoint"], row["ord"], row["event"])) for row in rows)
    found = nearest_first(ended, window, lambda one: one.attempt)
    if len(found) >= window.limit:
        return Found(found)
    if endpoint is None:
        edge = await database.row(query("attempts.edge"), *scope, *bounds, SCAN_MAX - 1)
    else:
        edge = await database.row(
            query("delivery_log.over_at_endpoint_edge"), *scope, *bounds, _SCATTERED_MAX - 1,
            endpoint,
        )  # fmt: skip
    return Found(found, (edge["id"].int,) if edge else None)


async def open_refs(
    database: Database,
    scope: Scope,
    endpoint: int | None,
    window: Window,
    *,
    scheduled: bool,
    now: datetime,
) -> Found[Ref]:
    """Return open deliveries: those scheduled for after `now`, or the others. Keys are
    (position, endpoint number).
    """
    number = window.key[1] if window.key else 0
    rows = await database.rows(
        query("delivery_log.open"), *scope, endpoint, window.below, window.above, window.limit,
        now, scheduled, number,
    )  # fmt: skip
    return Found([Ref(row["endpoint"], row["ord"], row["event"]) for row in rows])


async def open_rows(database: Database, scope: Scope, events: list[uuid.UUID]) -> list[OpenRow]:
    """Return the rows of these events' open deliveries."""
    rows = await database.rows(query("delivery_log.rows"), *scope, events, PER_EVENT_MAX)
    return [
        OpenRow(Ref(row[0], row[2], row[3]), row[1], row["owner"], row["due"], row["n"])
        for row in rows
    ]


async def cancel(database: Database, endpoint: int) -> int:
    """End up to 1,000 open deliveries of an endpoint that is gone; return how many."""
    row = await database.row(query("delivery_log.cancel"), endpoint, CANCEL_BATCH)
    assert row is not None
    return int(row["cancelled"])
