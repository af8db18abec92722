"""B8: a run of the instrumented program, whose speed is not looked at."""

import json
import time
from collections import Counter
from pathlib import Path

from bench.installation import Installation
from bench.instrumented import COUNTS, EVERY_S
from bench.load import Expected, Load
from bench.sinks import discarding
from bench.stage import Stage
from bench.throughput import publishing

# A server process publishes its counters of transactions after at most so long.
_STATISTICS_S = 1.2


def statements(stage: Stage) -> dict[str, float]:
    """B8: statements that the driver sends and commits for each event, at saturation."""
    folder = stage.folder("counts")
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


def _sent(folder: Path) -> Counter[str]:
    """Add up what all processes have counted so far."""
    total: Counter[str] = Counter()
    for path in folder.glob("*.json"):
        total.update(json.loads(path.read_text(encoding="utf-8")))
    return total
