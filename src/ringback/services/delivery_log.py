"""Deliveries as people see them: the attempts of each and, while it is open, its row.

The hot path keeps no row for a delivery that is over, so what a list shows is put together here.
Only reading; what moves deliveries is in push, record and claim.
"""

import uuid
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from ringback.domain.ids import delivery_id
from ringback.storage import attempts, deliveries, events
from ringback.storage.attempts import StoredAttempt
from ringback.storage.database import Database
from ringback.storage.deliveries import OpenRow, Ref
from ringback.storage.lists import Found, Key, Scope, Window

DeliveryStatus = Literal["pending", "scheduled", "delivered", "exhausted", "cancelled"]
FINAL: dict[int, DeliveryStatus] = {1: "delivered", 2: "exhausted", 3: "cancelled"}
_FINAL_CODE = {word: code for code, word in FINAL.items()}
# How many events one request looks at while it searches for deliveries.
_EVENTS_MAX = 2000
_EVENTS_CHUNK = 200
# Beyond any endpoint's number.
ABOVE_ALL = 1 << 31


class Delivery(msgspec.Struct, frozen=True):
    """One event owed to one endpoint, and what has been done about it so far.

    `due` is when the next attempt may start; None while one is under way, while the delivery
    waits behind an earlier one, and when it is over. `event_type` is None once the event is gone.
    """

    ref: Ref
    endpoint: uuid.UUID
    status: DeliveryStatus
    due: datetime | None
    attempts: list[StoredAttempt]
    event_type: str | None
    message: uuid.UUID | None

    @property
    def id(self) -> str:
        """The id that people see."""
        return delivery_id(self.ref.endpoint_no, self.ref.ord)

    @property
    def requests(self) -> int:
        """How many requests were made: an end that we decided ourselves is none."""
        return sum(attempt.worker > 0 for attempt in self.attempts)


class Filter(msgspec.Struct, frozen=True):
    """What a list is narrowed to; `endpoint` is a number."""

    endpoint: int | None = None
    event: uuid.UUID | None = None
    status: DeliveryStatus | None = None


class Placed(NamedTuple):
    """A delivery and its key in the list that it was found for."""

    key: Key
    delivery: Delivery


async def get(
    database: Database, scope: Scope, endpoint: int, ord_: int, now: datetime
) -> Delivery | None:
    """Return a delivery, or None when this tenant and mode has none of this name."""
    event = await deliveries.event_of(database, scope, endpoint, ord_)
    if event is None:
        return None
    found = await _whole(database, scope, [Ref(endpoint, ord_, event)], now)
    return next(iter(found.values()), None)


async def page(
    database: Database, scope: Scope, wanted: Filter, window: Window, now: datetime
) -> Found[Placed]:
    """List deliveries, in the order that fits the filter.

    Newest in the feed first; those that are over, by when they ended. One event's: by endpoint.
    """
    if wanted.event is not None:
        keyed = await _of_event(database, scope, wanted.event, wanted.endpoint)
        stopped = None
    elif wanted.status in _FINAL_CODE:
        over = await deliveries.over(
            database, scope, _FINAL_CODE[wanted.status], wanted.endpoint, window
        )
        keyed = [((one.attempt.int,), one.ref) for one in over.rows]
        stopped = over.stopped
    elif wanted.status is not None:
        open_ = await deliveries.open_refs(
            database, scope, wanted.endpoint, window,
            scheduled=wanted.status == "scheduled", now=now,
        )  # fmt: skip
        keyed = [((ref.ord, ref.endpoint_no), ref) for ref in open_.rows]
        stopped = open_.stopped
    elif wanted.endpoint is not None:
        of_endpoint = await deliveries.of_endpoint(database, scope, wanted.endpoint, window)
        keyed = [((ref.ord,), ref) for ref in of_endpoint.rows]
        stopped = of_endpoint.stopped
    else:
        keyed, stopped = await _all(database, scope, window)
    whole = await _whole(database, scope, [ref for _, ref in keyed], now)
    rows = [Placed(key, whole[ref]) for key, ref in keyed if ref in whole]
    if wanted.event is not None:
        rows = _stretch(rows, wanted.status, window)
    return Found(rows, stopped)


