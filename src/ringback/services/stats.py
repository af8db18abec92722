"""How one endpoint or one connection does over a span, and all of them in a line each."""

import statistics
import uuid
from collections.abc import Sequence

import msgspec

from ringback.domain import figures
from ringback.domain.figures import ATTEMPTS, CALLBACKS, CODES, FAILURE, SUCCESS, Counts, Grid
from ringback.domain.ids import show
from ringback.domain.outcomes import CODE
from ringback.services import hearing, overview
from ringback.services.hearing import Connected
from ringback.services.overview import Asked, Latency, Owed, Webhooks
from ringback.services.sheets import P50, P95, P99, Sheet, request_ms, sheet
from ringback.storage import messages
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.database import Database
from ringback.storage.messages import StoredFailure
from ringback.storage.rollups import Reading, Verdict, reading

# The newest attempts of an endpoint are told apart by type, and callbacks looked at for skew.
TYPED_MAX = 1_000
SKEW_OF_MAX = 200
# So many endpoints or connections are told of in a list, the newest.
LISTED_MAX = 200
# So many of its last callbacks are told of one connection.
VERDICTS_MAX = 10
# Codes that are in no table are looked for in so many failures, and so many are told.
FAILURES_MAX = 2_000
CODES_MAX = 20
CODE_LENGTH_MAX = 64
_SKEW_WITHIN_MS = 7 * 86_400_000
_FAILED_WITHIN_MS = 7 * 86_400_000


class Requests(msgspec.Struct, frozen=True):
    """The requests of a span: how they went and how long they took; `codes` by class of answer."""

    success: int
    failure: int
    previous_success: int
    previous_failure: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    previous_p95_ms: float | None
    codes: dict[str, int]


class RequestLines(msgspec.Struct, frozen=True):
    """Requests over the stretches of a span."""

    at: list[int]
    success: list[int]
    failure: list[int]
    p50_ms: list[float | None]
    p95_ms: list[float | None]
    p99_ms: list[float | None]


class OfType(msgspec.Struct, frozen=True):
    """How the newest attempts at events of a type went."""

    type: str
    success: int
    failure: int


class EndpointStats(msgspec.Struct, frozen=True):
    """How an endpoint does."""

    grid: Grid
    now_ms: int
    complete: bool
    deliveries: Webhooks
    requests: Requests
    latency: Latency
    backlog: Owed
    by_type: list[OfType]
    series: RequestLines


class UnknownCode(msgspec.Struct, frozen=True):
    """A code of failures that is in no table of ours; `message` is the last one, `at_ms` when."""

    code: str
    times: int
    at_ms: int
    message: uuid.UUID


class UnknownCodes(msgspec.Struct, frozen=True):
    """Such codes since a moment, the most frequent first; `complete` if all were looked at."""

    since_ms: int
    complete: bool
    codes: list[UnknownCode]


class ConnectionStats(msgspec.Struct, frozen=True):
    """How a connection does: callbacks by what became of them, and how late they come."""

    grid: Grid
    now_ms: int
    complete: bool
    heard: Connected
    callbacks: dict[str, int]
    previous: dict[str, int]
    lines: dict[str, list[int]]
    skew_ms: float | None
    skew_of: int
    last: list[Verdict]
    unknown: UnknownCodes


class EndpointLine(msgspec.Struct, frozen=True):
    """An endpoint in the list."""

    id: uuid.UUID
    deliveries: Webhooks
    p95_ms: float | None
    open: int
    success: list[int]
    failure: list[int]


class ConnectionLine(msgspec.Struct, frozen=True):
    """A connection in the list."""

    heard: Connected
    callbacks: int
    rejected: int
    line: list[int]


class Listed(msgspec.Struct, frozen=True):
    """Lines over the stretches of a span."""

    grid: Grid
    now_ms: int
    complete: bool
    endpoints: list[EndpointLine] = []
    connections: list[ConnectionLine] = []


async def endpoint(database: Database, asked: Asked, of: StoredEndpoint) -> EndpointStats:
    """Read how an endpoint does. Raises DatabaseUnavailable."""
    no, grid = of.engine.no, figures.grid(asked.span, asked.now_ms)
    async with reading(database, asked.scope) as found:
        laid = await sheet(found, grid, (ATTEMPTS,), (no,), await found.tail((ATTEMPTS,)))
        owed = await found.backlog(no, overview.BACKLOG_MAX)
        typed = await found.by_type(no, TYPED_MAX)
        complete = found.complete
    now, before = laid.total(ATTEMPTS, no), laid.before(ATTEMPTS, no)
    success, failure = laid.attempts(no)
    lines = laid.lines_ms(figures.REQUEST_MS, (P50, P95, P99), no)
    return EndpointStats(
        grid, asked.now_ms, complete, overview.webhooks(now, before, owed),
        _requests(now, before), overview.latency(now, before),
        overview.backlog(owed, overview.BACKLOG_MAX, asked.now_ms),
        [OfType(*one) for one in typed], RequestLines(grid.starts, success, failure, *lines),
    )  # fmt: skip


