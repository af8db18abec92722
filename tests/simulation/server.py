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
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, cast

import asyncpg
import msgspec

from ringback.errors import DatabaseUnavailable
from ringback.storage import hot
from ringback.storage.configuration import Everything
from ringback.storage.hot import CommitRows, Finished, Owned
from ringback.storage.queries import query
from tests.simulation.model import SECOND, Refused, Store
from tests.simulation.timeloop import Process, TimeLoop

ROUND_TRIP_S = (0.0003, 0.003)
CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 30.0
LATE_S = 4.0
TERMINATED_S = 0.05
# More than any system hands out: nobody has this process id.
NOBODY = 1 << 30
Fate = Literal["executed", "late", "lost"]
Rows = list[Any]
_BEGAN = datetime.fromtimestamp(0, UTC)


class Watcher(Protocol):
    """Who is told what happens, and may let something go wrong at each point."""

    def executed(self, process: Process, name: str, arguments: tuple[Any, ...], rows: Rows) -> None:
        """Learn that a statement was executed."""

    def finishing(self, results: list[Finished]) -> None:
        """Learn what is about to be completed."""

    def meet(self, point: str, process: Process, session: "Session | None" = None) -> None:
        """Let a fault happen that waits for this point."""


class _Statement:
    """One statement on its way: when it is executed, and who waits for the answer."""

    def __init__(self, name: str, arguments: tuple[Any, ...], answer: asyncio.Future[Rows]) -> None:
        self.name = name
        self.arguments = arguments
        self.answer = answer
        self.decided = False


