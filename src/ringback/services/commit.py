"""Group commit: work in, one transaction a batch, and only then the answers.

Flushes at once when idle and collects while a flush is in flight. What somebody else changed first
comes round again in the next batch; what cannot be stored is found by halving and costs only
itself.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol
from uuid import UUID

import structlog

from ringback.domain.consent import MOVED
from ringback.domain.ids import IdSequence
from ringback.errors import DatabaseUnavailable, Unstorable
from ringback.services import failpoints
from ringback.services.batch import Batch, Known, Push
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.flood import Flood
from ringback.services.tally import ITEMS, Histogram
from ringback.services.trouble import Trouble
from ringback.services.work import Work
from ringback.storage.database import Connection
from ringback.storage.faults import fault_kind
from ringback.storage.hot import (
    Committed,
    Owned,
    SubjectRow,
    commit_batch,
    read_facts,
    read_once,
    read_subjects,
    stored,
)
from ringback.storage.idempotency import read_publications
from ringback.storage.link import HotLink
from ringback.storage.suppressions import InForce, read_in_force
from ringback.storage.uuids import quick

BATCH_MAX = 512
BATCH_BYTES_MAX = 4 * 1024 * 1024
# What waits for a place in a batch: beyond this, providers are told to come again.
WAITING_MAX = 8192
# How long a commit of unknown outcome is followed up before its work is told to come again.
SETTLE_S = 20.0
_SETTLE_PAUSE_S = 0.1
_AGAIN_MAX = 3
_RECONNECTS_MAX = 10
_REFUSED_MAX = 3
_PASSES_MAX = 20
log = structlog.get_logger()


class Pusher(Protocol):
    """What the committer hands fresh deliveries to."""

    def keep(self, event: UUID, body: bytes) -> None:
        """Remember the body of an event that waits behind another."""

    def fresh(self) -> dict[int, int]:
        """Say how many new deliveries each endpoint's number may still take."""

    def start(self, owned: Owned, body: bytes, worker: int) -> None:
        """Start a delivery that this worker owns under the id that it was registered by."""


class _Waiting(NamedTuple):
    work: Work
    done: asyncio.Future[None]


class _Sent(NamedTuple):
    batch: Batch
    worker: int


class Backlog:
    """Work that waits for a place in a batch, and the committers that take from it."""

    def __init__(self) -> None:
        """Start empty."""
        self.waiting: deque[_Waiting] = deque()
        self._bells: list[tuple[int, asyncio.Event]] = []

    def ring(self, least: int, bell: asyncio.Event) -> None:
        """Have a bell rung whenever so much waits, or more."""
        self._bells.append((least, bell))

    def add(self, item: _Waiting, *, first: bool = False) -> None:
        """Let work wait; `first` for what has waited before."""
        if first:
            self.waiting.appendleft(item)
        else:
            self.waiting.append(item)
        count = len(self.waiting)
        for least, bell in self._bells:
            if count >= least:
                bell.set()


