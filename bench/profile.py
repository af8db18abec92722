"""Where a worker's processor time goes under B1 or B3, by function. Not a benchmark.

The worker is sampled twice in a millisecond of its processor time at most, which slows it by a few
percent; a profiler that counts calls makes Python functions several times as dear.
"""

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.errors import BenchError
from bench.installation import Installation
from bench.instrumented import EVERY_S, PROFILE
from bench.load import Expected, Load
from bench.sinks import discarding
from bench.stage import Stage
from bench.throughput import posting, publishing
from bench.wrk import Wrk

_WRITTEN_S = 10.0
_LINES = 60


@dataclass(frozen=True)
class Sampled:
    """Stacks of a worker, how often each was seen, and what an event cost meanwhile in µs."""

    stacks: list[tuple[list[str], int]]
    events: int
    product: float
    database: float


def sampled(stage: Stage, case: str) -> Sampled:
    """Run a load and sample the worker in the middle of it. Raises BenchError."""
    folder = stage.folder("profile")
    extra = {PROFILE: str(folder)}
    made = Installation(stage.scratch, module="bench.instrumented", extra=extra)
    with (
        made as installation,
        discarding(stage.scratch, 1) as sink,
        stage.endpoints(installation, sink),
    ):
        if case == "B3":
            script = posting(stage, installation, merged=True)
        else:
            script = publishing(stage, installation)
        (worker,) = installation.server_pids
        wrk = Wrk(installation.url, script, stage.size.connections, stage.scratch)
        try:
            time.sleep(stage.size.warm_s)
            begin, before = installation.ledger.moment(), processes.cpu(installation.pid)
            os.kill(worker, signal.SIGUSR1)
            time.sleep(stage.size.run_s)
            os.kill(worker, signal.SIGUSR1)
            end, used = installation.ledger.moment(), processes.cpu(installation.pid) - before
        finally:
            wrk.stop()
        stacks = json.loads(_written(folder).read_text(encoding="utf-8"))
        Load(stage, installation, sink, Expected(1)).drained()
        events = max(installation.ledger.counted(begin.ms, end.ms).delivered, 1)
    return Sampled(stacks, events, used.product / events * 1e6, used.database / events * 1e6)


def _written(folder: Path) -> Path:
    deadline = time.monotonic() + _WRITTEN_S
    while not (found := list(folder.glob("*.stacks"))):
        if time.monotonic() > deadline:
            raise BenchError("The profile was not written.")
        time.sleep(EVERY_S)
    return found[0]


def told(found: Sampled) -> str:
    """Write a profile as Markdown: functions with all that they call, in µs of each event."""
    whole: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for stack, count in found.stacks:
        own[stack[-1]] += count
        whole.update(dict.fromkeys(stack, count))
    total = max(sum(own.values()), 1)
    micro = found.product / total
    intro = (
        f"{found.events} events, {found.product:.0f} µs of product and {found.database:.0f} µs of "
        f"PostgreSQL each; {total} samples."
    )
    head = "| function | with all it calls, µs | by itself, µs |"
    lines = [intro, "", head, "|---|---:|---:|"]
    # What every stack begins with says nothing.
    inner = [(name, count) for name, count in whole.most_common() if count < total * 0.97]
    for name, count in inner[:_LINES]:
        lines.append(f"| `{name}` | {count * micro:.1f} | {own[name] * micro:.1f} |")
    return "\n".join(lines) + "\n"
