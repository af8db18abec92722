"""A worker that only beats, by a clock that a test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ringback.errors import DatabaseUnavailable
from ringback.services.clock import Clock
from ringback.services.flood import Flood
from ringback.services.numbers import Ledger, Totals
from ringback.services.workers import ANSWER_S, Lease, Workers
from ringback.storage.database import Connection, Database, Lifeline

BEAT_S = 2.0


class HandClock(Clock):
    """A clock whose seconds since boot a test moves by hand."""

    def __init__(self) -> None:
        """Start somewhere."""
        super().__init__()
        self.boot = 1000.0

    def boottime(self) -> float:
        """Return the seconds."""
        return self.boot


class _Nothing:
    """Counts of a process that counts nothing."""

    named: frozenset[int] = frozenset()

    def totals(self) -> Totals:
        """Return nothing counted."""
        return {}

    def now(self) -> Totals:
        """Return nothing that stands."""
        return {}


class Cuttable(Lifeline):
    """A lifeline that a test may cut."""

    broken = False

    def cut(self, broken: bool) -> None:
        """Let nobody answer any more, or again."""
        self.broken = broken
        self.close()

    async def _connect(self) -> Connection:
        if self.broken:
            raise DatabaseUnavailable("Nobody answers.")
        return await super()._connect()


class Member:
    """One worker with a clock of its own; its loop runs, `turn` makes it beat now."""

    def __init__(self, dsn: str) -> None:
        """Build it."""
        self.clock = HandClock()
        self.database = Database(dsn)
        self.lifeline = Cuttable(dsn, ANSWER_S)
        self.lease = Lease(self.clock)
        self.version = 1
        self.dropped = self.freed = 0
        self.crew = (0, 1)
        self.broken = False
        self.slow_s = 0.0
        self._loop: asyncio.Task[None] | None = None
        self.workers = Workers(
            self.lifeline, self.database, self.lease, self.clock, lambda: self.version,
            self._newer, self._drop, self._free, Flood(), Ledger(_Nothing), self._crewed,
        )  # fmt: skip

    async def _newer(self, connection: Connection) -> None:
        self.clock.boot += self.slow_s
        if self.broken:
            raise ValueError("a configuration that cannot be read")
        self.version = await connection.fetchval("select config_version from installation")

    def _crewed(self, rank: int, count: int) -> None:
        self.crew = (rank, count)

    def _free(self) -> None:
        self.freed += 1

    def _drop(self) -> None:
        self.dropped += 1

    @property
    def id(self) -> int:
        """The id under which it is registered."""
        assert self.lease.id is not None
        return self.lease.id

    async def turn(self, seconds: float = 0.0) -> None:
        """Let time pass for this worker, then beat."""
        self.clock.boot += seconds
        await self.workers.told()

    @contextlib.asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Let its loop stand still."""
        await self.halt()
        try:
            yield
        finally:
            self.begin()

    def begin(self) -> None:
        """Let its loop run."""
        self._loop = asyncio.create_task(self.workers.run())

    async def halt(self) -> None:
        """Stop its loop, which must not have ended by itself."""
        assert self._loop is not None
        assert not self._loop.done()
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def turns(self, seconds: float) -> None:
        """Let so much time pass, with a beat every two seconds."""
        for _ in range(int(seconds / BEAT_S)):
            await self.turn(BEAT_S)
