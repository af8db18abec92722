"""One simulated worker: the engine's own services, wired as app.py wires them, on a model's edges.

What is not the engine's is the way to the database, the way to endpoints, the clock, and the source
of ids. `Parts` is where a test of the checker breaks something.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import structlog

from ringback.app import QUICK_S
from ringback.domain.endpoints import Endpoint
from ringback.errors import DatabaseUnavailable
from ringback.services.claim import Claimer
from ringback.services.commit import Backlog, Committer
from ringback.services.configuration import Configuration
from ringback.services.endings import Endings
from ringback.services.flood import Flood
from ringback.services.held import Held, Reconciler
from ringback.services.numbers import Ledger, Totals
from ringback.services.push import Push
from ringback.services.record import Bodies, Recorder
from ringback.services.snapshot import Snapshot
from ringback.services.work import Work
from ringback.services.workers import Lease, Workers
from ringback.storage.configuration import Everything
from ringback.storage.database import Connection
from ringback.storage.hot import Owned
from ringback.storage.link import HotLink
from ringback.storage.vault import Vault, new_secret_key
from tests.simulation.edges import Line, Link, Pool, WorkerClock
from tests.simulation.faults import Faults
from tests.simulation.oracle import Oracle
from tests.simulation.receivers import Network
from tests.simulation.server import Server
from tests.simulation.timeloop import Process

log = structlog.get_logger()


class Parts:
    """What a test of the checker replaces with something that is wrong."""

    committer: type[Committer] = Committer

    def leased(self, lease: Lease) -> Callable[[int], bool]:
        """Return what says whether a request may begin."""
        return lease.held_by

    def release(self, recorder: Recorder) -> Callable[[Owned], None]:
        """Return what gives a delivery back."""
        return recorder.release

    def lost(self, reconciler: Reconciler) -> Callable[[int], None]:
        """Return what is told of answers that were lost."""
        return reconciler.ask


class _Configuration(Configuration):
    """Configuration that is read in one step; changing it is the engine's own."""

    def __init__(self, pool: Pool, load: Callable[[], Everything]) -> None:
        super().__init__(pool, _VAULT)
        self._pool = pool
        self._load = load

    async def reload(self, at_least: int = 0) -> None:
        """Read everything again, unless the version in memory is new enough already."""
        async with self._pool.acquire():
            everything = self._load()
        if not at_least or self.version < at_least:
            self._take(everything)

    async def reload_over(self, _: Connection) -> None:
        """Read a newer version."""
        everything = self._load()
        if everything.version > self.version:
            self._take(everything)


class _Endings(Endings):
    """The engine's own; the oracle learns when it is said that an endpoint is disabled."""

    oracle: Oracle

    async def disable(self, endpoint: Endpoint, standing: Callable[[], bool]) -> bool:
        """Disable an endpoint."""
        done = await super().disable(endpoint, standing)
        if done:
            self.oracle.disabled.add(endpoint.no)
        return done


class _Nothing:
    """No counts: numbers are not what is simulated."""

    named: frozenset[int] = frozenset()

    def totals(self) -> Totals:
        """Return none."""
        return {}

    def now(self) -> Totals:
        """Return none."""
        return {}


_VAULT = Vault(new_secret_key())


