"""PostgreSQL as far as the engine can tell, on the model of the store: statements by name.

What can go wrong between a client and its server goes wrong here: connections are cut with a
statement on its way, executed or not; statements are decided late; the server is gone for a while;
a worker cannot reach it. Of locks there are those of sessions; races inside the server are not
simulated.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol, cast

import asyncpg

from ringback.errors import DatabaseUnavailable
from ringback.storage.configuration import Everything
from ringback.storage.hot import Finished
from ringback.storage.queries import query
from tests.simulation.model import Refused, Store
from tests.simulation.statements import Rows, Statements, finishing
from tests.simulation.timeloop import Process, TimeLoop

ROUND_TRIP_S = (0.0003, 0.003)
CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 30.0
LATE_S = 4.0
TERMINATED_S = 0.05
# How soon the system notices that a connection is dead, if it does.
NOTICED_S = 12.0
Fate = Literal["executed", "late", "lost"]


class Watcher(Protocol):
    """Who is told what happens, and may let something go wrong at each point."""

    def executed(self, process: Process, name: str, arguments: tuple[Any, ...], rows: Rows) -> None:
        """Learn that a statement was executed."""

    def finishing(self, results: list[Finished]) -> None:
        """Learn what is about to be completed."""

    def meet(self, point: str, process: Process, session: "Session | None" = None) -> None:
        """Let a fault happen that waits for this point."""

    def disturbed(self, seconds: float) -> None:
        """Learn that something is wrong for so many seconds."""


class _Statement:
    """One statement on its way: when it is executed, and who waits for the answer."""

    def __init__(self, name: str, arguments: tuple[Any, ...], answer: asyncio.Future[Rows]) -> None:
        self.name = name
        self.arguments = arguments
        self.answer = answer
        self.decided = False
        # What came of it; None when it was refused.
        self.rows: Rows | None = None

    def tell(self) -> None:
        """Answer, when it is decided."""
        if self.rows is None:
            _fail(self.answer, asyncpg.UniqueViolationError("duplicate key"))
        elif not self.answer.done():
            self.answer.set_result(self.rows)


class Session:
    """A connection to the server, with the part of asyncpg's interface that the engine uses."""

    def __init__(self, server: "Server", process: Process, patience_s: float, pid: int) -> None:
        """Belong to a process; a statement without an answer fails after `patience_s`."""
        self._server = server
        self.process = process
        self._patience_s = patience_s
        self.pid = pid
        self.closed = False
        self.running: _Statement | None = None
        self.late = False
        # Nothing passes any more, and nobody was told.
        self.silent = False

    @property
    def idle(self) -> bool:
        """Whether the server is at work for it no longer."""
        return self.running is None or self.running.decided

    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        return self.closed

    def terminate(self) -> None:
        """Close it at once. The server goes on with what it has begun."""
        self.closed = True
        self._server.left(self)

    def cut(self, fate: Fate = "executed") -> None:
        """Break it: whoever waits for an answer gets none.

        `fate` says what becomes of the statement: executed in its time or much later, or lost on
        its way. What is executed already is not undone.
        """
        self.closed = self.closed or not self.silent
        if self.running is not None:
            self.running.decided = self.running.decided or fate == "lost"
            self.late = fate == "late"
            if not self.silent:
                gone = asyncpg.ConnectionDoesNotExistError("connection was closed")
                _fail(self.running.answer, gone)
        self._server.left(self)

    def notice(self) -> None:
        """Let the client's system find out that the connection is dead."""
        if self.silent and not self.closed:
            self.silent = False
            self.cut("lost")

    @asynccontextmanager
    async def transaction(self, **_: object) -> AsyncIterator[None]:
        """Do nothing: what the engine does in a client's transaction is not hot."""
        yield

    async def fetch(self, sql: str, *arguments: Any, timeout: float | None = None) -> Rows:
        """Execute a statement and return its rows; fail after `timeout` seconds of its own."""
        name = self._server.names[sql]
        loop = self._server.loop
        if self.process.died:
            raise asyncio.CancelledError
        if self.closed:
            raise asyncpg.InterfaceError("connection is closed")
        statement = _Statement(name, arguments, loop.create_future())
        self.running = statement
        if self._server.matters(name, arguments):
            self._server.watcher.meet(f"{name}.before", self.process, self)
        timer = loop.call_later(
            timeout or self._patience_s, _fail, statement.answer, TimeoutError()
        )
        try:
            self._server.send(self, statement)
            return await statement.answer
        finally:
            timer.cancel()

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        """Execute a statement and return its first row, or None."""
        rows = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Execute a statement and return its first value, or None."""
        rows = await self.fetch(sql, *arguments, timeout=timeout)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Execute a statement."""
        await self.fetch(sql, *arguments)
        return ""


