"""Group commit: callbacks in, one transaction a batch, and only then their answers.

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

import msgspec
import structlog

from ringback.domain.http import Callback
from ringback.domain.ids import IdSequence, fact_hash
from ringback.domain.outcomes import Outcome
from ringback.errors import DatabaseUnavailable
from ringback.providers.base import Inbound, Parsed, Report, Unparsed, Unrecognised
from ringback.services.arrivals import Arrival, key_items
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.decide import SEEN_MAX, Decider, Decision, Known
from ringback.services.flood import Flood
from ringback.storage.database import Connection
from ringback.storage.hot import (
    Committed,
    Owned,
    commit_batch,
    read_facts,
    read_once,
    read_subjects,
    stored,
)
from ringback.storage.link import HotLink, fault_kind

BATCH_MAX = 512
BATCH_BYTES_MAX = 4 * 1024 * 1024
# What waits for a place in a batch: beyond this, providers are told to come again.
WAITING_MAX = 8192
_AGAIN_MAX = 3
# How long a commit of unknown outcome is followed up before its callbacks are told to come again.
SETTLE_S = 20.0
_PASSES_MAX = 20
log = structlog.get_logger()


class Pusher(Protocol):
    """What the committer hands fresh deliveries to."""

    def keep(self, event: UUID, body: bytes) -> None:
        """Remember the body of an event that waits behind another."""

    def free(self) -> dict[int, int]:
        """Say how many deliveries each endpoint's number may still take."""

    def start(self, owned: Owned, body: bytes) -> None:
        """Start a delivery that this worker owns."""


class _Waiting(NamedTuple):
    arrival: Arrival
    future: asyncio.Future[Outcome]