class Worker:
    """A worker process from its start to its end."""

    def __init__(
        self, server: Server, process: Process, network: Network, oracle: Oracle, faults: Faults,
        parts: Parts, chance: random.Random,
    ) -> None:  # fmt: skip
        """Build everything; nothing runs yet."""
        self.process = process
        self.serving = False
        self._loops: list[asyncio.Task[None]] = []
        self._oracle = oracle
        self._faults = faults
        self.clock = WorkerClock(server)
        self.pool = Pool(server, process)
        self.configuration = _Configuration(self.pool, lambda: server.everything)
        self.lease = Lease(self.clock)
        flood = Flood()
        links: list[HotLink] = [Link(server, process, slot, self._broken) for slot in range(4)]
        self.held = Held()
        kept = Bodies()
        claiming = asyncio.Lock()
        self.recorder = Recorder(
            links[0], kept, self.held, self.lease.worker, self._desk, self._recorded, claiming
        )
        self.push = Push(
            network, self.clock, self.recorder.put, parts.release(self.recorder), kept, self.held,
            parts.leased(self.lease), chance.randbytes, self._ended,
            lambda: self.recorder.unrecorded,
        )  # fmt: skip
        self.workers = Workers(
            Line(server, process), self.pool, self.lease, self.clock,
            lambda: self.configuration.version, self.configuration.reload_over, self.push.drop,
            self._freed, flood, Ledger(_Nothing), self.push.crew,
        )  # fmt: skip
        quiet = [self.recorder.quiet]
        self.reconciler = Reconciler(self.pool, self.held, quiet, links)
        self._lost = parts.lost(self.reconciler)
        self.claimer = Claimer(
            links[1], kept, self.lease.worker, self.push.free, self.push, claiming
        )
        backlog = Backlog()
        # With so little work at a time, the second takes part as soon as two wait.
        self.committer, self.second = (
            parts.committer(
                link, self.configuration, self.push, self.clock, self.lease.worker, flood,
                chance.randbytes, backlog, least,
            )
            for link, least in zip(links[2:], (1, 2), strict=True)
        )  # fmt: skip
        quiet += [self.claimer.quiet, self.committer.quiet, self.second.quiet]
        self.endings = _Endings(self.committer, self.configuration, self.clock)
        self.endings.oracle = oracle

    def _desk(self) -> Push:
        return self.push

    def _recorded(self) -> None:
        self.push.fill()

    def _broken(self, worker: int) -> None:
        self._lost(worker)

    def _freed(self) -> None:
        self.claimer.poke()

    async def _ended(self, *what: Any) -> None:
        await self.endings.ended(*what)

    async def serve(self) -> None:
        """Start as a worker of the real thing does."""
        self.configuration.on_reload(self._configured)
        while not self.serving:
            try:
                await self.configuration.reload()
                await self.workers.join()
                self.serving = True
            except DatabaseUnavailable:
                # The supervisor starts it anew a second later.
                await asyncio.sleep(1.0)
        for loop in (
            self.workers.run, self.committer.run, self.second.run, self.recorder.run,
            self.claimer.run, self.reconciler.run,
        ):  # fmt: skip
            self._loops.append(self.process.start(self._watched(loop)))

    async def _watched(self, loop: Any) -> None:
        await loop()
        log.error("engine.defect", reason="a loop ended")

    def _configured(self, snapshot: Snapshot) -> None:
        self.push.configure(snapshot)
        self.claimer.poke()

    async def follow(self) -> None:
        """Take a new configuration, as after an announcement."""
        try:
            await self.configuration.reload()
            self.workers.poke()
        except DatabaseUnavailable:
            pass

    async def take(self, work: Work, answer: Callable[[bool], None]) -> None:
        """Commit work for somebody outside, and answer."""
        try:
            await self.committer.submit(work)
        except DatabaseUnavailable:
            answer(False)
        else:
            self._faults.meet("answer", self.process)
            if self.process.died or self.process.paused:
                await asyncio.sleep(0)
            answer(True)

    async def stop(self) -> None:
        """Drain and sign off, as the real thing does when it is told to hurry."""
        self.serving = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUICK_S + 1):
                while self.committer.working or self.second.working:
                    await asyncio.sleep(0.01)
                await self.push.drain(QUICK_S)
                await self.recorder.drained()
        for task in self._loops:
            task.cancel()
        await self.workers.leave()

    @property
    def idle(self) -> bool:
        """Whether it lives, holds its lease, and has nothing to do."""
        return (
            self.serving
            and self.lease.held()
            and not self.push.active
            and not self.push.queued
            and not self.recorder._busy
            and not self.committer._busy
            and not self.second._busy
            and not self.process.paused
        )

    def die(self) -> None:
        """End at once."""
        self.serving = False
        self.push.stopping = True
        self.process.kill()
