"""This process as a worker: its registration, its lease, the retirement of the dead, adoption.

A worker that shows no new beat for 15 seconds of another's own clock is retired, at once when its
process is gone on the same host; its deliveries are given back and claimed. Timestamps are never
compared: after an outage of the database all are old.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from ringback.errors import DatabaseUnavailable
from ringback.services import failpoints
from ringback.services.clock import Clock
from ringback.services.flood import Flood
from ringback.services.numbers import Ledger
from ringback.services.same_host import Identity, gone, this_process
from ringback.storage import counts
from ringback.storage import workers as stored
from ringback.storage.database import Connection, Database, Lifeline
from ringback.storage.faults import OF_DATABASE

BEAT_S = 2.0
LEASE_S = 8.0
RETIRE_S = 15.0
# How long an answer to a beat is waited for, and how soon it is tried again: several times within
# a lease, also when each of them comes just in time.
ANSWER_S = 2.0
_AGAIN_S = 1.0
# How long a beat waits for what follows from the last one, such as adoption.
_CHORES_S = 0.5
# Between two looks at the processes of the workers on this host: a file each, no question.
_LOOK_S = 0.25
_ADOPT_FOR_S = 60.0
_ADOPT_EVERY_S = 5.0
# Whatever kept that from happening, such as an outage just then: once a minute in any case.
_ADOPT_ANYWAY_S = 60.0
_TOLD_WAIT_S = 1.0
log = structlog.get_logger()


class Lease:
    """Whether this worker may act, judged by its own boot-time clock."""

    def __init__(self, clock: Clock) -> None:
        """Start without a lease."""
        self._clock = clock
        self._worker: int | None = None
        self._beat_sent = -LEASE_S
        self.former: list[int] = []

    def held(self) -> bool:
        """Whether the last successful beat was sent less than eight seconds ago."""
        return self._worker is not None and self._clock.boottime() - self._beat_sent < LEASE_S

    def held_by(self, worker: int) -> bool:
        """Whether the lease stands, and is this worker's: not one of a later registration."""
        return self._worker == worker and self.held()

    def worker(self) -> int:
        """Return the worker's id. Raises DatabaseUnavailable while no lease is held."""
        if self._worker is None or not self.held():
            raise DatabaseUnavailable("This worker has lost touch with the database.")
        return self._worker

    @property
    def id(self) -> int | None:
        """The id under which this process is registered, lease or no lease."""
        return self._worker

    def registered(self, worker: int) -> None:
        """Note a registration. Nothing may be done under it before the first beat."""
        self.renew(worker, -LEASE_S)

    def renew(self, worker: int, sent: float) -> None:
        """Note a successful beat that was sent at `sent` (boot-time clock)."""
        self._worker, self._beat_sent = worker, sent

    def resign(self) -> None:
        """Give the registration up: what it owned may be with others, or unknown to us."""
        if self._worker is not None:
            self.former.append(self._worker)
        self._worker = None


