"""Roll-ups: what comes late is counted once, and what no span reaches any more is removed."""

import uuid
from datetime import UTC, datetime, timedelta

from ringback.domain.figures import ATTEMPTS, EXHAUSTED, FAILURE, SUCCESS
from ringback.domain.ids import uuid7
from ringback.domain.messages import STATUS_CODE
from ringback.storage import rollups
from ringback.storage.database import Connection

MINUTE_MS = 60_000


def _id(at_ms: int) -> uuid.UUID:
    return uuid7(at_ms, uuid.uuid4().bytes)


async def _now(hot: Connection) -> int:
    """Return the middle of an earlier minute of today's, by the database's clock."""
    now: datetime = await hot.fetchval("select clock_timestamp()")
    return int(now.timestamp()) // 60 * MINUTE_MS - 30_000


async def _attempt(
    hot: Connection, at_ms: int, *, event: uuid.UUID | None = None, endpoint: int = 1, n: int = 1,
    status: int | None = 200, final: int | None = 1, ord_: int = 1, worker: int = 1,
) -> None:  # fmt: skip
    await hot.execute(
        "insert into attempt values ($1, 1, 2, $2, $3, $4, $5, $6, $7, null, 12, $8, '{}', '')",
        _id(at_ms), event or _id(at_ms - 40), endpoint, ord_, n, worker, status, final,
    )  # fmt: skip


async def _counted(hot: Connection, *slots: int, about: int = 0, width: int = 1) -> list[int]:
    """Return how often slots of attempts were counted, over all time."""
    rows = await hot.fetch(
        "select u.slot, sum(u.n)::int as n from rollup r, unnest(r.slots, r.ns) as u (slot, n) "
        "where r.kind = 3 and r.about = $1 and r.width = $2 group by 1",
        about, width,
    )  # fmt: skip
    found = {row["slot"]: row["n"] for row in rows}
    return [found.get(slot, 0) for slot in slots]


async def _checked(hot: Connection, now: datetime) -> int:
    """Look at all minutes that are due at a moment, twenty at a time."""
    return sum([await rollups.check_minutes(hot, ATTEMPTS, now) for _ in range(9)])


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


async def test_an_attempt_is_counted_by_result_class_end_and_time(hot: Connection) -> None:
    """In every width, for its endpoint and for all; what ended without a request is no request."""
    at = await _now(hot)
    await _attempt(hot, at)
    await _attempt(hot, at, endpoint=2, status=503, final=None)
    await _attempt(hot, at, endpoint=2, status=None, final=2, n=2)
    await _attempt(hot, at, endpoint=2, status=None, final=3, worker=0)
    assert not await rollups.fold_ids(hot, ATTEMPTS, at + 1000, 100)
    for width in (1, 15, 60):
        assert [1, 2, 1, 1, 1, 1, 1] == await _counted(
            hot, SUCCESS, FAILURE, 12, 15, 19, EXHAUSTED, 21, width=width
        )
        assert [0, 2, 1] == await _counted(hot, SUCCESS, FAILURE, 21, about=2, width=width)
    # 12 ms, and 40 ms after its event with them: up to 2^(15/4) and 2^(23/4) ms.
    assert [1, 1] == await _counted(hot, 115, 323, about=1)


