"""What needs a person: endpoints that fail or are off while they are owed something, deliveries
that were given up, connections that are silent or refused.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from ringback.domain.endpoints import Pause
from ringback.domain.figures import ATTEMPTS, EXHAUSTED, FAILURE, SUCCESS, merged
from ringback.services.hearing import Connected
from ringback.services.sheets import Sheet
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.rollups import Backlog, Count, Reading

NEEDS_MAX = 50
# What an endpoint answered is looked at over so many minutes; without one success in the last
# quarter of an hour, and with something to be tried again, it fails.
_LOOKED_BACK = 120
_FAILING = 15
Kind = Literal[
    "endpoint_failing", "endpoint_disabled", "deliveries_exhausted", "connection_silent",
    "connection_rejecting", "connection_intake_paused", "connection_processing_paused",
]  # fmt: skip


class Need(msgspec.Struct, frozen=True):
    """One thing that needs a person: of an endpoint or a connection, since when (ms), and how much.

    `count` are deliveries that wait or were given up, or callbacks that were refused or are held;
    `answer` and `error` are what an endpoint last did.
    """

    kind: Kind
    name: str
    since_ms: int | None
    count: int
    endpoint: uuid.UUID | None = None
    connection: uuid.UUID | None = None
    answer: int | None = None
    error: str | None = None
    reason: str | None = None
    usual_per_s: float | None = None
    silent_s: float | None = None


class Paused(NamedTuple):
    """A connection of which something is paused, and how many callbacks are held of it."""

    connection: StoredConnection
    held: int


async def needs(
    reading: Reading,
    laid: Sheet,
    endpoints: Sequence[StoredEndpoint],
    owed: Sequence[Backlog],
    heard: Sequence[Connected],
    paused: Sequence[Paused],
    tail: Sequence[Count],
    now_ms: int,
) -> list[Need]:
    """Return what needs a person, the gravest kinds first."""
    waiting = {one.endpoint: one for one in owed}
    found = list(_disabled(endpoints, waiting))
    retrying = [e for e in endpoints if e.engine.no in waiting and not e.engine.disabled]
    retrying = [e for e in retrying if waiting[e.engine.no].retrying][:NEEDS_MAX]
    if retrying:
        found += await _failing(reading, retrying, waiting, tail, now_ms)
    found += _paused(paused)
    turned_away = {one.connection.id for one in paused if one.connection.pauses.intake}
    found += _connections([one for one in heard if one.id not in turned_away], now_ms)
    if laid.total(ATTEMPTS).get(EXHAUSTED, 0):
        found += await _exhausted(reading, laid, endpoints, tail)
    return found[:NEEDS_MAX]


def _named(endpoint: StoredEndpoint) -> str:
    return endpoint.description or endpoint.uid or endpoint.engine.url


def _disabled(endpoints: Sequence[StoredEndpoint], waiting: dict[int, Backlog]) -> Iterator[Need]:
    for one in endpoints:
        owed = waiting.get(one.engine.no)
        if one.engine.disabled and owed is not None:
            since = round(one.disabled_at.timestamp() * 1000) if one.disabled_at else None
            yield Need(
                "endpoint_disabled", _named(one), since, owed.open, endpoint=one.engine.id,
                reason=one.disabled_for,
            )  # fmt: skip


async def _failing(
    reading: Reading,
    endpoints: Sequence[StoredEndpoint],
    waiting: dict[int, Backlog],
    tail: Sequence[Count],
    now_ms: int,
) -> list[Need]:
    numbers, minute = [one.engine.no for one in endpoints], now_ms // 60_000
    counts = await reading.counts((ATTEMPTS,), 1, numbers, minute - _LOOKED_BACK, minute + 1)
    last = await reading.last_attempts(numbers)
    found = []
    for one in endpoints:
        no = one.engine.no
        mine = [c for c in [*counts, *tail] if c.kind == ATTEMPTS and c.about == no]
        succeeded = [c.minute for c in mine if dict(c.slots).get(SUCCESS, 0) > 0]
        failed = [c.minute for c in mine if dict(c.slots).get(FAILURE, 0) > 0]
        good = max(succeeded, default=-1)
        if good > minute - _FAILING:
            continue
        since = min((at for at in failed if at >= good), default=None)
        attempt = last.get(no)
        found.append(
            Need(
                "endpoint_failing", _named(one), None if since is None else since * 60_000,
                waiting[no].open, endpoint=one.engine.id,
                answer=attempt.status if attempt else None,
                error=attempt.error if attempt else None,
            )
        )  # fmt: skip
    return found


def _connections(heard: Sequence[Connected], now_ms: int) -> Iterator[Need]:
    for one in heard:
        if one.state == "silent" and one.silent_s is not None:
            yield Need(
                "connection_silent", one.name, now_ms - round(one.silent_s * 1000), 0,
                connection=one.id, usual_per_s=one.usual_per_s, silent_s=one.silent_s,
            )  # fmt: skip
        elif one.state == "rejecting":
            yield Need("connection_rejecting", one.name, None, one.rejected, connection=one.id)


def _paused(paused: Sequence[Paused]) -> Iterator[Need]:
    for connection, held in paused:
        parts: tuple[tuple[Kind, Pause | None, int], ...] = (
            ("connection_intake_paused", connection.pauses.intake, 0),
            ("connection_processing_paused", connection.pauses.processing, held),
        )
        for kind, pause, count in parts:
            if pause is not None:
                yield Need(
                    kind, connection.name, pause.since, count, connection=connection.id,
                    reason=pause.reason or None,
                )  # fmt: skip


async def _exhausted(
    reading: Reading, laid: Sheet, endpoints: Sequence[StoredEndpoint], tail: Sequence[Count]
) -> list[Need]:
    named = {one.engine.no: one for one in endpoints[: 4 * NEEDS_MAX]}
    grid = laid.grid
    until = grid.since + grid.step * grid.count
    counts = await reading.counts((ATTEMPTS,), grid.width, [*named], grid.since, until)
    late = [one for one in tail if one.kind == ATTEMPTS and one.minute >= grid.since]
    found = []
    for no, endpoint in named.items():
        mine = [c for c in [*counts, *late] if c.about == no]
        count = merged([dict(c.slots) for c in mine]).get(EXHAUSTED, 0)
        if count:
            first = min(c.minute for c in mine if dict(c.slots).get(EXHAUSTED, 0))
            found.append(
                Need(
                    "deliveries_exhausted", _named(endpoint), first * 60_000, count,
                    endpoint=endpoint.engine.id,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: -one.count)
