"""The benchmarks still run: each case gives sane figures, and their page is what they wrote.

How large a figure is, is never tested: that depends on what else the machine is doing.
"""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import bodies, processes, profiling, report
from bench.cases import CASES, Target
from bench.children import started
from bench.ledger import first_id
from bench.open_loop import spread
from tests.source import ROOT

# About 50 s on a machine that has nothing else to do.
RUN_S = 300.0
# Nothing may be owed or refused here, so that these may be zero.
_MAY_BE_ZERO = frozenset({"backlog", "drain", "refused"})
pytestmark = pytest.mark.timeout(RUN_S + 60)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run every case for a moment, and return what was written."""
    if shutil.which("wrk") is None or not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("needs wrk, and the process table of Linux")
    out = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "bench", "--quick", "--out", str(out)]
    with (out / "said").open("wb") as said:
        process = started(command, cwd=ROOT, said=said)
        try:
            code = process.wait(RUN_S)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
    assert 0 == code, (out / "said").read_text(encoding="utf-8")[-4000:]
    (path,) = out.glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert report.markdown(found) == path.with_suffix(".md").read_text(encoding="utf-8")
    return found


@pytest.mark.parametrize("case", list(CASES))
def test_every_case_runs(results: dict[str, Any], case: str) -> None:
    """Each variant gives all of its figures, and they are positive numbers."""
    variants = results["cases"][case]
    assert set(CASES[CASES[case].runs_of or case].variants) == set(variants)
    for figures in variants.values():
        assert {figure.key for figure in CASES[case].figures} == set(figures)
        for key, found in figures.items():
            assert math.isfinite(found["median"]), key
            assert found["median"] > 0 or (key in _MAY_BE_ZERO and found["median"] == 0), key


def test_the_result_says_what_it_was_measured_on(results: dict[str, Any]) -> None:
    """Machine, versions, durations: a figure without them means nothing."""
    assert {
        "processor", "memory", "system", "disk", "python", "postgresql", "receiver", "generator",
        "load before", "revision", "speed",
    } <= set(results["machine"])  # fmt: skip
    assert all(results["machine"].values())
    assert ("quick", 1) == (results["size"]["name"], results["size"]["repeats"])


def test_the_page_shows_the_newest_results() -> None:
    """`make bench` writes docs/performance.md; nobody else does, and no quick run."""
    page = report.PAGE.read_text(encoding="utf-8")
    assert report.renewed(page, report.for_page()) == page
    newest = report.latest()
    assert newest is None or newest["size"]["name"] == "full"


def test_bodies_are_as_large_as_said_and_never_alike() -> None:
    """About 600 bytes each, and Lua and Python send the same ones."""
    made = [bodies.publication(number) for number in range(3)]
    made += [bodies.status_body(number, "sent", 1_795_000_000) for number in range(3)]
    assert 6 == len(set(made))
    assert all(550 <= len(body) <= 650 for body in made)
    values = {"number": "0000000001", "status": "sent", "time": "1795000000"}
    for publishing, body in ((True, made[1]), (False, made[4])):
        pieces = bodies.pieces(publishing=publishing)
        filled = [text if place % 2 == 0 else values[text] for place, text in enumerate(pieces)]
        assert body == "".join(filled).encode()


def test_statuses_of_a_message_never_overtake_each_other() -> None:
    """Sent, delivered and read of one message lie further apart than requests are under way."""
    places: dict[int, list[tuple[int, str]]] = {}
    for place, one in enumerate(bodies.lives("secret", 3 * bodies.BLOCK, first=7)):
        places.setdefault(one.number, []).append((place, one.status))
    assert bodies.BLOCK == len(places)
    for found in places.values():
        assert list(bodies.STATUSES) == [status for _, status in found]
        assert bodies.BLOCK == found[1][0] - found[0][0] == found[2][0] - found[1][0]


def test_percentiles_are_of_all_that_was_measured() -> None:
    """The slowest is not left out."""
    found = spread([number / 1000 for number in range(1, 101)])
    assert (50.5, 96, 100) == pytest.approx((found.p50, found.p95, found.p99))


def test_processor_time_is_counted_with_that_of_ended_children() -> None:
    """What a child has used is not lost when it ends."""
    before = processes.cpu(os.getpid())
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True, timeout=60)
    used = processes.cpu(os.getpid()) - before
    assert used.product >= 0.25
    assert used.database >= 0


def test_targets_are_judged_in_their_direction() -> None:
    """A rate is to be high, a cost low."""
    rate, cost = Target("", "", 4000, 6500), Target("", "", 300, 200, at_least=False)
    assert ["missed", "first", "goal"] == [rate.judge(value) for value in (3999, 4000, 6500)]
    assert ["missed", "first", "goal"] == [cost.judge(value) for value in (301, 300, 200)]


def test_ids_of_a_millisecond_are_counted_from_its_beginning() -> None:
    """The bound of a window is below every id of its first millisecond."""
    assert "019a0000-0000-0000-0000-000000000000" == first_id(0x019A_0000_0000)


def test_a_profile_gives_each_stage_what_was_seen_in_it() -> None:
    """A frame belongs to the innermost stage; what belongs to none is told of too."""
    stacks = [
        (["server/mp.py:run", "services/push.py:Push._send", "domain/ids.py:show"], 3),
        (["server/mp.py:run", "services/push.py:Push._send", "transport/client.py:Client.send"], 1),
        (["server/mp.py:run"], 4),
    ]
    told = profiling.summed_up(profiling.Sampled(stacks, 10, 80.0, 20.0))
    seen = {name: micro for name, micro in told["stages"].items() if micro}
    assert {
        "sign, judge, note the attempt": 30, "POST and reply": 10,
        "event loop and everything else": 40,
    } == pytest.approx(seen)  # fmt: skip
    assert 40 == pytest.approx(told["functions"]["services/push.py:Push._send"])
    assert "server/mp.py:run" not in told["functions"]