def _fail(answer: asyncio.Future[Rows], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        # Who waited for it may be dead by now: nobody has to take notice.
        answer.exception()


class Server(Statements):
    """The server: its store, its clock, and who can reach it."""

    def __init__(
        self, loop: TimeLoop, store: Store, everything: Everything, now: Callable[[], int]
    ) -> None:
        """Take the parts; `now` is the database's clock in microseconds. Set `watcher` next."""
        super().__init__(store, everything, now)
        self.loop = loop
        self.watcher = cast("Watcher", None)
        self.random = random.Random(0)
        # By process id; and who holds which session lock, and who waits for one.
        self.sessions: dict[int, Session] = {}
        self._locks: dict[tuple[int, int], Session] = {}
        self._waiting: list[tuple[Session, _Statement]] = []
        self._pids = itertools.count(1)
        # Statements that are still to be executed.
        self.undecided = 0
        # When it came back last, by the loop's clock.
        self.since = 0.0
        self._back: asyncio.Future[None] | None = None
        self._apart: dict[Process, asyncio.Future[None]] = {}
        # What is kept back until a process is reached again: statements, and answers.
        self._kept: list[tuple[Session, _Statement]] = []
        names = [*self.handlers, "link.end", "link.lock"]
        self.names = {query(name): name for name in names}

    def matters(self, name: str, arguments: tuple[Any, ...]) -> bool:
        """Whether it makes a difference if a statement fails: most claims find nothing."""
        if name != "deliveries.claim":
            return True
        dues = map(self.store.lanes.next_due, arguments[2])
        return any(due is not None and due <= self.now() for due in dues)

    def delay(self) -> float:
        """Return how long a statement takes to be executed, in seconds."""
        return self.random.uniform(*ROUND_TRIP_S)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._back is None

    @property
    def up(self) -> bool:
        """Whether it runs, and everybody can reach it."""
        return self._back is None and not self._apart

    # What goes wrong.

    def stop(self) -> None:
        """Go away: what runs is committed just in time or undone, and nobody is told which."""
        for session in list(self.sessions.values()):
            if session.running is not None and self.random.random() < 0.5:
                self._decide(session, session.running)
            session.cut("lost")
        self._waiting.clear()
        self._back = self.loop.create_future()

    def start(self) -> None:
        """Come back, with everything that was committed."""
        if self._back is not None:
            self._back.set_result(None)
            self._back = None
            self.since = self.loop.time()

    def part(self, process: Process) -> None:
        """Let nothing through from or to a process."""
        self._apart.setdefault(process, self.loop.create_future())

    def join(self, process: Process) -> None:
        """Let it through again. A connection it had is reset, or goes on, or is dead in silence."""
        barrier = self._apart.pop(process, None)
        if barrier is None:
            return
        barrier.set_result(None)
        own = [one for one in self.sessions.values() if one.process is process]
        gone_on = []
        for session in own:
            fate = self.random.choice(("reset", "goes on", "silent"))
            if fate == "reset":
                session.cut()
            elif fate == "goes on":
                gone_on.append(session)
            else:
                session.silent = True
                if self.random.random() < 0.5:
                    self.loop.outside(self.random.uniform(0, NOTICED_S), session.notice)
        kept, self._kept = self._kept, []
        for one in kept:
            session, statement = one
            if session.process is not process:
                self._kept.append(one)
            elif session not in gone_on:
                statement.decided = True
                if session.closed:
                    self.left(session)
            elif statement.decided:
                statement.tell()
            else:
                self._arrive(session, statement)

    def send(self, session: Session, statement: _Statement) -> None:
        """Let a statement come to be executed, if it can."""
        if session.silent:
            statement.decided = True
            self.watcher.disturbed(NOTICED_S)
        elif session.process in self._apart:
            self._kept.append((session, statement))
        else:
            self._arrive(session, statement)

    def _arrive(self, session: Session, statement: _Statement) -> None:
        self.undecided += 1
        self.loop.outside(self.delay(), self.execute, session, statement)

    async def reached(self, process: Process, patience_s: float) -> None:
        """Wait until a process can reach the server; raise when its patience is at its end."""
        barrier = self._apart.get(process)
        if barrier is not None:
            await asyncio.wait_for(asyncio.shield(barrier), patience_s)
            raise ConnectionResetError("connection reset by peer")

    async def connect(
        self, process: Process, patience_s: float, connecting_s: float = CONNECT_TIMEOUT_S
    ) -> Session:
        """Open a connection; raise DatabaseUnavailable when nobody answers."""
        if process.died:
            raise asyncio.CancelledError
        if self._back is not None:
            await asyncio.sleep(0.001)
            raise DatabaseUnavailable("Cannot reach PostgreSQL: connection refused")
        try:
            await self.reached(process, connecting_s)
        except (TimeoutError, OSError) as error:
            raise DatabaseUnavailable("Cannot reach PostgreSQL: timeout") from error
        session = Session(self, process, patience_s, next(self._pids))
        self.sessions[session.pid] = session
        return session

    def left(self, session: Session) -> None:
        """Let a connection's backend end when its client has gone and it has nothing to do."""
        if not session.idle or session.pid not in self.sessions:
            return
        del self.sessions[session.pid]
        for lock in [lock for lock, holder in self._locks.items() if holder is session]:
            del self._locks[lock]
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            self.undecided += 1
            self.loop.outside(0, self.execute, *one)

    def _end(self, pid: int) -> None:
        """Terminate a backend: what it was doing is decided, one way or the other."""
        session = self.sessions.get(pid)
        if session is None:
            return
        if session.running is not None and not session.running.decided:
            # Too late to interrupt it, or just in time.
            if self.random.random() < 0.3:
                self._decide(session, session.running)
            session.running.decided = True
        session.cut()

    def _link(self, session: Session, name: str, arguments: tuple[Any, ...]) -> Rows:
        """Execute a statement about connections themselves."""
        if name == "link.end":
            # The signal is sent at once, and heard a little later.
            for other in (self._locks.get(arguments), *self._queued(arguments)):
                if other is not None and other is not session:
                    self.loop.outside(self.random.uniform(0, TERMINATED_S), self._end, other.pid)
        elif name == "link.lock":
            self._locks[arguments] = session
        return [(None,)]

    def _queued(self, lock: tuple[Any, ...]) -> list[Session]:
        return [one for one, statement in self._waiting if statement.arguments == lock]

    def _locked(self, session: Session, statement: _Statement) -> bool:
        """Whether a statement has to wait for a lock that somebody else holds."""
        if statement.name != "link.lock":
            return False
        holder = self._locks.get(statement.arguments)
        return holder is not None and holder is not session

    # Executing.

    def execute(self, session: Session, statement: _Statement) -> None:
        """Execute a statement when its time has come, and answer."""
        self.undecided -= 1
        if statement.decided:
            return
        if session.late:
            session.late = False
            self.undecided += 1
            self.loop.outside(self.random.uniform(0, LATE_S), self.execute, session, statement)
            return
        if self._locked(session, statement):
            self._waiting.append((session, statement))
            return
        rows = statement.rows = self._decide(session, statement)
        if self._back is not None or session.silent:
            return
        if session.process in self._apart:
            self._kept.append((session, statement))
            return
        if rows or statement.name != "deliveries.claim":
            self.watcher.meet(f"{statement.name}.after", session.process, session)
        statement.tell()

    def _decide(self, session: Session, statement: _Statement) -> Rows | None:
        """Commit a statement; None when it is refused, and nothing of it written."""
        if statement.decided or self._back is not None:
            return []
        statement.decided = True
        if statement.name == "deliveries.finish":
            self.watcher.finishing(finishing(statement.arguments)[1])
        try:
            if statement.name.startswith("link."):
                rows = self._link(session, statement.name, statement.arguments)
            else:
                rows = self.handlers[statement.name](*statement.arguments)
        except Refused:
            return None
        finally:
            if session.closed:
                self.left(session)
        if statement.name == "workers.register":
            self.processes[rows[0][0]] = session.process
        self.watcher.executed(session.process, statement.name, statement.arguments, rows)
        return rows
