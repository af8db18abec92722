"""B8, and the profile: runs of the instrumented program, whose speed is not looked at."""

import io
import json
import os
import pstats
import signal
import time
from collections import Counter
from pathlib import Path

from bench.errors import BenchError
from bench.installation import Installation
from bench.instrumented import COUNTS, EVERY_S, PROFILE
from bench.load import Expected, Load
from bench.sinks import discarding
from bench.stage import Stage
from bench.throughput import posting, publishing
from bench.wrk import Wrk

# A server process publishes its counters of transactions after at most so long.
_STATISTICS_S = 1.2
_WRITTEN_S = 10.0
_LINES = 60


def statements(stage: Stage) -> dict[str, float]:
    """B8: statements that the driver sends and commits for each event, at saturation."""
    folder = _folder(stage, "counts")
    extra = {COUNTS: str(folder)}
    made = Installation(stage.scratch, module="bench.instrumented", extra=extra)
    with (
        made as installation,
        discarding(stage.scratch, 1) as sink,
        stage.endpoints(installation, sink),
    ):
        time.sleep(_STATISTICS_S + 2 * EVERY_S)
        before, begun = _sent(folder), installation.ledger.transactions()
        load = Load(stage, installation, sink, Expected(1))
        ran = load.run(publishing(stage, installation))
        time.sleep(2 * EVERY_S)
        after = _sent(folder)
        time.sleep(max(_STATISTICS_S, stage.size.settle_s))
        transactions = installation.ledger.transactions() - begun
    events = max(ran.whole.events, 1)
    told = after - before
    written = ran.end.moment.transaction - ran.begin.moment.transaction
    return {
        "statements": sum(told.values()) / events,
        "commits": written / max(ran.window.delivered, 1),
        "transactions": transactions / events,
        "committing": _of(told, "commit_batch(") / events,
        "finishing": _of(told, "finish_batch(") / events,
    }


def _of(told: Counter[str], name: str) -> int:
    return sum(count for text, count in told.items() if name in text)


def _folder(stage: Stage, name: str) -> Path:
    folder = stage.scratch / f"{name}-{time.monotonic_ns()}"
    folder.mkdir()
    return folder


def _sent(folder: Path) -> Counter[str]:
    """Add up what all processes have counted so far."""
    total: Counter[str] = Counter()
    for path in folder.glob("*.json"):
        total.update(json.loads(path.read_text(encoding="utf-8")))
    return total


def profile(stage: Stage, case: str) -> str:
    """Profile a worker under B1 or B3; return where its processor time went, as text.

    Calls of Python functions are made dearer by being counted: look at shares and numbers of
    calls, not at times.
    """
    folder = _folder(stage, "profile")
    extra = {PROFILE: str(folder)}
    made = Installation(stage.scratch, module="bench.instrumented", extra=extra)
    with made as installation, discarding(stage.scratch, 1) as sink:
        with stage.endpoints(installation, sink):
            if case == "B3":
                script = posting(stage, installation, merged=True)
            else:
                script = publishing(stage, installation)
            expected = Expected(1, callbacks=case == "B3")
            _profiled(stage, installation, script)
            Load(stage, installation, sink, expected).drained()
        (path,) = _written(folder)
        return _table(path)


def _profiled(stage: Stage, installation: Installation, script: str) -> None:
    """Run a load and profile the worker in the middle of it."""
    (worker,) = installation.server_pids
    wrk = Wrk(installation.url, script, stage.size.connections, stage.scratch)
    try:
        time.sleep(stage.size.warm_s)
        os.kill(worker, signal.SIGUSR1)
        time.sleep(stage.size.run_s)
        os.kill(worker, signal.SIGUSR1)
    finally:
        wrk.stop()


def _written(folder: Path) -> list[Path]:
    deadline = time.monotonic() + _WRITTEN_S
    while not (found := list(folder.glob("*.pstats"))):
        if time.monotonic() > deadline:
            raise BenchError("The profile was not written.")
        time.sleep(EVERY_S)
    return found


def _table(path: Path) -> str:
    """Write the profile as text: by own time, then by time with what was called."""
    out = io.StringIO()
    stats = pstats.Stats(str(path), stream=out)
    stats.sort_stats("tottime").print_stats(_LINES)
    stats.sort_stats("cumulative").print_stats(_LINES)
    return out.getvalue()
