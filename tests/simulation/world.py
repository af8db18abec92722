"""A simulated world: workers, their database, endpoints, publishers and a provider.

Quiet times are leapt over: when nobody has anything to do, the clocks of the database and of all
hosts are moved together to what comes next, and the loop's seconds, by which durations are
measured, stand still. So thirty days take as many heartbeats as their busy minutes need.

A peace is a time without faults: everybody is there and takes everything. What is open when it
begins has to be over within half an hour.
"""

import asyncio
import random
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from ringback.transport.exchange import Outgoing
from tests.simulation.clients import Clients
from tests.simulation.faults import Faults
from tests.simulation.model import SECOND, Store
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.receivers import Network, Receiver
from tests.simulation.script import BEGIN, Item, Script
from tests.simulation.server import Server, Session
from tests.simulation.statements import Rows
from tests.simulation.timeloop import Process, TimeLoop
from tests.simulation.worker import Parts, Worker

POLL_S = 0.1
# How long a delivery may be owned by somebody who does not know of it.
ASTRAY_S = 90.0
# How long anybody may be busy without an end: pauses, outages and hanging endpoints included.
BUSY_S = 3600.0
# So long what waited for an endpoint that was sent to slowly may still be late.
SLOW_S = 30.0
LIMIT_DAYS = 90
# G6: how long a backlog may take to drain when faults have ended.
DRAIN_S = 1800.0
# How long after a disturbance claims may still be late.
CALMING_S = 60.0
_DEFECTS = ("defect", "refused", "slow")


