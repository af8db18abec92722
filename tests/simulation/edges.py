"""A simulated worker's edges to the simulated server: its hot connections, its pool, its clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from ringback.errors import DatabaseUnavailable
from ringback.services.clock import Clock
from ringback.services.workers import ANSWER_S
from ringback.storage.database import HOT_ANSWER_S, Connection, Database, Lifeline
from ringback.storage.faults import Gone
from ringback.storage.link import HotLink
from tests.simulation.server import STATEMENT_TIMEOUT_S, Server
from tests.simulation.timeloop import Process


class Link(HotLink):
    """A hot connection of a simulated worker: the engine's own, to the simulated server."""

    def __init__(
        self, server: Server, process: Process, slot: int, broken: Callable[[int], object]
    ) -> None:
        """Belong to a process."""
        super().__init__("", slot, broken)
        self._server = server
        self._process = process

    async def _connect(self) -> Connection:
        return cast("Connection", await self._server.connect(self._process, HOT_ANSWER_S))


class Line(Lifeline):
    """The connection of a simulated worker's heartbeat: the engine's own."""

    def __init__(self, server: Server, process: Process) -> None:
        """Belong to a process."""
        super().__init__("", ANSWER_S)
        self._server = server
        self._process = process

    async def _connect(self) -> Connection:
        found = await self._server.connect(self._process, ANSWER_S, connecting_s=ANSWER_S)
        return cast("Connection", found)


class Pool(Database):
    """The pool of a simulated worker."""

    def __init__(self, server: Server, process: Process) -> None:
        """Belong to a process."""
        super().__init__("")
        self._server = server
        self._process = process

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a connection."""
        session = await self._server.connect(self._process, STATEMENT_TIMEOUT_S)
        try:
            yield cast("Connection", session)
        except Gone as error:
            raise DatabaseUnavailable(f"Cannot reach PostgreSQL: {error}") from error
        finally:
            session.terminate()


class WorkerClock(Clock):
    """A worker's clock: the database's, wrong by `error_s`, and the loop's for durations."""

    def __init__(self, server: Server) -> None:
        """Start right."""
        super().__init__()
        self._server = server
        self.error_s = 0.0

    def now_ms(self) -> int:
        """Return the time in milliseconds, as far as this worker knows."""
        return self._server.now() // 1000 + int(self.error_s * 1000) + self.offset_ms

    def boottime(self) -> float:
        """Return the loop's seconds: they run for whoever is paused, too."""
        return self._server.loop.time()
