"""The whole story of one message, in order: what came in, what was told, how telling it went.

Callbacks, the events that they brought about, facts that brought about none, every attempt at every
endpoint, and what is still owed. Causes come before their effects, whatever the clocks say.
"""

import uuid
from collections import Counter
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from ringback.domain import ids
from ringback.domain.messages import Fact
from ringback.services.delivery_log import FINAL, DeliveryStatus, standing
from ringback.storage import attempts, callbacks, deliveries, events, messages
from ringback.storage.attempts import StoredAttempt
from ringback.storage.callbacks import StoredCallback
from ringback.storage.database import Database
from ringback.storage.deliveries import OpenRow
from ringback.storage.events import MessageEvent
from ringback.storage.lists import Scope, Window
from ringback.storage.messages import StoredMessage

ENTRIES_MAX = 1000
# Bodies of events are decoded and delivered bodies are not needed: a bound on what is read of each.
_READ_MAX = ENTRIES_MAX + 1


class EventData(msgspec.Struct, frozen=True):
    """What an event's body says of itself."""

    received_at: str
    emitted_at: str
    late: bool = False
    inferred: bool = False
    weak: bool = False


class _Body(msgspec.Struct, frozen=True):
    timestamp: str
    data: EventData


class CallbackEntry(NamedTuple):
    """A callback came; `repeats` is the first one that had the same body, if it was one again."""

    callback: StoredCallback
    repeats: uuid.UUID | None


class EventEntry(NamedTuple):
    """An event was emitted; `occurred_at` is the provider's clock, the others are ours."""

    event: MessageEvent
    occurred_at: str
    data: EventData


class FactEntry(NamedTuple):
    """The provider said something that no event tells; `why` says why."""

    fact: Fact
    why: str


class AttemptEntry(NamedTuple):
    """An event was sent to an endpoint, or its delivery ended without being sent."""

    attempt: StoredAttempt
    final: DeliveryStatus | None


class OpenEntry(NamedTuple):
    """A delivery is still open."""

    row: OpenRow
    status: DeliveryStatus
    due: datetime | None


Entry = CallbackEntry | EventEntry | FactEntry | AttemptEntry | OpenEntry


class Timeline(msgspec.Struct, frozen=True):
    """A message's entries, oldest first. `events_removed` were ended by retention."""

    message: StoredMessage
    entries: list[Entry]
    truncated: bool
    events_removed: int


# Where an entry stands: the id it comes after, its kind, and its place among its own kind.
_Place = tuple[int, Literal[0, 1, 2, 3, 4], int]
_decode = msgspec.json.Decoder(_Body).decode


async def of_message(
    database: Database, scope: Scope, id_: uuid.UUID, now: datetime
) -> Timeline | None:
    """Tell the story of a message; None when this tenant and mode has none of this id."""
    message = await messages.get(database, scope, id_)
    if message is None:
        return None
    # Read oldest first, so that what is cut off at the bound is the end.
    window = Window(_READ_MAX, (0,), newer=True)
    told = (await events.of_message(database, scope, id_, window)).rows
    heard = await callbacks.of_message(
        database, scope, id_, _callbacks_named(message, told), _READ_MAX
    )
    event_ids = [event.id for event in told]
    open_rows = await deliveries.open_rows(database, scope, event_ids)
    made = await attempts.of_events(database, scope, event_ids, _READ_MAX)
    removed = message.sequence - len(told) if len(told) < _READ_MAX else 0
    places = _places(told)
    placed = [
        *_callbacks(heard, await _repeated(database, scope, heard)),
        *_events(told, places),
        *_facts(message, told, removed),
        *_attempts(made, places),
        *_open(open_rows, made, now),
    ]
    placed.sort(key=lambda one: one[0])
    entries = [entry for _, entry in placed]
    return Timeline(
        message=message,
        entries=entries[:ENTRIES_MAX],
        truncated=len(entries) > ENTRIES_MAX,
        events_removed=max(removed, 0),
    )


def _callbacks_named(message: StoredMessage, told: list[MessageEvent]) -> list[uuid.UUID]:
    """Collect the callbacks that facts and events name: also those about several messages."""
    named = {event.callback for event in told if event.callback}
    for fact in message.message.facts:
        found = ids.read("cbk", fact.callback) if fact.callback else None
        if found is not None:
            named.add(found)
    return sorted(named)