class Session:
    """A connection to the server, with the part of asyncpg's interface that the engine uses."""

    def __init__(
        self, server: "Server", process: Process, patience_s: float | None, pid: int
    ) -> None:
        """Belong to a process; a statement without an answer fails after `patience_s`."""
        self._server = server
        self.process = process
        self._patience_s = patience_s
        self.pid = pid
        self.closed = False
        self.running: _Statement | None = None
        self.late = False

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
        self.closed = True
        if self.running is not None:
            self.running.decided = self.running.decided or fate == "lost"
            self.late = fate == "late"
            _fail(self.running.answer, asyncpg.ConnectionDoesNotExistError("connection was closed"))
        self._server.left(self)

    @asynccontextmanager
    async def transaction(self, **_: object) -> AsyncIterator[None]:
        """Do nothing: what the engine does in a client's transaction is not hot."""
        yield

    async def fetch(self, sql: str, *arguments: Any) -> Rows:
        """Execute a statement and return its rows."""
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
        try:
            await self._server.reached(self.process, self._patience_s)
        except BaseException:
            statement.decided = True
            raise
        self._server.undecided += 1
        loop.outside(self._server.delay(), self._server.execute, self, statement)
        return await statement.answer

    async def fetchrow(self, sql: str, *arguments: Any) -> Any:
        """Execute a statement and return its first row, or None."""
        rows = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """Execute a statement and return its first value, or None."""
        row = await self.fetchrow(sql, *arguments)
        return None if row is None else row[0]

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Execute a statement."""
        await self.fetch(sql, *arguments)
        return ""


def _fail(answer: asyncio.Future[Rows], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        # Who waited for it may be dead by now: nobody has to take notice.
        answer.exception()


class Server:
    """The server: its store, its clock, and who can reach it."""

    def __init__(
        self, loop: TimeLoop, store: Store, everything: Everything, now: Callable[[], int]
    ) -> None:
        """Take the parts; `now` is the database's clock in microseconds. Set `watcher` next."""
        self.loop = loop
        self.store = store
        self.everything = everything
        self.now = now
        self.watcher = cast("Watcher", None)
        self.random = random.Random(0)
        self.announce: Callable[[], None] = lambda: None
        # By process id; and who holds which session lock, and who waits for one.
        self.sessions: dict[int, Session] = {}
        self._locks: dict[tuple[int, int], Session] = {}
        self._waiting: list[tuple[Session, _Statement]] = []
        self._pids = itertools.count(1)
        self.processes: dict[int, Process] = {}
        # Whose end others on the same host can see.
        self.gone: set[Process] = set()
        # Statements that are still to be executed.
        self.undecided = 0
        # When it came back last, by the loop's clock.
        self.since = 0.0
        self._back: asyncio.Future[None] | None = None
        self._apart: dict[Process, asyncio.Future[None]] = {}
        handlers: dict[str, Callable[..., Rows]] = {
            "subjects.read": self._read_subjects, "subjects.read_facts": self._read_facts,
            "subjects.read_once": self._read_once,
            "suppressions.in_force": self._in_force, "subjects.commit": self._commit,
            "subjects.stored_events": self._stored_events,
            "subjects.stored_callbacks": self._stored_callbacks, "deliveries.owned": self._owned,
            "deliveries.finish": self._finish, "deliveries.claim": self._claim,
            "deliveries.bodies": self._bodies, "deliveries.release": self._release,
            "deliveries.end_gone": self._end_gone,
            "workers.register": self._register, "workers.heartbeat": self._heartbeat,
            "workers.others": self._others, "workers.retire": self._retire,
            "workers.adopt": self._adopt, "workers.unblock": self._unblock,
            "workers.leave": self._leave, "workers.kept": lambda: [(None,)],
            "workers.gone": lambda _: [], "workers.forget": list,
            "configuration.change": self._change, "configuration.lagging": self._lagging,
            "configuration.disable_endpoint": self._disable_endpoint, "audit.add": lambda *_: [],
        }  # fmt: skip
        self._handlers = handlers
        names = [*handlers, "link.end", "link.lock", "link.backend"]
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
        """Let it through again; the connections it had are broken."""
        barrier = self._apart.pop(process, None)
        if barrier is not None:
            barrier.set_result(None)
            for session in [one for one in self.sessions.values() if one.process is process]:
                session.cut()

    async def reached(self, process: Process, patience_s: float | None) -> None:
        """Wait until a process can reach the server; raise when its patience is at its end."""
        barrier = self._apart.get(process)
        if barrier is not None:
            await asyncio.wait_for(asyncio.shield(barrier), patience_s)
            raise ConnectionResetError("connection reset by peer")

    async def connect(self, process: Process, patience_s: float | None) -> Session:
        """Open a connection; raise DatabaseUnavailable when nobody answers."""
        if process.died:
            raise asyncio.CancelledError
        if self._back is not None:
            await asyncio.sleep(0.001)
            raise DatabaseUnavailable("Cannot reach PostgreSQL: connection refused")
        try:
            await self.reached(process, CONNECT_TIMEOUT_S)
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
            self.loop.outside(self.random.uniform(0, TERMINATED_S), self._end, arguments[0])
        elif name == "link.lock":
            self._locks[arguments] = session
        return [{"pid": session.pid, "backend_start": _BEGAN}]

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
        rows = self._decide(session, statement)
        if session.process in self._apart or self._back is not None:
            return
        if rows or statement.name != "deliveries.claim":
            self.watcher.meet(f"{statement.name}.after", session.process, session)
        if rows is None:
            _fail(statement.answer, asyncpg.UniqueViolationError("duplicate key"))
        elif not statement.answer.done():
            statement.answer.set_result(rows)

    def _decide(self, session: Session, statement: _Statement) -> Rows | None:
        """Commit a statement; None when it is refused, and nothing of it written."""
        if statement.decided or self._back is not None:
            return []
        statement.decided = True
        if statement.name == "deliveries.finish":
            self.watcher.finishing(_finishing(statement.arguments)[1])
        try:
            if statement.name.startswith("link."):
                rows = self._link(session, statement.name, statement.arguments)
            else:
                rows = self._handlers[statement.name](*statement.arguments)
        except Refused:
            return None
        finally:
            if session.closed:
                self.left(session)
        if statement.name == "workers.register":
            self.processes[rows[0][0]] = session.process
        self.watcher.executed(session.process, statement.name, statement.arguments, rows)
        return rows

    def _read_facts(self, subjects: list[Any], hashes: list[int]) -> Rows:
        return list(self.store.read_facts(zip(subjects, hashes, strict=True)))

    def _read_once(self, keys: list[Any]) -> Rows:
        return [(key,) for key in sorted(self.store.read_once(keys))]

    def _read_subjects(
        self, keys: list[Any], numbers: list[int], addresses: list[str | None]
    ) -> Rows:
        wanted = zip(numbers, addresses, strict=True)
        flying = self.store.read_in_flight(wanted, self.now())
        named = self.store.read_subjects(keys)
        known = [(key, *row, None, None) for key, row in named.items()]
        return [*known, *((None,) * 7 + pair for pair in flying)]

    def _in_force(self, keys: list[Any]) -> Rows:
        rows = []
        for key in sorted(set(keys) & self.store.in_force.keys()):
            id_, word, since, whose = self.store.in_force[key]
            rows.append((key, word, since, id_, whose.address, self.store.wishes[id_].callback))
        return rows

    def _commit(self, worker: int, _: None, *columns: list[Any] | None) -> Rows:
        return [tuple(self.store.commit_batch(worker, commit_rows(columns), self.now()))]

    def _stored_events(self, ids: list[Any]) -> Rows:
        return [(id_,) for id_ in ids if id_ in self.store.events]

    def _stored_callbacks(self, ids: list[Any]) -> Rows:
        return [(id_,) for id_ in ids if id_ in self.store.callbacks]

    def _owned(self, worker: int) -> Rows:
        return [tuple(row.owned) for row in self.store.lanes.owned(worker)]

    def _finish(self, *arguments: Any) -> Rows:
        worker, results = _finishing(arguments)
        return [tuple(row) for row in self.store.finish_batch(worker, results, self.now())]

    def _claim(self, worker: int, _: None, endpoints: list[int], free: list[int]) -> Rows:
        wanted = dict(zip(endpoints, free, strict=True))
        return [tuple(row) for row in self.store.claim(worker, wanted, self.now())]

    def _bodies(self, ids: list[Any]) -> Rows:
        return list(self.store.bodies(ids).items())

    def _release(self, worker: int, *key: list[Any]) -> Rows:
        self.store.release(worker, _owned(key), self.now())
        return []

    def _end_gone(self, worker: int, *key: list[Any]) -> Rows:
        return [(self.store.end_gone(worker, _owned(key), self.now()),)]

    def _register(self, boot_id: str, pid: int, pid_start: float) -> Rows:
        return [(self.store.register(boot_id, pid, pid_start),)]

    def _heartbeat(self, worker: int, config_seen: int, _: bytes | None) -> Rows:
        beat = self.store.heartbeat(worker, config_seen)
        clock = datetime.fromtimestamp(self.now() / SECOND, UTC)
        return [] if beat is None else [(beat, self.everything.version, clock)]

    def _others(self, worker: int) -> Rows:
        # Everybody is on a host of his own but for those who are gone from the asker's.
        return [
            (peer.id, peer.beat, peer.boot_id, NOBODY, peer.pid_start)
            if self.processes[peer.id] in self.gone
            else (peer.id, peer.beat, f"host of {peer.id}", peer.pid, peer.pid_start)
            for peer in self.store.peers(worker)
        ]

    def _retire(self, worker: int, beat: int) -> Rows:
        return [(self.store.retire(worker, beat),)]

    def _adopt(self, _: None, limit: int) -> Rows:
        return [(self.store.adopt(self.now(), limit),)]

    def _unblock(self, _: None) -> Rows:
        return [(self.store.unblock(self.now()),)]

    def _leave(self, worker: int) -> Rows:
        return [{"numbers": None}] if self.store.leave(worker) else []

    def _change(self) -> Rows:
        version = self.everything.version + 1
        self.everything = msgspec.structs.replace(self.everything, version=version)
        self.announce()
        return [(version,)]

    def _lagging(self, version: int) -> Rows:
        living = [row for row in self.store.workers.values() if row.alive]
        return [{"workers": sum(row.config_seen < version for row in living)}]

    def _disable_endpoint(self, id_: Any, _tenant: int, _mode: int, url: str, _why: str) -> Rows:
        replace = msgspec.structs.replace
        endpoints = self.everything.endpoints
        for place, row in enumerate(endpoints):
            if row.engine.id == id_ and row.engine.url == url and not row.engine.disabled:
                off = replace(row, engine=replace(row.engine, disabled=True))
                after = [*endpoints[:place], off, *endpoints[place + 1 :]]
                self.everything = replace(self.everything, endpoints=after)
                return [(datetime.fromtimestamp(self.now() / 1_000_000, UTC),)]
        return []


def commit_rows(columns: tuple[list[Any] | None, ...]) -> CommitRows:
    """Turn the columns of a commit back into rows; null is none."""
    rows, place = CommitRows(), 0
    for table, width in hot._WIDTHS.items():
        of_table = [column or [] for column in columns[place : place + width]]
        setattr(rows, table, list(zip(*of_table, strict=True)))
        place += width
    return rows


def _owned(key: tuple[list[Any], ...]) -> list[Owned]:
    rows = zip(*key, strict=True)
    return [Owned(lane, endpoint, ord_, lane, 0) for lane, endpoint, ord_ in rows]


def _finishing(arguments: tuple[Any, ...]) -> tuple[int, list[Finished]]:
    worker, _, *columns = arguments
    return worker, [Finished(*row) for row in zip(*columns, strict=True)]