def _stretch(rows: list[Placed], status: DeliveryStatus | None, window: Window) -> list[Placed]:
    """Cut the window out of all deliveries of one event, which come in order of their keys."""
    fitting = [row for row in rows if status in (None, row.delivery.status)]
    if window.newer:
        return [row for row in reversed(fitting) if window.key and row.key < window.key]
    return [row for row in fitting if not window.key or row.key > window.key]


async def _of_event(
    database: Database, scope: Scope, event: uuid.UUID, endpoint: int | None
) -> list[tuple[Key, Ref]]:
    refs = await deliveries.of_events(database, scope, [event])
    fitting = [ref for ref in refs if endpoint in (None, ref.endpoint_no)]
    return sorted(((ref.endpoint_no, ref.ord), ref) for ref in fitting)


async def _all(
    database: Database, scope: Scope, window: Window
) -> tuple[list[tuple[Key, Ref]], Key | None]:
    """Find deliveries by going through events. Keys: (position, endpoint number, ord)."""
    found: list[tuple[Key, Ref]] = []
    place: int = window.key[0] if window.key else (1 << 62)
    for _ in range(_EVENTS_MAX // _EVENTS_CHUNK):
        chunk = await events.positions(
            database, scope, down_from=None if window.newer else place,
            up_from=place if window.newer else None, limit=_EVENTS_CHUNK,
        )  # fmt: skip
        position = {event.id: event.pos for event in chunk}
        refs = await deliveries.of_events(database, scope, list(position))
        keyed = [((position[ref.event], ref.endpoint_no, ref.ord), ref) for ref in refs]
        keyed.sort(key=lambda one: _rank(one[0]), reverse=window.newer)
        found += [one for one in keyed if _beyond(one[0], window)]
        if len(found) >= window.limit or len(chunk) < _EVENTS_CHUNK:
            return found[: window.limit], None
        place = chunk[-1].pos + (1 if window.newer else -1)
    # A key that lies just before everything at the place where the next request goes on.
    return found, (place, ABOVE_ALL, 0) if window.newer else (place, 0, 0)


def _rank(key: Key) -> tuple[int, int, int]:
    position, endpoint, ord_ = key
    return -position, endpoint, -ord_


def _beyond(key: Key, window: Window) -> bool:
    if window.key is None:
        return True
    return _rank(key) < _rank(window.key) if window.newer else _rank(key) > _rank(window.key)


async def _whole(
    database: Database, scope: Scope, refs: list[Ref], now: datetime
) -> dict[Ref, Delivery]:
    """Put deliveries together; one of which nothing is left any more is missing."""
    if not refs:
        return {}
    ids = list({ref.event for ref in refs})
    # Open rows first: one that is not there any more has its last attempt by the time we look.
    open_rows = {row.ref: row for row in await deliveries.open_rows(database, scope, ids)}
    tried: dict[Ref, list[StoredAttempt]] = {}
    for attempt in await attempts.of_deliveries(database, scope, refs):
        ref = Ref(attempt.endpoint_no, attempt.ord, attempt.event)
        tried.setdefault(ref, []).append(attempt)
    briefs = await events.briefs(database, scope, ids)
    whole = {}
    for ref in refs:
        row, made = open_rows.get(ref), tried.get(ref, [])
        if row is None and not made:
            continue
        brief = briefs.get(ref.event)
        about_message = brief is not None and brief.type.startswith("message.")
        status, due = standing(row, made, now)
        whole[ref] = Delivery(
            ref, row.endpoint if row else made[-1].endpoint, status, due, made,
            brief.type if brief else None, brief.subject if brief and about_message else None,
        )  # fmt: skip
    return whole


def standing(
    row: OpenRow | None, made: list[StoredAttempt], now: datetime
) -> tuple[DeliveryStatus, datetime | None]:
    """Say how a delivery stands, and when its next attempt is due."""
    final = made[-1].final if made else None
    if final is not None:
        return FINAL[final], None
    if row is None or row.owner is not None:
        return "pending", None
    if row.due is not None and row.due > now:
        return "scheduled", row.due
    return "pending", row.due
