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

import structlog

from ringback.domain.ids import IdSequence, fact_hash
from ringback.domain.outcomes import Outcome
from ringback.errors import DatabaseUnavailable
from ringback.providers.base import Inbound, Parsed, Report, Unparsed, Unrecognised
from ringback.services.arrivals import Arrival, key_items
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.decide import SEEN_MAX, Decider, Decision, Known
from ringback.services.flood import Flood
from ringback.storage.hot import (
    Committed,
    Owned,
    commit_batch,
    read_facts,
    read_once,
    read_subjects,
)
from ringback.storage.link import HotLink, fault_kind

BATCH_MAX = 512
BATCH_BYTES_MAX = 4 * 1024 * 1024
# What waits for a place in a batch: beyond this, providers are told to come again.
WAITING_MAX = 8192
_AGAIN_MAX = 3
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
        lost: Callable[[], None],
        flood: Flood,
    ) -> None:
        """Take the edges.

        `worker` returns the id to commit under, or raises while none is held; `lost` is told when
        the outcome of a commit is not known.
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
                self._wake.clear()
                await self._wake.wait()
            await self._flush(self._collect())

    async def drained(self) -> None:
        """Wait until nothing waits to be committed."""
        while self._queue:
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
        try:
            await self._write(batch)
        except Exception as error:
            kind = fault_kind(error)
            if kind == "again" and again < _AGAIN_MAX:
                await self._flush(batch, again + 1)
            elif kind == "poison":
                log.warning("commit.refused", items=len(batch), error=str(error)[:300])
                await self._isolate(batch)
            else:
                self._link.drop()
                self._lost()
                _fail(batch, error)

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
        arrival.settled, arrival.keyed = "unparsed", []
        arrival.parsed = Parsed(unparsed=(Unparsed("It could not be stored in parts."),))
        await self._flush(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        worker = self._worker()
        connection = await self._link.get()
        arrivals = [waiting.arrival for waiting in batch]
        known = await self._read(arrivals)
        now = self._clock.now_ms()
        decider = Decider(
            self._configuration.snapshot, known, IdSequence(now, os.urandom(10)), now,
            self._pusher.free(), self._flood.keep,
        )  # fmt: skip
        decision = decider.decide(arrivals)
        done = await commit_batch(connection, worker, decision.rows)
        self.batches += 1
        self.items += len(batch)
        self._answer(batch, decision, done)
        self._push(decision, done)

    async def _read(self, arrivals: list[Arrival]) -> Known:
        connection = await self._link.get()
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
            arrival.passes += 1
            if arrival.passes > _PASSES_MAX:
                _fail([waiting], DatabaseUnavailable("The message changes too fast."))
            else:
                self._queue.appendleft(waiting)
                self._wake.set()

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


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    if not isinstance(error, DatabaseUnavailable):
        log.warning(
            "commit.failed", items=len(batch), error=f"{type(error).__name__}: {error}"[:300]
        )
        error = DatabaseUnavailable("The callback could not be stored just now.")
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
