"""The overview: what became of messages, how deliveries go, who is silent, what needs a person.

All of it is read in one snapshot, so that its numbers fit each other. docs/figures.md says what
each means.
"""

from collections.abc import Sequence

import msgspec

from ringback.domain import figures
from ringback.domain.figures import (
    ATTEMPTS,
    AWAITING,
    CALLBACKS,
    CHARTED,
    DELIVERED,
    EXHAUSTED,
    INBOUND,
    MESSAGES,
    READ,
    REPORTS,
    SUCCESS,
    UNCONFIRMED,
    Counts,
    Grid,
    Span,
    Waiting,
    total,
)
from ringback.domain.ids import time_of
from ringback.services import attention, hearing
from ringback.services.attention import Need
from ringback.services.hearing import Connected
from ringback.services.sheets import P50, P95, P99, Sheet, delivery_ms, over_all, sheet
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.database import Database
from ringback.storage.lists import Scope
from ringback.storage.rollups import Backlog, Count, Reading, reading

# So many messages are looked at one by one for the ages of those that wait.
YOUNGEST_MAX = 2_000
# Of what an endpoint is owed so much is counted, and so much at many endpoints together.
BACKLOG_MAX = 10_000
_YOUNG_MINUTES = 2
_BY_MINUTES = 90
_OUTBOUND = tuple(range(1, 11))
_FAILED = (7, 8, 9)
_HOURS_24 = 24 * 60


class Share(msgspec.Struct, frozen=True):
    """So many of so many, and the same of the span before."""

    value: int
    of: int
    previous: int
    previous_of: int


class Amount(msgspec.Struct, frozen=True):
    """So many, and how many in the span before."""

    value: int
    previous: int


class Await(msgspec.Struct, frozen=True):
    """Messages that wait for a report: how many, how old they are, and how long is usual."""

    value: int
    of: int
    p95_age_s: float | None
    usual_s: float | None


class Webhooks(msgspec.Struct, frozen=True):
    """Deliveries that came to a result: `of` are delivered, given up, and those in retry now."""

    value: int
    of: int
    retrying: int
    exhausted: int
    previous: int
    previous_of: int


class Latency(msgspec.Struct, frozen=True):
    """From an event's making to its delivery by a first attempt; `of` are such deliveries."""

    p50_ms: float | None
    p99_ms: float | None
    of: int
    previous_p50_ms: float | None
    previous_p99_ms: float | None


class Owed(msgspec.Struct, frozen=True):
    """Open deliveries; `at_least` where there are more than were counted."""

    open: int
    at_least: bool
    oldest_s: float | None


class Tiles(msgspec.Struct, frozen=True):
    """The numbers on top."""

    accepted: Amount
    delivered: Share
    failed: Share
    awaiting: Await
    inbound: Amount
    webhooks: Webhooks
    latency: Latency
    backlog: Owed


class Became(msgspec.Struct, frozen=True):
    """What became of the messages of a span, as they stand now."""

    accepted: int
    submitted: int
    delivered: int
    read: int
    replied: int | None
    awaiting: int
    failed_or_expired: int
    unconfirmed: int


class Series(msgspec.Struct, frozen=True):
    """Lines over the stretches of a span, all of one length; `at` are their starts."""

    at: list[int]
    messages: dict[str, list[int]]
    success: list[int]
    failure: list[int]
    p50_ms: list[float | None]
    p99_ms: list[float | None]


class Overview(msgspec.Struct, frozen=True):
    """Everything; without `complete` the newest is missing, because there is too much of it."""

    grid: Grid
    now_ms: int
    complete: bool
    tiles: Tiles
    became: Became
    series: Series
    connections: list[Connected]
    needs_a_person: list[Need]


class Asked(msgspec.Struct, frozen=True):
    """For whom and about what: a tenant and mode with what they have configured."""

    scope: Scope
    span: Span
    now_ms: int
    endpoints: Sequence[StoredEndpoint]
    connections: Sequence[StoredConnection]


async def overview(database: Database, asked: Asked) -> Overview:
    """Read the overview of a span. Raises DatabaseUnavailable."""
    grid = figures.grid(asked.span, asked.now_ms)
    async with reading(database, asked.scope) as found:
        tail = over_all(await found.tail((MESSAGES, ATTEMPTS, CALLBACKS)))
        laid = await sheet(found, grid, (MESSAGES, REPORTS, ATTEMPTS), (0,), tail)
        awaiting = await _awaiting(found, laid, tail, asked.now_ms)
        owed = await found.backlog(None, _most(len(asked.endpoints)))
        heard = await hearing.connections(found, asked.connections, tail, asked.now_ms)
        needs = await attention.needs(
            found, laid, asked.endpoints, owed, heard, await _paused(found, asked), tail,
            asked.now_ms,
        )  # fmt: skip
        complete = found.complete
    return Overview(
        grid, asked.now_ms, complete,
        _tiles(laid, awaiting, owed, _most(len(asked.endpoints)), asked.now_ms),
        _became(laid.total(MESSAGES)), _series(laid), heard, needs,
    )  # fmt: skip


async def _paused(found: Reading, asked: Asked) -> list[attention.Paused]:
    """Say of which connections something is paused, and how many callbacks are held of them."""
    paused = [one for one in asked.connections if one.pauses.any][: attention.NEEDS_MAX]
    held = await found.held([one.no for one in paused], _most(len(paused)))
    return [attention.Paused(one, held[one.no]) for one in paused]


