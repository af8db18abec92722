"""The hot functions on real servers: races, lanes, fences, and what a repeat changes."""

import asyncio
import uuid

import asyncpg
import pytest

from ringback.storage import workers
from ringback.storage.database import Connection, connect
from ringback.storage.hot import (
    CommitRows,
    Finished,
    Owned,
    claim,
    commit_batch,
    finish_batch,
    read_facts,
    read_once,
    read_subjects,
    release,
)
from ringback.storage.idempotency import KeptPublication, read_publications
from tests.storage.rows import MODE, TENANT, Maker


def _finished(owned: Owned, maker: Maker, *, final: int = 1, wait_s: float = 0) -> Finished:
    return Finished(
        owned.lane, owned.endpoint, owned.ord, maker.ids.next(), 200, None, 1.5, final, wait_s,
        b"{}", b"",
    )  # fmt: skip


async def _open_rows(connection: Connection) -> list[tuple[int, int | None, bool, int]]:
    rows = await connection.fetch("select ord, owner, due, n from delivery order by ord")
    return [(row["ord"], row["owner"], row["due"] is not None, row["n"]) for row in rows]


async def test_a_batch_is_written_whole(hot: Connection, maker: Maker, worker: int) -> None:
    """Callback, subject, key, event and delivery appear together, and are read back by key."""
    rows = CommitRows()
    subject, key = maker.ids.next(), uuid.uuid4()
    place = maker.subject(rows, subject)
    maker.key(rows, key, place)
    maker.callback(rows, place)
    rows.search.append((place, 3, "order-1"))
    rows.facts.append((place, 99))
    event = maker.event(rows, place)
    maker.delivery(rows, event, subject)
    done = await commit_batch(hot, worker, rows)
    assert (done.lost, done.repeated, done.behind) == ([], [], [])
    found, _ = await read_subjects(hot, [key, uuid.uuid4()])
    assert {key: (subject, 0, 1, [1], b"data", 0)} == found
    assert {(subject, 99)} == await read_facts(hot, [(subject, 99), (subject, 98)])
    assert [(done.base + 1, worker, True, 0)] == await _open_rows(hot)
    assert await hot.fetchval("select count(*) from callback") == 1


async def test_of_two_creators_one_is_lost(
    hot: Connection, second: Connection, maker: Maker, worker: int
) -> None:
    """The same new key in two batches at once: one subject, and the loser left nothing behind."""
    key, other = uuid.uuid4(), uuid.uuid4()

    async def create(connection: Connection, with_other: bool) -> tuple[uuid.UUID, list[int]]:
        rows = CommitRows()
        subject = maker.ids.next()
        place = maker.subject(rows, subject)
        maker.key(rows, key, place)
        if with_other:
            maker.key(rows, other, place)
        maker.callback(rows, place)
        maker.delivery(rows, maker.event(rows, place), subject)
        return subject, (await commit_batch(connection, worker, rows)).lost

    first = await create(hot, False)
    again = await create(second, True)
    assert (first[1], again[1]) == ([], [1])
    found, _ = await read_subjects(hot, [key, other])
    assert {key: first[0]} == {key: row.id for key, row in found.items()}
    assert await hot.fetchval("select count(*) from event") == 1
    assert await hot.fetchval("select count(*) from callback") == 1
    assert await hot.fetchval("select count(*) from delivery") == 1