class World:
    """Everything that there is in one run."""

    def __init__(self, seed: int, script: Script, parts: Parts, store: Store) -> None:
        """Build it; `run` lets it live."""
        self.chance = random.Random(seed)
        self.loop = TimeLoop(1000.0)
        self.script = script
        self.parts = parts
        self.leapt = BEGIN.timestamp() - self.loop.time()
        self.server = Server(self.loop, store, script.everything, self.micros)
        self.server.random = random.Random(seed)
        self.server.watcher = self
        self.server.announce = self._announce
        self.oracle = Oracle(self.server, self._clock_ms)
        self.faults = Faults(self.loop, self.chance, self.kill, self.crash, self.disturbed)
        self.clients = Clients(
            self.loop, self.server, self.oracle, random.Random(self.chance.random()),
            lambda: [worker for worker in self.living if worker.serving], self._judging,
        )  # fmt: skip
        self.receivers: dict[str, Receiver] = {}
        for row in script.everything.endpoints:
            habit, outages = script.habits[row.engine.no]
            receiver = Receiver(
                row.engine, habit, outages, random.Random(self.chance.random()),
                script.retry_after, dates=script.dates,
            )  # fmt: skip
            self.receivers[f"e{row.engine.no}.example"] = receiver
        self.workers: dict[Process, Worker] = {}
        self.defects: list[str] = []
        self.busy_s = 0.0
        self._started = 0
        # Since when there is peace, in the world's seconds; and how long each took to drain.
        self.peace: float | None = None
        self.drained_s: list[float] = []
        self._astray: dict[Any, float] = {}
        self._next_look = 0.0

    def now(self) -> float:
        """Return the world's time, which is the database's, in seconds since 1970."""
        return self.loop.time() + self.leapt

    def micros(self) -> int:
        """Return the world's time in microseconds."""
        return round(self.now() * SECOND)

    def _clock_ms(self, process: Process) -> int:
        return self.workers[process].clock.now_ms()

    # What the server and the network tell: the oracle and the faults listen.

    def executed(self, process: Process, name: str, arguments: tuple[Any, ...], rows: Rows) -> None:
        """Learn that a statement was executed."""
        with self._judging():
            self.oracle.executed(process, name, arguments, rows)

    def finishing(self, results: list[Any]) -> None:
        """Learn what is about to be completed."""
        self.oracle.finishing(results)

    def meet(self, point: str, process: Process, session: Session | None = None) -> None:
        """Let a fault happen."""
        self.faults.meet(point, process, session)

    def asked(self, process: Process, endpoint: int, request: Outgoing) -> None:
        """Learn that a request may begin."""
        with self._judging():
            self.oracle.asked(process, endpoint, request)

    def sent(self, process: Process, endpoint: int, event: str, attempt: int) -> None:
        """Learn that a request has left."""
        with self._judging():
            self.oracle.sent(process, endpoint, event, attempt)

    def arrived(self, endpoint: int, event: str, reply: Any) -> None:
        """Learn that a request has arrived."""
        with self._judging():
            self.oracle.arrived(endpoint, event, reply)

    def answered(self, process: Process, endpoint: int, event: str, exchange: Any) -> None:
        """Learn that a request is over."""
        with self._judging():
            self.oracle.answered(process, endpoint, event, exchange)

    @contextmanager
    def _judging(self) -> Iterator[None]:
        """End the run with the first violation, wherever it is noticed."""
        try:
            yield
        except Violation as violation:
            if not self.loop.failed:
                self.loop.failed.append(violation)
            self.loop.stop()

    # Workers.

    def spawn(self) -> None:
        """Start a worker process."""
        self._started += 1
        process = Process(self.loop, f"worker-{self._started}")
        network = Network(self.loop, process, self.receivers, self, self.now)
        worker = Worker(
            self.server, process, network, self.oracle, self.faults, self.parts,
            random.Random(self.chance.random()),
        )  # fmt: skip
        self.workers[process] = worker
        process.start(worker.serve())

    def kill(self, process: Process) -> None:
        """Kill a worker; another is started in its place."""
        self.oracle.killed(process)
        self.workers[process].die()
        if self.chance.random() < 0.6:
            self.server.gone.add(process)
        self.clients.abandoned(process)
        self.disturbed(0)
        self.loop.outside(self.chance.uniform(0.3, 3.0), self.spawn)

    def crash(self, seconds: float) -> None:
        """Let the database crash, and come back after so many seconds."""
        if self.server.running:
            self.oracle.say("the database crashes for", seconds, "s")
            self.server.stop()
            self.disturbed(seconds)
            self.loop.outside(seconds, self.server.start)

    def part(self, process: Process, seconds: float) -> None:
        """Let a worker reach the database no more, for so many seconds."""
        self.server.part(process)
        self.disturbed(seconds)
        self.loop.outside(seconds, self.server.join, process)

    def disturbed(self, seconds: float) -> None:
        """Note that something is wrong for so many seconds."""
        until = self.loop.time() + seconds + CALMING_S
        self.oracle.disturbed_until = max(self.oracle.disturbed_until, until)

    @property
    def living(self) -> list[Worker]:
        """The workers that were not killed."""
        return [worker for process, worker in self.workers.items() if not process.died]

    def _announce(self) -> None:
        for worker in self.living:
            if worker.serving and self.chance.random() < 0.9:
                self.loop.outside(0.002, self._follow, worker)

    @staticmethod
    def _follow(worker: Worker) -> None:
        if not worker.process.died:
            worker.process.start(worker.follow())

    # The script.

    def _do(self, item: Item) -> None:
        self.oracle.say("script", item.what, item.value)
        if item.what == "burst":
            self.clients.burst(item.value)
        elif item.what == "fault":
            self.faults.arm(item.value)
        elif item.what == "next":
            self.faults.arm(item.value, countdown=1)
        elif item.what == "database":
            self.crash(item.value)
        elif item.what == "peace":
            self._make_peace()
        elif item.what != "end" and self.living:
            worker = self.chance.choice(self.living)
            if item.what == "apart":
                self.part(worker.process, item.value)
            elif item.what == "restart":
                worker.process.start(self._restart(worker))
            else:
                worker.clock.error_s += item.value
                self.oracle.jumped[worker.process] = self.loop.time()

    async def _restart(self, worker: Worker) -> None:
        """Let a worker end as it does by itself; another is started in its place."""
        if worker.serving:
            await worker.stop()
            self.loop.outside(0, self.kill, worker.process)

    def _make_peace(self) -> None:
        """End all faults at once."""
        self.peace = self.now()
        self.faults.cease()
        self.server.start()
        for process in self.workers:
            self.server.join(process)
        for receiver in self.receivers.values():
            receiver.well = True

    def _watch_peace(self) -> None:
        """End a peace once everything has drained; fail if that takes too long."""
        if self.peace is None:
            return
        open_ = self.oracle.open
        if not open_ and not self.clients:
            self.drained_s.append(self.now() - self.peace)
            self.peace = None
            for receiver in self.receivers.values():
                receiver.well = False
        elif self.now() - self.peace > DRAIN_S:
            raise Violation(f"{len(open_)} deliveries are open {DRAIN_S} s after the last fault")

    @property
    def calm(self) -> bool:
        """Whether nobody has anything to do."""
        return (
            not self.clients
            and self.server.up
            and not self.server.undecided
            and not self.faults.paused
            and not self.oracle.flying
            and len(self.living) == self.script.workers
            and all(worker.idle for worker in self.living)
            and not self.server.store.lanes.owners()
        )

    def _next_due(self) -> float | None:
        lanes = self.server.store.lanes
        times = [
            due
            for row in self.server.everything.endpoints
            if not row.engine.disabled and (due := lanes.next_due(row.engine.no)) is not None
        ]
        return min(times) / SECOND if times else None

    def _look(self) -> None:
        """Look for deliveries whose owner does not know that they are his."""
        at = self.loop.time()
        for one in self.living:
            for number, slots in one.push._slots.items():
                if not slots.pace.easy:
                    self.oracle.slow_until[number] = at + SLOW_S
        if at < self._next_look:
            return
        self._next_look = at + ASTRAY_S / 3
        astray: dict[Any, float] = {}
        for owner in self.server.store.lanes.owners():
            process = self.server.processes.get(owner)
            worker = self.workers[process] if process is not None else None
            for row in self.server.store.lanes.owned(owner):
                known = worker is not None and not worker.process.died and worker.lease.id == owner
                if worker is None or not known or row.owned not in worker.held:
                    astray[row.key] = self._astray.get(row.key, at)
                    # An outage retires nobody: after it, silence is counted anew.
                    if at - max(astray[row.key], self.server.since) > ASTRAY_S:
                        raise Violation(f"{row.ord} is with worker {owner}, who does not know it")
        self._astray = astray

    async def live(self) -> None:
        """Go through the script, then on until nothing is left."""
        for _ in range(self.script.workers):
            self.spawn()
        items = list(reversed(self.script.items))
        limit = BEGIN.timestamp() + LIMIT_DAYS * 86_400
        began = last = self.loop.time()
        while True:
            await asyncio.sleep(POLL_S)
            self._look()
            if self.loop.time() - last > BUSY_S:
                raise Violation("something is never done")
            while items and items[-1].at <= self.now():
                self._do(items.pop())
            self._watch_peace()
            if not self.calm:
                continue
            last = self.loop.time()
            due = self._next_due()
            if due is None and not items:
                break
            over = None if self.peace is None else self.peace + DRAIN_S + 1
            next_ = items[-1].at if items else None
            target = min(at for at in (due, next_, over) if at is not None)
            if target > self.now():
                self.leapt += target - self.now()
                self.chance.choice(self.living).claimer.poke()
            if target > limit:
                raise Violation("deliveries are open long after the end")
        self.busy_s = self.loop.time() - began
        self.oracle.end(self.faults.pauses)

    def run(self) -> None:
        """Live, and fail with the last steps when a promise is broken."""
        with _randomness(self.script.workers, self.chance.random()), self._listening():
            task = self.loop.create_task(self.live())
            task.add_done_callback(lambda _: self.loop.stop())
            self.loop.run_forever()
            error = self.loop.failed[0] if self.loop.failed else None
            if error is None and task.done() and not task.cancelled():
                error = task.exception()
            self._tidy(task)
        if error is None and self.defects:
            error = Violation("; ".join(self.defects[:3]))
        if error is not None:
            raise Violation(f"{error}\nlast steps:\n{self.oracle.shown()}") from error

    def _tidy(self, task: asyncio.Task[None]) -> None:
        """End what still runs, so that nothing is left to the garbage collector."""
        self.faults.cease()
        for worker in self.living:
            worker.die()
        task.cancel()
        tasks = [task, *self.clients.cancel()]
        processes = list(self.workers)
        while any(process.tasks for process in processes) or not all(one.done() for one in tasks):
            self.loop.call_later(1.0, self.loop.stop)
            self.loop.run_forever()
        for one in tasks:
            if not one.cancelled():
                one.exception()
        self.loop.close()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Keep the engine's log quiet, but for what must never be said."""
        before = structlog.get_config()

        def hear(_: Any, __: str, said: MutableMapping[str, Any]) -> str:
            if said["event"].endswith(_DEFECTS):
                self.defects.append(f"{said} {sys.exc_info()[1]!r}")
            raise structlog.DropEvent

        structlog.configure(processors=[hear], cache_logger_on_first_use=False)
        try:
            yield
        finally:
            structlog.configure(**before)


@contextmanager
def _randomness(*seed: float) -> Iterator[None]:
    """Seed the randomness that the engine takes for its jitter, and leave it as it was."""
    before = random.getstate()
    random.seed(repr(seed))
    try:
        yield
    finally:
        random.setstate(before)