class Committer:
    """Commits work in batches on one hot connection.

    Several may take from one backlog: while PostgreSQL writes the batch of one, another decides.
    One that begins only when `least` waits leaves small batches to the others.
    """

    def __init__(
        self,
        link: HotLink,
        configuration: Configuration,
        pusher: Pusher,
        clock: Clock,
        worker: Callable[[], int],
        flood: Flood,
        entropy: Callable[[int], bytes] = os.urandom,
        backlog: Backlog | None = None,
        least: int = 1,
        fetch: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the edges.

        `worker` returns the id to commit under, or raises while none is held. Ids are made of
        `entropy`. `fetch` is told when there are files to be fetched.
        """
        self._fetch = fetch
        self._link = link
        self._configuration = configuration
        self._pusher = pusher
        self._clock = clock
        self._worker = worker
        self._flood = flood
        self._entropy = entropy
        self.backlog = backlog or Backlog()
        self._queue = self.backlog.waiting
        self._least = least
        self._wake = asyncio.Event()
        self.backlog.ring(least, self._wake)
        self._busy = False
        self._ids: IdSequence | None = None
        self.quiet = asyncio.Lock()
        self._shut = Trouble("commit")
        self.batches = 0
        self.items = 0
        self.sizes = Histogram(ITEMS)

    @property
    def waiting(self) -> int:
        """How much work waits for a place in a batch."""
        return len(self._queue)

    async def submit(self, work: Work) -> None:
        """Wait until the work and all that follows from it is committed.

        Raises:
            DatabaseUnavailable: it is not known to be stored; whoever asked is to come again.
            Unstorable: that would be in vain.

        """
        if failpoints.reach is not None:
            await failpoints.reach("after_recv")
        if len(self._queue) >= WAITING_MAX:
            raise DatabaseUnavailable("Too much is waiting to be stored.")
        work.prepare(self._configuration.snapshot.hash_key)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.backlog.add(_Waiting(work, done))
        await done

    async def run(self) -> None:
        """Commit for ever."""
        while True:
            while len(self._queue) < self._least:
                self._busy = False
                self._wake.clear()
                await self._wake.wait()
            self._busy = True
            await self._flush(self._collect())

    @property
    def working(self) -> bool:
        """Whether anything waits to be committed, or is being."""
        return bool(self._queue) or self._busy

    def _collect(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < BATCH_MAX:
            size += self._queue[0].work.size
            if batch and size > BATCH_BYTES_MAX:
                break
            waiting = self._queue.popleft()
            if not waiting.done.cancelled():
                batch.append(waiting)
        return batch

    async def _flush(self, waiting: list[_Waiting], again: int = 0) -> None:
        if not waiting:
            return
        sent: _Sent | None = None
        try:
            async with self.quiet:
                worker = self._worker()
                connection = await self._link.get(worker)
                batch, pushes = await self._decide([item.work for item in waiting], connection)
                sent = _Sent(batch, worker)
                if failpoints.reach is not None:
                    await failpoints.reach("before_commit")
                done = await commit_batch(connection, worker, batch.rows)
                await self._hand_over(sent, pushes, done)
        except Exception as error:
            await self._failed(waiting, error, sent, again)
            return
        self._shut.over()
        self.batches += 1
        self.items += len(waiting)
        self.sizes.add(len(waiting))
        lost, repeated = set(done.lost), set(done.repeated)
        for item in reversed(waiting):
            item.work.committed(done.base, len(batch.rows.events))
            # Somebody else was first with its key or one of its subjects: read again and merge.
            if item.work.beaten(repeated) or (lost and item.work.missed(lost)):
                self._again(item)
            elif not item.done.done():
                item.done.set_result(None)

    async def _decide(self, works: list[Work], connection: Connection) -> tuple[Batch, list[Push]]:
        known = await self._read(works, connection)
        now = self._clock.now_ms()
        batch = Batch(
            self._configuration.snapshot, known, self._sequence(now), now,
            self._pusher.fresh(), self._flood.keep,
        )  # fmt: skip
        for work in works:
            work.decide(batch)
        return batch, batch.close()

    def _sequence(self, now_ms: int) -> IdSequence:
        """Return ids that go on from the last batch's, also within one millisecond."""
        if self._ids is None or now_ms > self._ids.at_ms:
            self._ids = IdSequence(now_ms, self._entropy(10), quick)
        return self._ids

    async def _read(self, works: list[Work], connection: Connection) -> Known:
        keys: list[UUID] = []
        once: list[UUID] = []
        for work in works:
            subject_keys, once_keys = work.keys()
            keys += subject_keys
            once += once_keys
        reported = {pair for work in works for pair in work.reported()}
        subjects: dict[UUID, SubjectRow] = {}
        in_flight: set[tuple[int, str | None]] = set()
        if keys:
            subjects, in_flight = await read_subjects(connection, keys, reported)
        known_once = await read_once(connection, once) if once else set()
        probes = [probe for work in works for probe in work.probes(subjects)]
        facts = await read_facts(connection, probes) if probes else set()
        keyed = [key for work in works if (key := work.kept()) is not None]
        # After the subjects: whoever's key is not known yet has not moved them either.
        kept = await read_publications(connection, keyed) if keyed else {}
        wishes = await self._read_wishes(works, connection)
        return Known(subjects, facts, known_once, frozenset(in_flight), kept, wishes)

    async def _read_wishes(self, works: list[Work], connection: Connection) -> dict[UUID, InForce]:
        """Read which wishes are in force; where a person has moved, also where they went."""
        secret = self._configuration.snapshot.hash_key
        wanted = {key for work in works for key in work.opt_outs(secret)}
        asked: set[UUID] = set()
        known: dict[UUID, InForce] = {}
        while wanted:
            found = await read_in_force(connection, list(wanted))
            known |= found
            asked |= wanted
            if all(one.word != MOVED for one in found.values()):
                break
            wanted = {key for work in works for key in work.onward(secret, known)} - asked
        return known

    async def _hand_over(self, sent: _Sent, pushes: list[Push], done: Committed) -> None:
        """Start what is owed. It is stored: whatever goes wrong here must not store it again."""
        try:
            if failpoints.reach is not None:
                await failpoints.reach("after_commit_before_ack")
            self._push(sent, pushes, done)
            if sent.batch.rows.media:
                self._fetch()
        except Exception:
            log.exception("commit.defect")
            # What was not started is ours and not in memory: it is found and given back.
            self._link.drop()

    def _push(self, sent: _Sent, pushes: list[Push], done: Committed) -> None:
        batch, worker = sent
        behind, lost, repeated = set(done.behind), set(done.lost), set(done.repeated)
        events = batch.rows.events
        for push in pushes:
            if push.event <= len(events):
                event = events[push.event - 1]
                if event[4] in lost or event[5] in repeated:
                    continue
            body = batch.bodies[push.event_id]
            if push.first and push.own and push.row not in behind:
                place = done.base + push.event
                owned = Owned(push.lane, push.endpoint.no, place, push.event_id, 0, push.retry)
                self._pusher.start(owned, body, worker)
            else:
                self._pusher.keep(push.event_id, body)

    async def _failed(
        self, waiting: list[_Waiting], error: Exception, sent: _Sent | None, again: int
    ) -> None:
        kind = fault_kind(error)
        if kind == "again" and again < _AGAIN_MAX:
            await self._flush(waiting, again + 1)
        elif kind == "poison" or (kind in {"again", "unclear"} and len(waiting) > 1):
            log.warning("commit.refused", items=len(waiting), error=str(error)[:300])
            await self._isolate(waiting)
        elif kind == "shut":
            # Nothing is wrong with what waits: it is to come again as it is.
            self._shut.note(error)
            self._link.renew()
            _fail(waiting, DatabaseUnavailable("The database takes nothing just now."))
        elif sent is not None and kind == "gone":
            self._link.drop()
            await self._settle(waiting, sent.batch)
        elif kind == "gone" and again < _RECONNECTS_MAX and self._link.failures < _REFUSED_MAX:
            # Nothing was sent yet, and a connection that was merely cut is soon replaced.
            self._link.drop()
            await self._flush(waiting, again + 1)
        else:
            self._link.drop()
            _fail(waiting, error)

    async def _isolate(self, waiting: list[_Waiting]) -> None:
        """Halve until the work that cannot be stored is alone; then store it in a simpler form."""
        if len(waiting) > 1:
            middle = len(waiting) // 2
            await self._flush(waiting[:middle])
            await self._flush(waiting[middle:])
        elif waiting[0].work.degrade():
            await self._flush(waiting)
        else:
            _fail(waiting, Unstorable("It could not be stored."))

    async def _settle(self, waiting: list[_Waiting], batch: Batch) -> None:
        """Find out what became of a commit whose answer was lost, before anything is answered."""
        log.warning("commit.settling", items=len(waiting))
        found = await self._found(waiting, batch)
        if found is None:
            return
        events, callbacks = found
        for item in reversed(waiting):
            if not item.work.settled(events, callbacks):
                self._again(item)
            elif not item.done.done():
                item.done.set_result(None)

    async def _found(
        self, waiting: list[_Waiting], batch: Batch
    ) -> tuple[set[UUID], set[UUID]] | None:
        events: list[UUID] = [row[0] for row in batch.rows.events]  # type: ignore[misc]
        callbacks: list[UUID] = [row[0] for row in batch.rows.callbacks]  # type: ignore[misc]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_S
        while True:
            try:
                async with self.quiet:
                    worker = self._worker()
                    connection = await self._link.get(worker)
                    return await stored(connection, events, callbacks)
            except Exception as error:
                self._link.drop()
                if fault_kind(error) != "gone" or loop.time() > deadline:
                    _fail(waiting, error)
                    return None
                await asyncio.sleep(_SETTLE_PAUSE_S)

    def _again(self, item: _Waiting) -> None:
        """Let work come round in the next batch: what it was decided on has changed."""
        item.work.passes += 1
        if item.work.passes > _PASSES_MAX:
            _fail([item], DatabaseUnavailable("Its subject changes too fast."))
        else:
            self.backlog.add(item, first=True)


def _fail(waiting: list[_Waiting], error: BaseException) -> None:
    if not isinstance(error, DatabaseUnavailable):
        text = f"{type(error).__name__}: {error}"[:300]
        log.warning("commit.failed", items=len(waiting), error=text)
        error = DatabaseUnavailable("It could not be stored just now.")
    for item in waiting:
        if not item.done.done():
            item.done.set_exception(error)