async def test_a_subject_that_was_changed_meanwhile_is_lost(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """A batch that read version 0 cannot overwrite version 1; the rest of it is written."""
    subject, another = maker.ids.next(), maker.ids.next()
    await commit_batch(hot, worker, maker.story(subject))
    await commit_batch(hot, worker, maker.story(subject, version=0))
    rows = maker.story(subject, version=0)
    place = maker.subject(rows, another)
    maker.callback(rows, place)
    maker.event(rows, place)
    done = await commit_batch(hot, worker, rows)
    assert done.lost == [1]
    assert await hot.fetchval("select version from subject where id = $1", subject) == 1
    assert await hot.fetchval("select count(*) from event where subject = $1", another) == 1
    assert await hot.fetchval("select count(*) from callback") == 3


async def test_a_callback_about_a_lost_and_a_kept_subject_is_stored(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """What one half of a callback brought about must be able to name its callback."""
    lost, kept = maker.ids.next(), maker.ids.next()
    await commit_batch(hot, worker, maker.story(lost))
    rows = CommitRows()
    callback = maker.callback(rows, maker.subject(rows, lost), maker.subject(rows, kept))
    done = await commit_batch(hot, worker, rows)
    assert done.lost == [1]
    assert await hot.fetchval("select count(*) from callback where id = $1", callback) == 1


async def test_a_once_key_counts_once(hot: Connection, maker: Maker, worker: int) -> None:
    """A repeated key's event and delivery are not stored, and the caller is told."""
    key = uuid.uuid4()

    async def once() -> list[int]:
        rows = CommitRows()
        rows.once.append((key, TENANT, MODE))
        event = maker.event(rows, 0, once=1)
        maker.delivery(rows, event, uuid.uuid4())
        return (await commit_batch(hot, worker, rows)).repeated

    assert [await once(), await once()] == [[], [1]]
    assert {key} == await read_once(hot, [key, uuid.uuid4()])
    assert await hot.fetchval("select count(*) from event") == 1
    assert await hot.fetchval("select count(*) from delivery") == 1


async def test_a_once_key_counts_into_the_next_generation(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """After a switch of generations the previous one still counts, the one before does not."""
    key = uuid.uuid4()
    rows = CommitRows()
    rows.once.append((key, TENANT, MODE))
    await commit_batch(hot, worker, rows)
    assert await hot.fetchval("select advance_once_generation(0)") == 2
    assert {key} == await read_once(hot, [key])
    assert (await commit_batch(hot, worker, rows)).repeated == [1]
    assert await hot.fetchval("select advance_once_generation(0)") == 3
    assert await read_once(hot, [key]) == set()
    assert await hot.fetchval("select advance_once_generation(36)") == 0


def _keyed(rows: CommitRows, key: uuid.UUID, *events: int) -> None:
    """Put events under an idempotency key."""
    rows.once.append((key, TENANT, MODE))
    rows.kept.append((len(rows.once), b"print", b"ids"))
    for event in events:
        row = rows.events[event - 1]
        rows.events[event - 1] = (*row[:5], len(rows.once), *row[6:])


async def test_an_idempotency_key_counts_once_for_a_day(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """Known within a day its events are not stored and the caller is told; later it is a new one.

    Ordinary once keys beside it count as ever.
    """
    key, ordinary = uuid.uuid4(), uuid.uuid4()

    async def commit() -> list[int]:
        rows = CommitRows()
        rows.once.append((ordinary, TENANT, MODE))
        maker.event(rows, 0, once=1)
        _keyed(rows, key, maker.event(rows, 0))
        return (await commit_batch(hot, worker, rows)).repeated

    assert [await commit(), sorted(await commit())] == [[], [1, 2]]
    assert {key: KeptPublication(b"print", b"ids")} == await read_publications(hot, [key, ordinary])
    assert 2 == await hot.fetchval("select count(*) from event")
    await hot.execute("update idempotency_key set created = now() - interval '25 hours'")
    assert {} == await read_publications(hot, [key])
    assert [1] == await commit()
    assert 3 == await hot.fetchval("select count(*) from event")


async def test_what_has_one_key_is_stored_as_a_whole(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """With one of its subjects lost nothing at all is written; with all of them it comes again."""
    lost, other, kept = maker.ids.next(), maker.ids.next(), maker.ids.next()
    for subject in (lost, other):
        await commit_batch(hot, worker, maker.story(subject))
    before = await hot.fetchval("select count(*) from event")
    rows, key = CommitRows(), uuid.uuid4()
    events = [maker.event(rows, maker.subject(rows, subject)) for subject in (lost, kept)]
    _keyed(rows, key, *events)
    with pytest.raises(asyncpg.SerializationError):
        await commit_batch(hot, worker, rows)
    assert 0 == await hot.fetchval("select count(*) from subject where id = $1", kept)
    rows = CommitRows()
    events = [maker.event(rows, maker.subject(rows, subject)) for subject in (lost, other)]
    _keyed(rows, key, *events)
    done = await commit_batch(hot, worker, rows)
    assert ([1, 2], []) == (done.lost, done.repeated)
    assert {} == await read_publications(hot, [key])
    assert before == await hot.fetchval("select count(*) from event")


async def test_a_lane_is_sent_in_order(hot: Connection, maker: Maker, worker: int) -> None:
    """Only the front row is ours at first; finishing it hands on the next, and so to the end."""
    subject = maker.ids.next()
    done = await commit_batch(hot, worker, maker.story(subject, events=3))
    base = done.base
    assert [
        (base + 1, worker, True, 0), (base + 2, None, False, 0), (base + 3, None, False, 0),
    ] == await _open_rows(hot)  # fmt: skip
    owned = Owned(subject, 1, base + 1, uuid.uuid4(), 0)
    for expected in (base + 2, base + 3):
        handed = await finish_batch(hot, worker, [_finished(owned, maker)])
        assert [expected] == [row.ord for row in handed]
        owned = handed[0]
    assert await finish_batch(hot, worker, [_finished(owned, maker)]) == []
    assert await _open_rows(hot) == []


async def test_a_later_batch_waits_behind(hot: Connection, maker: Maker, worker: int) -> None:
    """While a row of the lane is open, a new one is `behind`, and its completer is handed it."""
    subject = maker.ids.next()
    first = await commit_batch(hot, worker, maker.story(subject))
    second = await commit_batch(hot, worker, maker.story(subject, version=0))
    assert (first.behind, second.behind) == ([], [1])
    owned = Owned(subject, 1, first.base + 1, uuid.uuid4(), 0)
    handed = await finish_batch(hot, worker, [_finished(owned, maker)])
    assert [second.base + 1] == [row.ord for row in handed]


async def test_another_endpoint_does_not_wait(hot: Connection, maker: Maker, worker: int) -> None:
    """The lane of one endpoint holds nothing back at another."""
    subject = maker.ids.next()
    await commit_batch(hot, worker, maker.story(subject))
    rows = maker.story(subject, version=0, endpoint=2)
    assert (await commit_batch(hot, worker, rows)).behind == []


async def test_a_retry_keeps_its_place(hot: Connection, maker: Maker, worker: int) -> None:
    """A failed front row waits for its time with the lane behind it; only it can be claimed."""
    subject = maker.ids.next()
    base = (await commit_batch(hot, worker, maker.story(subject, events=2))).base
    owned = Owned(subject, 1, base + 1, uuid.uuid4(), 0)
    assert await finish_batch(hot, worker, [_finished(owned, maker, final=0, wait_s=60)]) == []
    assert await claim(hot, worker, {1: 10}) == []
    await hot.execute("update delivery set due = now() where due is not null")
    claimed = await claim(hot, worker, {1: 10})
    assert [(base + 1, 1)] == [(row.ord, row.n) for row in claimed]
    handed = await finish_batch(hot, worker, [_finished(claimed[0], maker)])
    assert [base + 2] == [row.ord for row in handed]
    assert [row["n"] for row in await hot.fetch("select n from attempt order by n")] == [1, 2]


async def test_a_completion_is_fenced(hot: Connection, maker: Maker, worker: int) -> None:
    """Who no longer owns a row can neither end it nor log an attempt for it."""
    subject = maker.ids.next()
    base = (await commit_batch(hot, worker, maker.story(subject, events=2))).base
    owned = Owned(subject, 1, base + 1, uuid.uuid4(), 0)
    assert await finish_batch(hot, worker + 1, [_finished(owned, maker)]) == []
    assert len(await _open_rows(hot)) == 2
    assert await hot.fetchval("select count(*) from attempt") == 0


async def test_finishing_twice_changes_nothing(hot: Connection, maker: Maker, worker: int) -> None:
    """The same batch again returns the same next rows and logs nothing more."""
    subject = maker.ids.next()
    base = (await commit_batch(hot, worker, maker.story(subject, events=2))).base
    result = _finished(Owned(subject, 1, base + 1, uuid.uuid4(), 0), maker)
    first = await finish_batch(hot, worker, [result])
    assert first == await finish_batch(hot, worker, [result])
    assert await hot.fetchval("select count(*) from attempt") == 1


async def test_release_gives_back(hot: Connection, maker: Maker, worker: int) -> None:
    """A released row can be claimed at once; a stranger cannot release it."""
    subject = maker.ids.next()
    base = (await commit_batch(hot, worker, maker.story(subject))).base
    owned = Owned(subject, 1, base + 1, uuid.uuid4(), 0)
    await release(hot, worker + 1, [owned])
    assert await claim(hot, worker, {1: 10}) == []
    await release(hot, worker, [owned])
    assert [base + 1] == [row.ord for row in await claim(hot, worker, {1: 10})]


async def test_claims_are_shared_out(
    hot: Connection, second: Connection, maker: Maker, worker: int
) -> None:
    """Two claimers never get the same row, and none gets more than it has room for."""
    for _ in range(20):
        rows = CommitRows()
        subject = maker.ids.next()
        maker.delivery(rows, maker.event(rows, maker.subject(rows, subject)), subject, own=False)
        await commit_batch(hot, worker, rows)
    first, other = await asyncio.gather(
        claim(hot, worker, {1: 8}), claim(second, worker + 1, {1: 30})
    )
    taken = [row.ord for row in first] + [row.ord for row in other]
    assert len(first) <= 8
    assert sorted(taken) == sorted(set(taken))


async def test_what_the_dead_owned_is_adopted(hot: Connection, maker: Maker, worker: int) -> None:
    """Rows of a retired worker become claimable; rows of a living one do not."""
    subject = maker.ids.next()
    await commit_batch(hot, worker, maker.story(subject))
    assert await workers.adopt(hot) == 0
    beat = await workers.heartbeat(hot, worker, 1)
    assert beat is not None
    (peer,) = [peer for peer in await workers.peers(hot, -1) if peer.id == worker]
    assert not await workers.retire(hot, peer._replace(beat=peer.beat - 1))
    assert await workers.retire(hot, peer)
    assert await workers.heartbeat(hot, worker, 1) is None
    assert await workers.adopt(hot) == 1
    assert len(await claim(hot, worker + 1, {1: 5})) == 1


async def test_nothing_is_ever_stuck(hot: Connection, maker: Maker, worker: int) -> None:
    """The safety net finds a waiting row with nothing in front, and only that."""
    subject = maker.ids.next()
    await commit_batch(hot, worker, maker.story(subject, events=2))
    assert await workers.unblock(hot) == 0
    await hot.execute("delete from delivery where due is not null")
    assert await workers.unblock(hot) == 1


async def test_an_endpoint_that_goes_takes_its_deliveries(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """Open deliveries of a deleted endpoint end as cancelled, with an attempt that says so."""
    await commit_batch(hot, worker, maker.story(maker.ids.next(), events=3))
    assert await hot.fetchval("select cancel_deliveries(1, 2)") == 2
    assert await hot.fetchval("select cancel_deliveries(1, 2)") == 1
    assert await hot.fetchval("select count(*) from attempt where final = 3") == 3
    assert await _open_rows(hot) == []


async def test_positions_follow_the_order_of_commits(
    dsn: str, hot: Connection, maker: Maker, worker: int
) -> None:
    """Eight writers at once: a reader that follows `pos` never finds one below what it has seen."""
    seen: list[int] = []
    stop = asyncio.Event()

    async def follow() -> None:
        last = 0
        while not stop.is_set():
            rows = await hot.fetch("select pos from event where pos > $1 order by pos", last)
            seen.extend(row["pos"] for row in rows)
            last = max([last, *(row["pos"] for row in rows)])

    async def write(number: int) -> None:
        connection = await connect(dsn, hot=True)
        mine = Maker(maker.now_ms + number)
        for _ in range(40):
            await commit_batch(connection, worker, mine.story(mine.ids.next(), events=2))
        await connection.close()

    reader = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(8)))
    await asyncio.sleep(0.1)
    stop.set()
    await reader
    everything = await hot.fetch("select pos from event order by pos")
    assert [row["pos"] for row in everything] == seen
    assert len(seen) == 8 * 40 * 2


@pytest.mark.parametrize("writers", [6])
async def test_lanes_never_stick_under_contention(
    dsn: str, hot: Connection, maker: Maker, worker: int, writers: int
) -> None:
    """Commits and completions of the same lanes at once: all delivered, in order, none stuck."""
    lanes = [maker.ids.next() for _ in range(5)]
    order: dict[uuid.UUID, list[int]] = {lane: [] for lane in lanes}
    waiting: asyncio.Queue[Owned] = asyncio.Queue()
    total = writers * 30

    async def write(number: int) -> None:
        connection = await connect(dsn, hot=True)
        mine = Maker(maker.now_ms + number)
        for turn in range(30):
            lane = lanes[(turn + number) % len(lanes)]
            rows = CommitRows()
            maker.delivery(rows, mine.event(rows, 0), lane)
            done = await commit_batch(connection, worker, rows)
            if not done.behind:
                waiting.put_nowait(Owned(lane, 1, done.base + 1, uuid.uuid4(), 0))
        await connection.close()

    async def complete() -> None:
        connection = await connect(dsn, hot=True)
        while sum(map(len, order.values())) < total:
            owned = await asyncio.wait_for(waiting.get(), 20)
            order[owned.lane].append(owned.ord)
            for handed in await finish_batch(connection, worker, [_finished(owned, maker)]):
                waiting.put_nowait(handed)
        await connection.close()

    await asyncio.gather(complete(), *(write(number) for number in range(writers)))
    assert all(ords == sorted(ords) for ords in order.values())
    assert await _open_rows(hot) == []
    assert await workers.unblock(hot) == 0


async def test_a_vacuumed_empty_queue_costs_nothing_later(
    hot: Connection, maker: Maker, worker: int
) -> None:
    """Plans made when statistics say that the queue is empty still look rows up one by one.

    The same statements written as joins with arrays took minutes here.
    """
    await hot.execute("vacuum analyze delivery")
    rows = CommitRows()
    lanes = sorted((uuid.uuid4() for _ in range(500)), key=lambda lane: lane.int)
    for lane in lanes:
        maker.delivery(rows, maker.event(rows, 0), lane)
    await hot.execute("vacuum analyze delivery")
    base = (await commit_batch(hot, worker, rows)).base
    results = [
        _finished(Owned(lane, 1, base + place + 1, uuid.uuid4(), 0), maker)
        for place, lane in enumerate(lanes)
    ]
    before = await _index_reads(hot)
    for start in range(0, 500, 100):
        assert await finish_batch(hot, worker, results[start : start + 100]) == []
    assert await _open_rows(hot) == []
    assert await _index_reads(hot) - before < 500 * 20


async def _index_reads(connection: Connection) -> int:
    await connection.execute("select pg_stat_force_next_flush()")
    await connection.execute("select pg_stat_clear_snapshot()")
    reads: int = await connection.fetchval(
        "select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'delivery'"
    )
    return reads
