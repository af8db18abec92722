"""One closed-loop run: warm up, measure a window, stop, drain, and check that all is there."""

import time
from dataclasses import dataclass

from bench import processes
from bench.errors import BenchError
from bench.installation import Installation
from bench.ledger import Counted, Moment
from bench.processes import MIB, Used
from bench.sinks import Sink
from bench.stage import Stage
from bench.wrk import Generated, Wrk

_POLL_S = 0.02
# The end of the year 9999.
_FOREVER_MS = 253_402_300_799_999
_CALM_S = 0.5


@dataclass(frozen=True)
class Reading:
    """All counters at one moment."""

    moment: Moment
    cpu: Used
    tools_cpu: float


@dataclass(frozen=True)
class Ran:
    """What one closed-loop run gave. `window` was counted between `begin` and `end`."""

    begin: Reading
    end: Reading
    window: Counted
    whole: Counted
    generated: Generated
    backlog: int
    drain_s: float
    memory: Used

    @property
    def seconds(self) -> float:
        """How long the window was."""
        return (self.end.moment.ms - self.begin.moment.ms) / 1000


@dataclass(frozen=True)
class Expected:
    """What must be true at the end.

    Each accepted request brings `deliveries` deliveries. `but` is the number of an endpoint that
    nothing is expected of.
    """

    deliveries: int
    callbacks: bool = False
    but: int = 0


class Load:
    """Runs wrk against an installation and counts."""

    def __init__(
        self, stage: Stage, installation: Installation, sink: Sink | None, expected: Expected
    ) -> None:
        """Take the parts; `sink` receives the deliveries, if there are any."""
        self._stage = stage
        self._installation = installation
        self._sink = sink
        self._expected = expected
        self._ledger = installation.ledger

    def run(self, script: str, *, crowd: bool = False) -> Ran:
        """Run a script of wrk's for the size's durations, for a crowd with more under way.

        Raises BenchError.
        """
        size = self._stage.size
        under_way = size.crowd if crowd else size.connections
        arrived = self._sink.requests() if self._sink else 0
        before = self._ledger.counted(0, _FOREVER_MS, self._expected.but)
        url = self._installation.url
        wrk = Wrk(url, script, under_way, self._stage.scratch)
        try:
            time.sleep(size.warm_s)
            begin = self._read(wrk)
            time.sleep(size.run_s)
            end = self._read(wrk)
            memory = processes.memory(self._installation.pid)
            generated = wrk.stop()
        except BaseException:
            wrk.kill()
            raise
        backlog = self._ledger.open_deliveries(self._expected.but)
        drain_s = self.drained()
        but = self._expected.but
        window = self._ledger.counted(begin.moment.ms, end.moment.ms, but)
        # All that there is, whatever the times in its ids say.
        whole = self._ledger.counted(0, _FOREVER_MS, but) - before
        arrived = self._sink.requests() - arrived if self._sink else 0
        self._check(whole, generated, arrived, under_way)
        return Ran(begin, end, window, whole, generated, backlog, drain_s, memory)

    def _read(self, wrk: Wrk) -> Reading:
        tools = [wrk.pid, *([self._sink.pid] if self._sink else [])]
        tools_cpu = sum(processes.cpu(pid).total for pid in tools)
        return Reading(self._ledger.moment(), processes.cpu(self._installation.pid), tools_cpu)

    def drained(self) -> float:
        """Wait until nothing is owed any more; return the seconds that it took.

        Nothing was owed for a while: requests that were held back come in after the load.
        """
        began = last = time.monotonic()
        while time.monotonic() - last < _CALM_S:
            owed = self._ledger.open_deliveries(self._expected.but)
            if owed:
                last = time.monotonic()
                if last - began > self._stage.size.drain_s:
                    raise BenchError(
                        f"{owed} deliveries are open {last - began:.0f} s after the load."
                    )
            time.sleep(_POLL_S)
        return last - began

    def _check(self, whole: Counted, generated: Generated, arrived: int, under_way: int) -> None:
        """Hold the counts of generator, database and receiver against each other."""
        expected = self._expected
        stored = whole.callbacks if expected.callbacks else whole.events
        faults = []
        if generated.broken:
            faults.append(f"{generated.broken} requests broke off")
        # What was under way when wrk stopped may be stored without its answer having been read.
        if not generated.accepted <= stored <= generated.accepted + under_way:
            faults.append(f"{generated.accepted} were accepted, {stored} are stored")
        if whole.not_accepted:
            faults.append(f"{whole.not_accepted} callbacks were repeats: prepare more of them")
        if whole.delivered != whole.events * expected.deliveries:
            faults.append(f"{whole.events} events, but {whole.delivered} deliveries ended well")
        if expected.deliveries and expected.callbacks and whole.events != whole.callbacks:
            faults.append(f"{whole.callbacks} callbacks gave {whole.events} events")
        if self._sink and arrived < whole.delivered:
            faults.append(f"{whole.delivered} delivered, but only {arrived} arrived")
        if faults:
            raise BenchError("; ".join(faults))


def figures(ran: Ran, deliveries: int) -> dict[str, float]:
    """Return the figures that every closed-loop case has.

    The rate is the lower of what was accepted and what was delivered; where an event goes to
    several endpoints, costs are per delivery.
    """
    window, seconds = ran.window, ran.seconds
    accepted = max(window.events, window.callbacks) / seconds
    delivered = window.delivered / seconds
    rate = min(accepted * deliveries, delivered) if deliveries else accepted
    done = window.delivered if deliveries else window.callbacks
    used = ran.end.cpu - ran.begin.cpu
    micro = 1e6 / max(done, 1)
    return {
        "rate": rate,
        "accepted": accepted,
        "delivered": delivered,
        "cpu": used.total * micro,
        "cpu_product": used.product * micro,
        "cpu_database": used.database * micro,
        "cpu_tools": (ran.end.tools_cpu - ran.begin.tools_cpu) * micro,
        "commits": (ran.end.moment.transaction - ran.begin.moment.transaction) / max(done, 1),
        "wal": (ran.end.moment.wal - ran.begin.moment.wal) / max(done, 1),
        "ack_p50": ran.generated.p50,
        "ack_p99": ran.generated.p99,
        "refused": float(ran.generated.refused),
        "backlog": float(ran.backlog),
        "drain": ran.drain_s,
        "memory_product": ran.memory.product / MIB,
        "memory_database": ran.memory.database / MIB,
    }