async def test_what_is_committed_late_is_found_within_the_hour(hot: Connection) -> None:
    """An attempt that began before the place is counted when its minute is looked at again."""
    at = await _now(hot)
    await _attempt(hot, at)
    await rollups.fold_ids(hot, ATTEMPTS, at + MINUTE_MS, 100)
    await _attempt(hot, at - 10, endpoint=3)
    await _attempt(hot, at + 10, status=500, final=None)
    await rollups.fold_ids(hot, ATTEMPTS, at + 2 * MINUTE_MS, 100)
    assert [1, 0] == await _counted(hot, SUCCESS, FAILURE)
    assert 0 == await _checked(hot, _moment(at + 5 * MINUTE_MS))
    later = _moment(at + 7 * MINUTE_MS)
    # In a minute that had nothing, too.
    await _attempt(hot, at + MINUTE_MS)
    assert 3 == await _checked(hot, later)
    assert 0 == await _checked(hot, later)
    for width in (1, 15, 60):
        assert [3, 1] == await _counted(hot, SUCCESS, FAILURE, width=width)
        assert [1] == await _counted(hot, SUCCESS, about=3, width=width)
    # The second look comes after an hour.
    await _attempt(hot, at + 20)
    assert 0 == await _checked(hot, _moment(at + 9 * MINUTE_MS))
    assert 1 == await _checked(hot, _moment(at + 62 * MINUTE_MS))
    assert [4, 1] == await _counted(hot, SUCCESS, FAILURE, width=60)


async def test_chunks_end_where_the_next_begins(hot: Connection) -> None:
    """Folded three at a time and again from the start, everything is counted once."""
    at = await _now(hot)
    for n in range(10):
        await _attempt(hot, at + n)
    turns = 1
    while await rollups.fold_ids(hot, ATTEMPTS, at + 1000, 3):
        turns += 1
    assert 4 == turns
    assert not await rollups.fold_ids(hot, ATTEMPTS, at + 1000, 3)
    assert [10] == await _counted(hot, SUCCESS)


async def test_a_replay_does_not_count_as_a_slow_delivery(hot: Connection) -> None:
    """A late first attempt counts if it stands where its event does, and not if it is a replay."""
    at = await _now(hot)
    event = _id(at - 10 * MINUTE_MS)
    await hot.execute(
        "insert into event values ($1, 1, 2, 7, 'message.sent', null, 1, now(), null, '')", event
    )
    await _attempt(hot, at, event=event, ord_=7)
    await _attempt(hot, at, event=event, ord_=9)
    await rollups.fold_ids(hot, ATTEMPTS, at + 1000, 100)
    slow = 300 + 77  # up to 2^(77/4) ms, ten minutes and a bit
    assert [2, 1] == await _counted(hot, SUCCESS, slow)


async def test_what_no_span_reaches_any_more_is_removed(hot: Connection) -> None:
    """Each width after its own time; what is still read stays."""
    at = await _now(hot)
    await _attempt(hot, at)
    await rollups.fold_ids(hot, ATTEMPTS, at + 1000, 100)
    kept = {1: timedelta(hours=4), 15: timedelta(days=4), 60: timedelta(days=17)}
    for width, age in kept.items():
        await rollups.expire(hot, _moment(at) + age - timedelta(minutes=61))
        assert [1] == await _counted(hot, SUCCESS, width=width)
        await rollups.expire(hot, _moment(at) + age + timedelta(minutes=61))
        assert [0] == await _counted(hot, SUCCESS, width=width)
    assert 0 == await hot.fetchval("select count(*) from rollup")
    assert 0 == await hot.fetchval("select count(*) from rollup_minute")


async def test_a_click_between_two_reports_counts_nothing_twice(hot: Connection) -> None:
    """What stands in a message's order without being its status leaves its count alone."""
    at = await _now(hot)
    subject = _id(at)
    told = (
        ("message.sent", '{"status":"sent","previous_status":null}'),
        ("link.clicked", '{"url":"https://example.com/a"}'),
        ("message.delivered", '{"status":"delivered","previous_status":"sent"}'),
    )
    for place, (type_, body) in enumerate(told, 1):
        await hot.execute(
            "insert into event values ($1, 1, 2, $2::int, $3, $4, $2, now(), null, $5)",
            _id(at + place), place, type_, subject, body.encode(),
        )  # fmt: skip
    rows = await hot.fetch(
        "select r_slot, r_n from count_messages(1, 2::smallint, 0, 100, $1) where r_kind = 1",
        _id(0),
    )
    assert [(STATUS_CODE["delivered"], 1)] == [tuple(row) for row in rows]