async def _repeated(
    database: Database, scope: Scope, heard: list[StoredCallback]
) -> dict[uuid.UUID, uuid.UUID]:
    """Say of duplicates which callback they repeat: the first with the same body."""
    if not any(one.outcome == "duplicate" for one in heard):
        return {}
    digests = await callbacks.digests(database, scope, [one.id for one in heard])
    first: dict[bytes, uuid.UUID] = {}
    repeats: dict[uuid.UUID, uuid.UUID] = {}
    for one in heard:
        if one.id not in digests:
            continue
        original = first.setdefault(digests[one.id], one.id)
        if one.outcome == "duplicate" and original != one.id:
            repeats[one.id] = original
    return repeats


def _callbacks(
    heard: list[StoredCallback], repeats: dict[uuid.UUID, uuid.UUID]
) -> list[tuple[_Place, Entry]]:
    return [((one.id.int, 0, 0), CallbackEntry(one, repeats.get(one.id))) for one in heard]


def _places(told: list[MessageEvent]) -> dict[uuid.UUID, int]:
    """Say where each event stands: in order of sequence, also where workers' clocks disagree."""
    places: dict[uuid.UUID, int] = {}
    latest = 0
    for event in sorted(told, key=lambda event: event.sequence):
        latest = max(latest, event.id.int, event.callback.int if event.callback else 0)
        places[event.id] = latest
    return places


def _events(told: list[MessageEvent], places: dict[uuid.UUID, int]) -> list[tuple[_Place, Entry]]:
    placed: list[tuple[_Place, Entry]] = []
    for event in told:
        body = _decode(event.body)
        entry = EventEntry(event, body.timestamp, body.data)
        placed.append(((places[event.id], 1, event.sequence), entry))
    return placed


def _facts(
    message: StoredMessage, told: list[MessageEvent], removed: int
) -> list[tuple[_Place, Entry]]:
    """Find the facts that no event tells: more facts of a status in a callback than events."""
    tell: Counter[tuple[uuid.UUID | None, str]] = Counter(
        (event.callback, event.type) for event in told if not _decode(event.body).data.inferred
    )
    kept_since = min((event.id for event in told), default=None)
    placed: list[tuple[_Place, Entry]] = []
    # The last fact of several is the one that an event tells, as with parts: so backwards.
    for place, fact in reversed(list(enumerate(message.message.facts))):
        callback = ids.read("cbk", fact.callback) if fact.callback else None
        told_by = (callback, f"message.{fact.status}")
        if tell[told_by] > 0:
            tell[told_by] -= 1
            continue
        gone = removed > 0 and (kept_since is None or callback is None or callback < kept_since)
        after = callback.int if callback else ids.floor7(fact.received).int
        placed.append(((after, 2, place), FactEntry(fact, _why(message, fact, gone=gone))))
    return placed


def _why(message: StoredMessage, fact: Fact, *, gone: bool) -> str:
    known = message.message
    if fact.part and (known.parts or 1) > 1:
        return f"About part {fact.part} of {known.parts}: the whole was not affected."
    if gone:
        return "The event that told this is older than events are kept."
    if fact.status == "delivered" and known.inferred_delivered:
        return "The real report of a delivery that had been inferred from the reading."
    return "It brought about no event."


def _attempts(
    made: list[StoredAttempt], places: dict[uuid.UUID, int]
) -> list[tuple[_Place, Entry]]:
    placed: list[tuple[_Place, Entry]] = []
    for place, attempt in enumerate(made):
        final = FINAL[attempt.final] if attempt.final else None
        # Made in the millisecond of its event, an attempt's id may sort before it.
        after = max(attempt.id.int, places[attempt.event])
        placed.append(((after, 3, place), AttemptEntry(attempt, final)))
    return placed


def _open(
    rows: list[OpenRow], made: list[StoredAttempt], now: datetime
) -> list[tuple[_Place, Entry]]:
    """Show what is owed after all that has happened: what is due first, then what waits."""
    over = {(one.endpoint_no, one.ord) for one in made if one.final}
    still = [row for row in rows if (row.ref.endpoint_no, row.ref.ord) not in over]
    still.sort(key=lambda row: (row.due is None, row.due or now, row.ref))
    placed: list[tuple[_Place, Entry]] = []
    for place, row in enumerate(still):
        status, due = standing(row, [], now)
        placed.append(((1 << 128, 4, place), OpenEntry(row, status, due)))
    return placed