def _requests(now: Counts, before: Counts) -> Requests:
    codes: dict[str, int] = {}
    for slot, word in CODES.items():
        if now.get(slot):
            codes[word] = codes.get(word, 0) + now[slot]
    return Requests(
        now.get(SUCCESS, 0), now.get(FAILURE, 0), before.get(SUCCESS, 0), before.get(FAILURE, 0),
        request_ms(now, P50), request_ms(now, P95), request_ms(now, P99),
        request_ms(before, P95), codes,
    )  # fmt: skip


async def connection(database: Database, asked: Asked, of: StoredConnection) -> ConnectionStats:
    """Read how a connection does. Raises DatabaseUnavailable."""
    no, grid = of.no, figures.grid(asked.span, asked.now_ms)
    async with reading(database, asked.scope) as found:
        tail = await found.tail((CALLBACKS,))
        laid = await sheet(found, grid, (CALLBACKS,), (no,), tail)
        (heard,) = await hearing.connections(found, [of], tail, asked.now_ms)
        skew = await found.skew(no, SKEW_OF_MAX, asked.now_ms - _SKEW_WITHIN_MS)
        last = await found.verdicts(no, VERDICTS_MAX)
        complete = found.complete
    unknown = await _unknown_codes(database, asked, of.id)
    return ConnectionStats(
        grid, asked.now_ms, complete, heard,
        _outcomes(laid.total(CALLBACKS, no)), _outcomes(laid.before(CALLBACKS, no)),
        {word: laid.line(CALLBACKS, (code,), no) for word, code in CODE.items()},
        round(statistics.median(skew), 1) if skew else None, len(skew), last, unknown,
    )  # fmt: skip


async def _unknown_codes(database: Database, asked: Asked, of: uuid.UUID) -> UnknownCodes:
    since_ms = asked.now_ms - _FAILED_WITHIN_MS
    failures, complete = await messages.failed_as(
        database, asked.scope, show("con", of), "unknown", since_ms, FAILURES_MAX
    )
    by_code: dict[str, list[StoredFailure]] = {}
    for one in failures:
        if one.error.provider_code is not None:
            by_code.setdefault(one.error.provider_code[:CODE_LENGTH_MAX], []).append(one)
    codes = []
    for code, told in by_code.items():
        last = max(told, key=lambda one: one.at_ms)
        codes.append(UnknownCode(code, len(told), last.at_ms, last.id))
    codes.sort(key=lambda one: (-one.times, -one.at_ms))
    return UnknownCodes(since_ms, complete and len(codes) <= CODES_MAX, codes[:CODES_MAX])


def _outcomes(counts: Counts) -> dict[str, int]:
    return {word: counts.get(code, 0) for word, code in CODE.items()}


async def endpoints(database: Database, asked: Asked) -> Listed:
    """Read a line of each endpoint, newest first. Raises DatabaseUnavailable."""
    named = asked.endpoints[:LISTED_MAX]
    most = max(overview.BACKLOG_MAX // max(len(named), 1), 100)
    async with reading(database, asked.scope) as found:
        laid = await _coarse(found, asked, ATTEMPTS, [one.engine.no for one in named])
        owed = {one.endpoint: one for one in await found.backlog(None, most)}
        complete = found.complete
    lines = []
    for one in named:
        no = one.engine.no
        now, mine = laid.total(ATTEMPTS, no), [owed[no]] if no in owed else []
        success, failure = laid.attempts(no)
        lines.append(
            EndpointLine(
                one.engine.id, overview.webhooks(now, {}, mine), request_ms(now, P95),
                sum(row.open for row in mine), success, failure,
            )
        )  # fmt: skip
    return Listed(laid.grid, asked.now_ms, complete, endpoints=lines)


async def connections(database: Database, asked: Asked) -> Listed:
    """Read a line of each connection, newest first. Raises DatabaseUnavailable."""
    named = asked.connections[:LISTED_MAX]
    async with reading(database, asked.scope) as found:
        laid = await _coarse(found, asked, CALLBACKS, [one.no for one in named])
        tail = await found.tail((CALLBACKS,))
        heard = await hearing.connections(found, named, tail, asked.now_ms, most=LISTED_MAX)
        complete = found.complete
    every = tuple(CODE.values())
    lines = []
    for one in heard:
        now = laid.total(CALLBACKS, one.no)
        line = laid.line(CALLBACKS, every, one.no)
        lines.append(ConnectionLine(one, sum(now.values()), now.get(CODE["rejected"], 0), line))
    return Listed(laid.grid, asked.now_ms, complete, connections=lines)


async def _coarse(found: Reading, asked: Asked, kind: int, numbers: Sequence[int]) -> Sheet:
    grid = figures.coarse(asked.span, asked.now_ms)
    return await sheet(found, grid, (kind,), numbers, await found.tail((kind,)), before=False)