class Committer:
    """Commits arrivals in batches on one hot connection."""

    def __init__(
        self,
        link: HotLink,
        configuration: Configuration,
        pusher: Pusher,
        clock: Clock,
        worker: Callable[[], int],
        lost: Callable[[int], None],
        flood: Flood,
    ) -> None:
        """Take the edges.

        `worker` returns the id to commit under, or raises while none is held; `lost` is told which
        worker's deliveries may be in the database without being in memory.
        """
        self._link = link
        self._configuration = configuration
        self._pusher = pusher
        self._clock = clock
        self._worker = worker
        self._lost = lost
        self._flood = flood
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._busy = False
        self.quiet = asyncio.Lock()
        self.batches = 0
        self.items = 0

    async def submit(self, arrival: Arrival) -> Outcome:
        """Wait until the callback and all that follows from it is committed.

        Raises:
            DatabaseUnavailable: it is not known to be stored; the provider is to come again.

        """
        if len(self._queue) >= WAITING_MAX:
            raise DatabaseUnavailable("Too many callbacks are waiting to be stored.")
        key_items(arrival, self._configuration.snapshot.hash_key)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(arrival, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Commit for ever."""
        while True:
            if not self._queue:
                self._busy = False
                self._wake.clear()
                await self._wake.wait()
            self._busy = True
            await self._flush(self._collect())

    async def drained(self) -> None:
        """Wait until nothing waits to be committed."""
        while self._queue or self._busy:
            await asyncio.sleep(0.01)

    def _collect(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < BATCH_MAX:
            size += self._queue[0].arrival.size
            if batch and size > BATCH_BYTES_MAX:
                break
            waiting = self._queue.popleft()
            if not waiting.future.cancelled():
                batch.append(waiting)
        return batch

    async def _flush(self, batch: list[_Waiting], again: int = 0) -> None:
        if not batch:
            return
        decision: Decision | None = None
        try:
            async with self.quiet:
                worker = self._worker()
                decision = await self._decide(batch, await self._link.get(worker))
                connection = await self._link.get(worker)
                done = await commit_batch(connection, worker, decision.rows)
                self._push(decision, done)
        except Exception as error:
            await self._failed(batch, error, decision, again)
            return
        self.batches += 1
        self.items += len(batch)
        self._answer(batch, decision, done)

    async def _failed(
        self, batch: list[_Waiting], error: Exception, decision: Decision | None, again: int
    ) -> None:
        kind = fault_kind(error)
        if kind == "again" and again < _AGAIN_MAX:
            await self._flush(batch, again + 1)
        elif kind == "poison":
            log.warning("commit.refused", items=len(batch), error=str(error)[:300])
            await self._isolate(batch)
        elif decision is not None and kind == "gone":
            self._link.drop()
            await self._settle(batch, decision)
        elif kind == "gone" and not isinstance(error, DatabaseUnavailable) and again == 0:
            # Nothing was sent yet, and a connection that was merely cut is soon replaced.
            self._link.drop()
            await self._flush(batch, 1)
        else:
            self._link.drop()
            _fail(batch, error)

    async def _settle(self, batch: list[_Waiting], decision: Decision) -> None:
        """Find out what became of a commit whose answer was lost, before anything is answered."""
        log.warning("commit.settling", items=len(batch))
        events = [row[0] for row in decision.rows.events]
        callbacks = [row[0] for row in decision.rows.callbacks]
        deadline = asyncio.get_running_loop().time() + SETTLE_S
        while True:
            try:
                async with self.quiet:
                    worker = self._worker()
                    connection = await self._link.get(worker)
                    kept, raw = await stored(connection, events, callbacks)  # type: ignore[arg-type]
                break
            except Exception as error:
                self._link.drop()
                if fault_kind(error) != "gone" or asyncio.get_running_loop().time() > deadline:
                    _fail(batch, error)
                    return
                await asyncio.sleep(0.1)
        self._lost(worker)
        for waiting, outcome in zip(batch, decision.outcomes, strict=True):
            arrival = waiting.arrival
            mine = [row[0] for row in decision.rows.events if row[8] == arrival.id]
            arrival.stored = arrival.stored or arrival.id in raw
            if arrival.stored and kept.issuperset(mine):
                if not waiting.future.done():
                    waiting.future.set_result(outcome)
            else:
                arrival.brought = arrival.brought or not kept.isdisjoint(mine)
                self._again(waiting)

    def _again(self, waiting: _Waiting) -> None:
        """Let a callback come round in the next batch: what it was decided on has changed."""
        waiting.arrival.passes += 1
        if waiting.arrival.passes > _PASSES_MAX:
            _fail([waiting], DatabaseUnavailable("The message changes too fast."))
        else:
            self._queue.appendleft(waiting)
            self._wake.set()

    async def _isolate(self, batch: list[_Waiting]) -> None:
        """Halve until the item that cannot be stored is alone; then store it as bytes only."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._flush(batch[:middle])
            await self._flush(batch[middle:])
            return
        arrival = batch[0].arrival
        if arrival.settled is not None:
            _fail(batch, DatabaseUnavailable("The callback could not be stored."))
            return
        arrival.settled, arrival.keyed, arrival.reason = "unparsed", [], ""
        arrival.parsed = Parsed(unparsed=(Unparsed("It could not be stored in parts."),))
        arrival.callback = _scrubbed(arrival.callback)
        await self._flush(batch)

    async def _decide(self, batch: list[_Waiting], connection: Connection) -> Decision:
        arrivals = [waiting.arrival for waiting in batch]
        known = await self._read(arrivals, connection)
        now = self._clock.now_ms()
        decider = Decider(
            self._configuration.snapshot, known, IdSequence(now, os.urandom(10)), now,
            self._pusher.free(), self._flood.keep,
        )  # fmt: skip
        return decider.decide(arrivals)

    async def _read(self, arrivals: list[Arrival], connection: Connection) -> Known:
        keys: list[UUID] = []
        once: list[UUID] = []
        for arrival in arrivals:
            for keyed in arrival.keyed:
                (once if isinstance(keyed.item, Unrecognised) else keys).append(keyed.key)
                if keyed.reply is not None:
                    keys.append(keyed.reply)
        subjects = await read_subjects(connection, keys) if keys else {}
        known_once = await read_once(connection, once) if once else set()
        probes = [
            (row.id, fact_hash(keyed.item.key, keyed.item.occurred_at))
            for arrival in arrivals
            for keyed in arrival.keyed
            if isinstance(keyed.item, Report | Inbound)
            and (row := subjects.get(keyed.key)) is not None
            and len(row.seen) >= SEEN_MAX
        ]
        facts = await read_facts(connection, probes) if probes else set()
        return Known(subjects, facts, known_once)

    def _answer(self, batch: list[_Waiting], decision: Decision, done: Committed) -> None:
        lost = set(done.lost)
        for waiting, outcome, indexes in zip(
            batch, decision.outcomes, decision.subjects_of, strict=True
        ):
            arrival = waiting.arrival
            if lost.isdisjoint(indexes):
                if not waiting.future.done():
                    waiting.future.set_result(outcome)
                continue
            # Somebody else was first with one of its subjects: read again and merge.
            arrival.stored = arrival.stored or not lost.issuperset(indexes)
            arrival.brought = arrival.brought or arrival.stored
            self._again(waiting)

    def _push(self, decision: Decision, done: Committed) -> None:
        if not decision.pushes:
            return
        behind, lost, repeated = set(done.behind), set(done.lost), set(done.repeated)
        for push in decision.pushes:
            event = decision.rows.events[push.event - 1]
            if event[4] in lost or event[5] in repeated:
                continue
            if push.first and push.own and push.row not in behind:
                owned = Owned(push.lane, push.endpoint.no, done.base + push.event, push.event_id, 0)
                self._pusher.start(owned, decision.bodies[push.event_id])
            else:
                self._pusher.keep(push.event_id, decision.bodies[push.event_id])


def _scrubbed(callback: Callback) -> Callback:
    """Replace what no text column takes; headers and body are bytes and stay as they are."""

    def clean(text: str) -> str:
        return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()

    return msgspec.structs.replace(
        callback, method=clean(callback.method), url=clean(callback.url), peer=clean(callback.peer)
    )


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    if not isinstance(error, DatabaseUnavailable):
        log.warning(
            "commit.failed", items=len(batch), error=f"{type(error).__name__}: {error}"[:300]
        )
        error = DatabaseUnavailable("The callback could not be stored just now.")
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
