"""Writing down attempts in batches, and handing on the next delivery of every lane that ended."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import structlog

from ringback.domain.ids import delivery_id
from ringback.errors import DatabaseUnavailable
from ringback.services import failpoints
from ringback.services.held import Held
from ringback.services.stuck import NAMED_MAX
from ringback.services.trouble import Trouble
from ringback.storage.database import Connection
from ringback.storage.faults import fault_kind
from ringback.storage.hot import Finished, Owned, bodies, end_gone, finish_batch, release
from ringback.storage.link import HotLink, stored_already

BATCH_MAX = 500
CACHE_BYTES = 32 * 1024 * 1024
_PAUSE_S = 0.2
_REFUSED_S = 5.0
# Bodies are up to 256 KiB each.
READ_MAX = 64
log = structlog.get_logger()


class Bodies:
    """Bodies of events that wait behind others, so that handing on needs no read. Bounded."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: OrderedDict[UUID, bytes] = OrderedDict()
        self._bytes = 0

    def keep(self, event: UUID, body: bytes) -> None:
        """Remember a body; the oldest are forgotten beyond 32 MiB."""
        if event in self._kept:
            return
        self._kept[event] = body
        self._bytes += len(body)
        while self._bytes > CACHE_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])

    def get(self, event: UUID) -> bytes | None:
        """Return a body if it is still remembered."""
        return self._kept.get(event)


class Desk(Protocol):
    """Where deliveries are attempted."""

    def takes(self, number: int, /) -> bool:
        """Whether another delivery to an endpoint may be taken into memory."""

    def start(self, owned: Owned, body: bytes, worker: int, /) -> None:
        """Attempt a delivery."""