def _most(endpoints: int) -> int:
    return max(BACKLOG_MAX // max(endpoints, 1), 100)


def _tiles(laid: Sheet, awaiting: Await, owed: Sequence[Backlog], most: int, now_ms: int) -> Tiles:
    now, before = laid.total(MESSAGES), laid.before(MESSAGES)
    accepted, previous = total(now, _OUTBOUND), total(before, _OUTBOUND)

    def share(*slots: int) -> Share:
        return Share(total(now, slots), accepted, total(before, slots), previous)

    return Tiles(
        accepted=Amount(accepted, previous),
        delivered=share(DELIVERED, READ),
        failed=share(*_FAILED),
        awaiting=awaiting,
        inbound=Amount(now.get(INBOUND, 0), before.get(INBOUND, 0)),
        webhooks=webhooks(laid.total(ATTEMPTS), laid.before(ATTEMPTS), owed),
        latency=latency(laid.total(ATTEMPTS), laid.before(ATTEMPTS)),
        backlog=backlog(owed, most, now_ms),
    )


def webhooks(now: Counts, before: Counts, owed: Sequence[Backlog]) -> Webhooks:
    """Say how many deliveries succeeded: what is being tried again counts as failing until done."""
    delivered, exhausted = now.get(SUCCESS, 0), now.get(EXHAUSTED, 0)
    retrying = sum(one.retrying for one in owed)
    was = before.get(SUCCESS, 0)
    return Webhooks(
        delivered, delivered + exhausted + retrying, retrying, exhausted,
        was, was + before.get(EXHAUSTED, 0),
    )  # fmt: skip


def latency(now: Counts, before: Counts) -> Latency:
    """Say how long it was from an event's making to its delivery."""
    taken = sum(figures.durations(now, figures.DELIVERY_MS).values())
    return Latency(
        delivery_ms(now, P50), delivery_ms(now, P99), taken,
        delivery_ms(before, P50), delivery_ms(before, P99),
    )  # fmt: skip


def backlog(owed: Sequence[Backlog], most: int, now_ms: int) -> Owed:
    """Say what is open; the oldest is the first in the feed."""
    oldest = max((now_ms - time_of(one.first) for one in owed), default=None)
    return Owed(
        sum(one.open for one in owed),
        any(one.open >= most for one in owed),
        None if oldest is None else round(max(oldest, 0) / 1000, 1),
    )


def _became(now: Counts) -> Became:
    accepted = total(now, _OUTBOUND)
    return Became(
        accepted=accepted,
        submitted=accepted - total(now, (1, 2)),
        delivered=total(now, (DELIVERED, READ)),
        read=now.get(READ, 0),
        replied=None,
        awaiting=total(now, AWAITING),
        failed_or_expired=total(now, _FAILED),
        unconfirmed=now.get(UNCONFIRMED, 0),
    )


def _series(laid: Sheet) -> Series:
    success, failure = laid.attempts()
    p50, p99 = laid.lines_ms(figures.DELIVERY_MS, (P50, P99))
    messages = {name: laid.line(MESSAGES, slots) for name, slots in CHARTED.items()}
    return Series(laid.grid.starts, messages, success, failure, p50, p99)


async def _awaiting(found: Reading, laid: Sheet, tail: Sequence[Count], now_ms: int) -> Await:
    """Say how many wait for a report; the younger ones' ages from finer counts than the span's."""
    now, grid = laid.total(MESSAGES), laid.grid
    minute = now_ms // 60_000
    young = minute - _YOUNG_MINUTES
    newest = await found.youngest(max(young, grid.since) * 60_000, YOUNGEST_MAX)
    if len(newest) == YOUNGEST_MAX:
        young = newest[-1][0] // 60_000 + 1
    # Where the span's own stretches end and single minutes begin.
    fine = max(grid.since, (minute - _BY_MINUTES) // grid.step * grid.step)
    by_minute = Sheet(
        Grid(grid.span, 1, minute - fine + 1, 1, fine),
        [*await found.counts((MESSAGES,), 1, (0,), fine, minute + 1), *tail],
    )
    waits = [
        Waiting(start, grid.step, n)
        for start, n in zip(grid.starts, laid.line(MESSAGES, AWAITING), strict=True)
        if start < fine
    ]
    waits += [
        Waiting(start, 1, n)
        for start, n in zip(by_minute.grid.starts, by_minute.line(MESSAGES, AWAITING), strict=True)
        if start < young
    ]
    exact = [
        max(now_ms - at, 0) for at, status in newest if status in AWAITING and at >= young * 60_000
    ]
    usual = await _usual(found, tail, minute)
    age = figures.age_quantile_s(waits, exact, P95, now_ms)
    return Await(total(now, AWAITING), total(now, _OUTBOUND), age, usual)


async def _usual(found: Reading, tail: Sequence[Count], minute: int) -> float | None:
    """Return after how many seconds 95 % of the day's messages had their first final report."""
    since = minute - _HOURS_24
    folded = await found.counts((REPORTS,), 60, (0,), since // 60 * 60, minute + 1)
    counts = figures.merged([dict(one.slots) for one in [*folded, *tail] if one.kind == REPORTS])
    usual = figures.quantile_ms(counts, P95)
    return None if usual is None else round(usual / 1000, 1)
