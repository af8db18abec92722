"""Where a worker's processor time goes under B1, B3 or B4, by function. Not a benchmark.

The worker is sampled twice in a millisecond of its processor time at most, which slows it by a few
percent; a profiler that counts calls makes Python functions several times as dear.
"""

import contextlib
import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
_FUNCTIONS = 40
CASES = ("B1", "B3", "B4")
# Which stage a file's time belongs to. What several stages use (ids, headers …) counts for the
# stage that calls it.
_STAGES = {
    "transport/incoming.py": "take the request, give the answer",
    "transport/listener.py": "take the request, give the answer",
    "transport/server.py": "take the request, give the answer",
    "services/receive.py": "verify and read",
    "services/publish.py": "verify and read",
    "services/pressure.py": "verify and read",
    "providers/": "verify and read",
    "domain/publishing.py": "verify and read",
    "services/commit.py": "decide, merge, number, render",
    "services/batch.py": "decide, merge, number, render",
    "services/arrivals.py": "decide, merge, number, render",
    "services/publications.py": "decide, merge, number, render",
    "domain/messages.py": "decide, merge, number, render",
    "domain/events.py": "decide, merge, number, render",
    "storage/": "speak with the database",
    "asyncpg/": "speak with the database",
    "services/record.py": "speak with the database",
    "services/push.py": "sign, judge, note the attempt",
    "domain/signing.py": "sign, judge, note the attempt",
    "domain/retry.py": "sign, judge, note the attempt",
    "transport/": "POST and reply",
}
_REST = "event loop and everything else"


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
    with made as installation, contextlib.ExitStack() as sinks:
        sink = None
        if case != "B4":
            sink = sinks.enter_context(discarding(stage.scratch, 1))
            sinks.enter_context(stage.endpoints(installation, sink))
        if case == "B1":
            script = publishing(stage, installation)
        else:
            script = posting(stage, installation, merged=case == "B3")
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
        Load(stage, installation, sink, Expected(0 if sink is None else 1)).drained()
        counted = installation.ledger.counted(begin.ms, end.ms)
        events = max(counted.events if sink is None else counted.delivered, 1)
    return Sampled(stacks, events, used.product / events * 1e6, used.database / events * 1e6)


def _written(folder: Path) -> Path:
    deadline = time.monotonic() + _WRITTEN_S
    while not (found := list(folder.glob("*.stacks"))):
        if time.monotonic() > deadline:
            raise BenchError("The profile was not written.")
        time.sleep(EVERY_S)
    return found[0]


def summed_up(found: Sampled) -> dict[str, Any]:
    """Return what an event cost in µs: whole, by stage, and by function with all that it calls."""
    whole: Counter[str] = Counter()
    stages: Counter[str] = Counter(dict.fromkeys([*dict.fromkeys(_STAGES.values()), _REST], 0))
    for stack, count in found.stacks:
        whole.update(dict.fromkeys(stack, count))
        stages[_stage(stack)] += count
    total = max(stages.total(), 1)
    micro = found.product / total
    # What every stack begins with says nothing.
    inner = [(name, count) for name, count in whole.most_common() if count < total * 0.97]
    return {
        "events": found.events, "samples": total,
        "product": found.product, "database": found.database,
        "stages": {name: count * micro for name, count in stages.items()},
        "functions": {name: count * micro for name, count in inner[:_FUNCTIONS]},
    }  # fmt: skip


def _stage(stack: list[str]) -> str:
    """Return the stage of the innermost frame that belongs to one."""
    for frame in reversed(stack):
        for start, stage in _STAGES.items():
            if frame.startswith(start):
                return stage
    return _REST


def told(case: str, profile: dict[str, Any]) -> str:
    """Write a profile as Markdown."""
    intro = (
        f"A worker during {case}: {profile['product']:.0f} µs of product and "
        f"{profile['database']:.0f} µs of PostgreSQL for each event, {profile['samples']} samples."
    )
    lines = [
        intro,
        "",
        "| stage | µs |",
        "|---|---:|",
        *(f"| {name} | {micro:.0f} |" for name, micro in profile["stages"].items()),
        "",
        "| function | µs, with all that it calls |",
        "|---|---:|",
        *(f"| `{name}` | {micro:.1f} |" for name, micro in profile["functions"].items()),
    ]
    return "\n".join(lines) + "\n"