class Workers:
    """Keeps the lease alive and watches the other workers."""

    def __init__(
        self,
        lifeline: Lifeline,
        database: Database,
        lease: Lease,
        clock: Clock,
        seen: Callable[[], int],
        newer: Callable[[Connection], Awaitable[None]],
        dropped: Callable[[], None],
        freed: Callable[[], None],
        flood: Flood,
        ledger: Ledger,
        crew: Callable[[int, int], None],
    ) -> None:
        """Take the edges.

        Beats go over the `lifeline`, and what a lease depends on, so that nobody who keeps the
        `database` busy ends this worker; its limit is to be well within a lease. `seen` returns the
        configuration's version in memory, `newer` loads a newer one over a connection, `dropped`
        forgets deliveries that are no longer ours, and `freed` is told that some can be claimed;
        `flood` is counted up with each beat, and what the `ledger` says is told with it. `crew` is
        told which of all workers this one is, from 0, and how many there are, whenever that has
        changed.
        """
        self._lifeline = lifeline
        self._database = database
        self._lease = lease
        self._clock = clock
        self._seen = seen
        self._newer = newer
        self._dropped = dropped
        self._freed = freed
        self._flood = flood
        self._ledger = ledger
        self._crew = crew
        self._known_crew = (0, 1)
        self._beats: dict[int, tuple[int, float]] = {}
        self._watched = 0.0
        self._neighbours: list[stored.Peer] = []
        self._adopt_until = 0.0
        self._next_adoption = 0.0
        self._tidied = False
        self._poke = asyncio.Event()
        self._turned = asyncio.Event()
        self._chores: asyncio.Task[None] | None = None
        self._identity = this_process()
        self.adopted = 0
        self.stuck = 0

    def poke(self) -> None:
        """Beat now: there is something to tell."""
        self._poke.set()

    async def told(self) -> None:
        """Beat now and wait until that is over, a second at most: our numbers are in our row."""
        turned = self._turned
        self._poke.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(turned.wait(), _TOLD_WAIT_S)

    async def join(self) -> None:
        """Register this process; with the next turn it takes over from the dead of this host.

        Raises errors of the database. Calling it again ends what was registered then.
        """
        self._lease.resign()
        async with self._lifeline.acquire() as connection:
            while self._lease.former:
                before = await stored.leave(connection, self._lease.former[-1])
                self._lease.former.pop()
                if before is None:
                    self._ledger.forgotten()
                else:
                    self._ledger.left(before.numbers)
            self._identity = this_process()
            worker = await stored.register(connection, *self._identity)
        # Before anything else can fail: a row that nobody knows of counts as a worker for a while.
        self._lease.registered(worker)
        self._adopt_until = self._clock.boottime() + _ADOPT_FOR_S
        self._next_adoption = 0.0
        self._tidied = False
        await self._beat(worker)
        await self._watch(worker)

    async def run(self) -> None:
        """Beat every two seconds, and at once when a worker on this host is gone, for ever."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    await self._turn()
                    # Not from now: what took long must not be added to the time between two beats.
                    pause = began + BEAT_S - loop.time()
                except Exception as error:
                    # Whatever it is, also a full disk: the lease runs out, and ends when it passed.
                    words = f"{type(error).__name__}: {error}"[:200]
                    log.warning("worker.beat_failed", error=words)
                    # What others did meanwhile is unknown: count their silence from now.
                    self._beats.clear()
                    pause = _AGAIN_S
                self._turned.set()
                self._turned = asyncio.Event()
                await self._rest(pause)
        finally:
            if self._chores is not None:
                self._chores.cancel()

    async def _rest(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if any(self._gone(peer) for peer in self._neighbours):
                # Once: while the database cannot be told, there is no hurry.
                self._neighbours.clear()
                return
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: that one forgets that it was cancelled if it is poked as well.
                async with asyncio.timeout(min(left, _LOOK_S) if self._neighbours else left):
                    await self._poke.wait()
                self._poke.clear()
                return

    async def _turn(self) -> None:
        worker = self._lease.id
        if worker is None:
            self._dropped()
            await self.join()
        elif await self._beat(worker):
            await self._watch(worker)
        else:
            log.warning("worker.retired", worker=worker)
            self._lease.resign()
            return
        if self._chores is None or self._chores.done():
            self._chores = asyncio.create_task(self._do_chores())
        # Adopting much takes long, and so may a connection for it: the next beat comes in time.
        await asyncio.wait((self._chores,), timeout=_CHORES_S)

    async def _do_chores(self) -> None:
        try:
            async with self._database.acquire() as connection:
                await self._adopt(connection)
                await self._tidy(connection)
                await self._count(connection)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"[:200]
            log.warning("worker.chores_failed", error=words)

    async def _tidy(self, connection: Connection) -> None:
        """See to the rows of the dead, once a registration."""
        if not self._tidied:
            await stored.fold(connection, self._ledger.fold)
            await stored.forget(connection)
            self._tidied = True

    async def _count(self, connection: Connection) -> None:
        taken = self._flood.take()
        if not taken:
            return
        try:
            await counts.add(connection, [(*place, n) for place, n in taken.items()])
        except BaseException:
            self._flood.give_back(taken)
            raise

    async def _beat(self, worker: int) -> bool:
        async with self._lifeline.acquire() as connection:
            sent, asked = self._clock.boottime(), self._clock.now_ms() - self._clock.offset_ms
            beat = await stored.heartbeat(connection, worker, self._seen(), self._ledger.tell())
            if beat is None:
                return False
            answered = self._clock.now_ms() - self._clock.offset_ms
            self._clock.correct(int(beat.clock.timestamp() * 1000), asked, answered)
            # First what was changed: who holds a lease goes by it.
            if beat.config_version > self._seen():
                await self._newer(connection)
        self._lease.renew(worker, sent)
        return True

    async def _watch(self, worker: int) -> None:
        async with self._lifeline.acquire() as connection:
            await self._look_around(connection, worker)

    async def _look_around(self, connection: Connection, worker: int) -> None:
        asked = self._clock.boottime()
        if asked - self._watched > LEASE_S:
            # We stood still ourselves, and perhaps the others with us: count from now.
            self._beats.clear()
        # From before the question: should the answer take long, the others waited for one as well.
        self._watched = asked
        peers = await stored.peers(connection, worker)
        neighbours = []
        for peer in peers:
            known = self._beats.get(peer.id)
            silent = known is not None and known[0] == peer.beat and asked - known[1] > RETIRE_S
            if silent or self._gone(peer):
                # Before it is retired: should the answer be lost, nobody else knows of it.
                self._adopt_until = self._clock.boottime() + _ADOPT_FOR_S
                self._next_adoption = 0.0
                if await stored.retire(connection, peer):
                    log.warning("worker.retire", worker=peer.id)
                if failpoints.reach is not None:
                    await failpoints.reach("after_retire_before_adopt")
            elif self._here(peer):
                neighbours.append(peer)
            if known is None or known[0] != peer.beat:
                self._beats[peer.id] = (peer.beat, self._clock.boottime())
        living = {peer.id for peer in peers}
        for number in [number for number in self._beats if number not in living]:
            del self._beats[number]
        self._neighbours = neighbours
        crew = sum(number < worker for number in living), len(living) + 1
        if crew != self._known_crew:
            self._known_crew = crew
            self._crew(*crew)

    def _here(self, peer: stored.Peer) -> bool:
        return peer.boot_id == self._identity.boot_id

    def _gone(self, peer: stored.Peer) -> bool:
        return self._here(peer) and gone(Identity(peer.boot_id, peer.pid, peer.pid_start))

    async def _adopt(self, connection: Connection) -> None:
        now = self._clock.boottime()
        if now < self._next_adoption:
            return
        soon = now <= self._adopt_until
        # Now: whoever is retired while this takes long has it done once more.
        self._next_adoption = now + (_ADOPT_EVERY_S if soon else _ADOPT_ANYWAY_S)
        try:
            while count := await stored.adopt(connection):
                self.adopted += count
                self._freed()
            if soon and (count := await stored.unblock(connection)):
                self.stuck += count
                self._freed()
        except BaseException:
            self._next_adoption = 0.0
            raise

    async def leave(self) -> None:
        """Sign off, so that nobody has to wait for our silence."""
        last = self._lease.id
        self._lease.resign()
        try:
            async with self._database.acquire() as connection:
                if last is not None:
                    await stored.heartbeat(connection, last, self._seen(), self._ledger.tell())
                for worker in self._lease.former:
                    await stored.leave(connection, worker)
                while await stored.adopt(connection):
                    pass
        except OF_DATABASE as error:
            log.warning("worker.leave_failed", error=str(error)[:200])
        finally:
            self._lifeline.close()