class Recorder:
    """Finishes deliveries on one hot connection, as many at a time as have come meanwhile.

    A delivery that was not attempted after all is given back instead: `release`.
    """

    def __init__(
        self,
        link: HotLink,
        kept: Bodies,
        held: Held,
        worker: Callable[[], int],
        desk: Callable[[], Desk],
        recorded: Callable[[], None],
        claiming: asyncio.Lock,
    ) -> None:
        """Take the edges; `desk` has what is handed on.

        `recorded` is told when there is room for more results. `claiming` is held by whoever has a
        claim under way.
        """
        self._link = link
        self._kept = kept
        self._held = held
        self._worker = worker
        self._desk = desk
        self._recorded = recorded
        self._claiming = claiming
        self._recording = 0
        self._queue: deque[Finished] = deque()
        self._released: deque[Owned | Finished] = deque()
        self._wake = asyncio.Event()
        self._busy = False
        self.quiet = asyncio.Lock()
        self._trouble = Trouble("record")
        self.attempts = 0

    @property
    def unrecorded(self) -> int:
        """How many results are not known to be recorded: waiting, or on their way."""
        return len(self._queue) + self._recording

    def put(self, result: Finished) -> None:
        """Take the result of an attempt. Bounded by what Push lets be under way."""
        self._queue.append(result)
        self._wake.set()

    def release(self, owned: Owned) -> None:
        """Give a delivery back to whoever claims it next."""
        self._released.append(owned)
        self._wake.set()

    async def run(self) -> None:
        """Record for ever; a batch that fails is recorded again until it succeeds."""
        while True:
            if not self._queue and not self._released:
                self._busy = False
                self._wake.clear()
                await self._wake.wait()
            self._busy = True
            if self._queue:
                self._recording = min(BATCH_MAX, len(self._queue))
                await self._record([self._queue.popleft() for _ in range(self._recording)])
                self._recording = 0
                self._recorded()
            if self._released:
                size = min(BATCH_MAX, len(self._released))
                await self._give_back([self._released.popleft() for _ in range(size)])

    async def drained(self) -> None:
        """Wait until every result is recorded."""
        while self._queue or self._released or self._busy:
            await asyncio.sleep(0.01)

    async def _record(self, batch: list[Finished]) -> None:
        while True:
            try:
                async with self.quiet:
                    worker = self._worker()
                    connection = await self._link.get(worker)
                    if failpoints.reach is not None:
                        await failpoints.reach("after_result_before_commit")
                    owned = await finish_batch(connection, worker, batch)
                    self.attempts += len(batch)
                    for result in batch:
                        self._held.discard(result.lane, result.endpoint, result.ord)
                    await self._hand_on(connection, worker, owned)
                self._trouble.over()
                return
            except Exception as error:
                if fault_kind(error) in {"poison", "unclear"}:
                    await self._isolate(batch, error)
                    return
                await self._pause(error)

    async def _hand_on(self, connection: Connection, worker: int, owned: list[Owned]) -> None:
        """Start what follows. The results are recorded, whatever goes wrong here."""
        try:
            if failpoints.reach is not None:
                await failpoints.reach("after_finish_before_hand_on")
            await hand_on(connection, worker, owned, self._kept, self._desk())
        except Exception as error:
            log.warning("record.hand_on", error=f"{type(error).__name__}: {error}"[:300])
            # What was not started is ours and not in memory: it is found and given back.
            self._link.drop()

    async def _isolate(self, batch: list[Finished], error: Exception) -> None:
        """Record each by itself; what is refused even so, bare of all that its endpoint sent."""
        if len(batch) > 1:
            for result in batch:
                await self._record([result])
            return
        if stored_already(error):
            # It was recorded, only the answer was lost; then we claimed the delivery for its retry,
            # and did not begin because it was still here. It can begin now.
            await self._give_back(list(batch), again=True)
            return
        bare = batch[0]._replace(detail=b"{}", response=b"")
        log.error("record.refused", endpoint=bare.endpoint)
        if bare != batch[0]:
            await self._record([bare])
        else:
            # Forgotten it would be sent for ever or never: it waits here until it is taken.
            asyncio.get_running_loop().call_later(_REFUSED_S, self.put, bare)

    async def _give_back(self, batch: list[Owned | Finished], *, again: bool = False) -> None:
        """Give back; `again` when it may have happened already.

        Then we may have claimed the same rows since. Such a claim starts nothing while they are
        still here, so it has to be over before they are given back and forgotten.
        """
        while True:
            try:
                async with self.quiet, self._claiming if again else contextlib.nullcontext():
                    worker = self._worker()
                    await release(await self._link.get(worker), worker, batch)
                    for row in batch:
                        self._held.discard(row.lane, row.endpoint, row.ord)
                self._trouble.over()
                return
            except Exception as error:
                if fault_kind(error) in {"poison", "unclear"}:
                    log.exception("release.refused")
                    # Still ours, and nobody's work any more: it is found by whoever looks for that.
                    for row in batch:
                        self._held.discard(row.lane, row.endpoint, row.ord)
                    return
                again = True
                await self._pause(error)

    async def _pause(self, error: Exception) -> None:
        self._trouble.note(error)
        if fault_kind(error) == "shut":
            self._link.renew()
        elif not isinstance(error, DatabaseUnavailable):
            self._link.drop()
        await asyncio.sleep(_PAUSE_S)


async def hand_on(
    connection: Connection, worker: int, owned: list[Owned], kept: Bodies, desk: Desk
) -> int:
    """Start deliveries that are `worker`'s now, reading the bodies that are not remembered.

    Bodies are read a few at a time; what there is no memory for after that is given back. What
    retention has removed cannot be sent any more: such deliveries end. Returns how many did.
    """
    left: list[Owned] = []
    gone: list[Owned] = []
    for at in range(0, len(owned), READ_MAX):
        taken: list[Owned] = []
        for row in owned[at : at + READ_MAX]:
            (taken if desk.takes(row.endpoint) else left).append(row)
        found = {row.event: body for row in taken if (body := kept.get(row.event)) is not None}
        missing = [row.event for row in taken if row.event not in found]
        if missing:
            found.update(await bodies(connection, missing))
        for row in taken:
            body = found.get(row.event)
            if body is not None:
                desk.start(row, body, worker)
            else:
                gone.append(row)
    if left:
        await release(connection, worker, left)
    return await _end(connection, worker, gone) if gone else 0


async def _end(connection: Connection, worker: int, gone: list[Owned]) -> int:
    ended = await end_gone(connection, worker, gone)
    names = ", ".join(delivery_id(row.endpoint, row.ord) for row in gone[:NAMED_MAX])
    log.warning("delivery.event_gone", items=ended, deliveries=names)
    return ended
