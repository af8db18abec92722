"""Reading what was held while a connection's processing was paused, once it goes on.

In the background, in the order in which it came, so much at a time; what comes meanwhile is read at
once. Whoever dies in between leaves callbacks that are still held, though what they say may have
been taken: they are read once more, and everything that is known already is dropped.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.errors import DatabaseUnavailable
from ringback.providers.base import CallReport, OrderReport
from ringback.services import connection_changes, slices
from ringback.services.arrivals import Arrival
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.pressure import Pressure
from ringback.services.receive import LARGE, read_large
from ringback.services.trouble import Trouble
from ringback.storage import held
from ringback.storage.database import Database
from ringback.storage.held import HeldCallback, Taken
from ringback.storage.lists import Scope

# So many are read at a time, with so many bytes; then others have their turn.
BATCH_MAX = 100
BATCH_BYTES_MAX = 4 * 1024 * 1024
# So much is held of a connection; beyond this its provider is told to come again.
HELD_MAX = 500_000
HELD_BYTES_MAX = 4 * 1024 * 1024 * 1024
LOOK_S = 5.0
# A connection counts as worked off only so long after it went on: a worker that had not heard of
# that may have held something until then.
GRACE_MS = 60_000
# What is weighed of one connection at a time.
_WEIGHED_MAX = 50_000
_START = uuid.UUID(int=0)
log = structlog.get_logger()


class _Weighed(msgspec.Struct):
    """How much of a connection was held when it was last looked at, and the last one's id."""

    since: int
    count: int = 0
    size: int = 0
    last: uuid.UUID = _START


class Resuming:
    """Works off what is held; one per worker.

    `taken` counts by provider what was read.
    """

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        committers: tuple[Committer, Committer],
        clock: Clock,
        pressure: Pressure,
    ) -> None:
        """Take the edges; the second committer is for large bodies."""
        self._configuration = configuration
        self._database = database
        self._committers = committers
        self._clock = clock
        self._pressure = pressure
        self._poked = asyncio.Event()
        self._weighed: dict[int, _Weighed] = {}
        self.taken: Counter[str] = Counter()

    def full(self, connection: Connection) -> bool:
        """Say whether as much is held of a connection as may be, by when that was last looked at.

        Each worker looks for itself, every few seconds: so much more may be held.
        """
        known = self._weighed.get(connection.no)
        return known is not None and (known.count >= HELD_MAX or known.size >= HELD_BYTES_MAX)

    def poke(self) -> None:
        """Look at once: the configuration has changed."""
        self._poked.set()

    async def run(self) -> None:
        """Work off what is held, for ever."""
        trouble = Trouble("resume")
        while True:
            with trouble:
                await self.weigh()
                if await self.once():
                    continue
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._poked.wait()
            except TimeoutError:
                continue
            self._poked.clear()

    async def once(self) -> int:
        """Read the next of every connection that has gone on; return how many callbacks."""
        count = 0
        for connection in self._waiting():
            try:
                count += await self._next(connection)
            except DatabaseUnavailable as error:
                log.warning("resume.failed", connection=connection.no, error=str(error)[:200])
            except Exception:
                # What is wrong with one of them must not stop the others, or the worker.
                log.exception("resume.defect", connection=connection.no)
        return count

    def _waiting(self) -> Iterator[Connection]:
        for connection in list(self._configuration.snapshot.connections.values()):
            pauses = connection.pauses
            if pauses.resumed is not None and pauses.processing is None:
                yield connection

    async def _next(self, connection: Connection) -> int:
        """Read the oldest that are held of a connection; nothing while another worker does."""
        await self._pressure.slow()
        async with held.mine(self._database, connection.no) as mine:
            if not mine:
                return 0
            scope = Scope(connection.tenant, connection.mode)
            found = await held.oldest(
                self._database, scope, connection.no, BATCH_MAX, BATCH_BYTES_MAX
            )
            if found:
                return await self._take(connection, scope, found)
        await self._end(connection)
        return 0

    async def _take(self, connection: Connection, scope: Scope, found: list[HeldCallback]) -> int:
        """Have what was held committed, which takes as long as it takes; then note it."""
        works = [await self._arrival(connection, one) for one in found]
        results = await asyncio.gather(
            *(self._submit(work) for work in works), return_exceptions=True
        )
        done = [
            _taken(work, one)
            for work, one, result in zip(works, found, results, strict=True)
            if result is None
        ]
        if done:
            await held.taken(self._database, scope, done)
        self.taken[connection.provider] += len(done)
        for result in results:
            if result is not None:
                raise result
        return len(done)

    async def _arrival(self, connection: Connection, one: HeldCallback) -> Arrival:
        received_ms = int(one.received.timestamp() * 1000)
        parsed = await read_large(connection, one.callback)
        return Arrival(connection, one.callback, received_ms, parsed, stored_as=one.id)

    async def _submit(self, work: Arrival) -> None:
        small, large = self._committers
        many = len(work.parsed.items) > slices.SLICE_ITEMS or len(work.callback.body) > LARGE
        await slices.commit(work, large if many else small)

    async def _end(self, connection: Connection) -> None:
        """Note that nothing is held any more, once nobody can add to it."""
        resumed = connection.pauses.resumed
        if resumed is None or self._clock.now_ms() - resumed < GRACE_MS:
            return
        edges = connection_changes.Edges(self._configuration, self._clock, None)
        await connection_changes.worked_off(edges, connection)

    async def weigh(self) -> None:
        """Look how much is held of each connection whose processing is paused."""
        connections = list(self._configuration.snapshot.connections.values())
        paused = {one.no: one for one in connections if one.pauses.processing is not None}
        for no in self._weighed.keys() - paused.keys():
            del self._weighed[no]
        for no, connection in paused.items():
            pause = connection.pauses.processing
            known = self._weighed.get(no)
            if pause is None:
                continue
            if known is None or known.since != pause.since:
                known = self._weighed[no] = _Weighed(pause.since)
            scope = Scope(connection.tenant, connection.mode)
            more = await held.weigh(self._database, scope, no, known.last, _WEIGHED_MAX)
            known.count += more.n
            known.size += more.size
            known.last = more.last or known.last


def _taken(work: Arrival, one: HeldCallback) -> Taken:
    # Everything in it was known: what it says has long been taken.
    outcome = "accepted" if work.outcome == "duplicate" and not work.emitted else work.outcome
    about = {
        subject
        for keyed, subject in zip(work.keyed, work.subjects, strict=False)
        if subject is not None and not isinstance(keyed.item, CallReport | OrderReport)
    }
    subject = about.pop() if len(about) == 1 else None
    return Taken(one.id, outcome, work.words or one.reason, work.parts, subject)
