"""`python -m bench`: runs the cases one after the other, prints and writes what they gave."""

import argparse
import dataclasses
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine, profiling, report
from bench.cases import CASES, Case
from bench.errors import BenchError
from bench.sizes import FULL, QUICK, Size
from bench.stage import Stage


def main() -> int:
    """Run what the options ask for; return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Started in the background it would ignore Ctrl-C, and so would all that it stops by that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    size = _size(options)
    with Stage(size, options.dir) as stage:
        if options.profile:
            print(profiling.told(options.profile, _profile(stage, options.profile)))
            return 0
        found = machine.described(stage.scratch)
        chosen = _chosen(options.case)
        measured: list[tuple[float, float]] = []
        runs, failures = _run(stage, chosen, measured)
        if not runs:
            return 1
        found["speed"] = machine.paces(measured, size.pace_ms)
        whole = size.name == "full" and len(chosen) == len(_chosen(None)) and not failures
        profiles = {name: _profile(stage, name) for name in profiling.CASES} if whole else {}
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    results = report.summed_up(found, date, dataclasses.asdict(size), runs)
    results["profiles"] = profiles
    print(report.markdown(results))
    if options.out or whole:
        print(f"Written: {report.written(results, options.out or report.RESULTS)}")
    if whole and not options.out:
        report.published()
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benchmarks.")
    parser.add_argument("--quick", action="store_true", help="a moment of each: does it work?")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this one")
    parser.add_argument("--repeats", type=int, help="how often each case is run")
    parser.add_argument("--seconds", type=float, help="how long each run is measured")
    parser.add_argument("--warm", type=float, help="seconds of load before that")
    parser.add_argument("--connections", type=int, help="requests under way in closed loops")
    parser.add_argument(
        "--pace", type=float,
        help="begin a run only when the fixed piece of work takes at most so many milliseconds on "
        "all cores at once; waited for up to ten minutes",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="directory for the results of a partial run")
    parser.add_argument("--dir", type=Path, help="where data directories are made, a real disk")
    parser.add_argument("--profile", choices=profiling.CASES, help="profile a worker instead")
    return parser.parse_args()


def _size(options: argparse.Namespace) -> Size:
    given = {
        "repeats": options.repeats, "run_s": options.seconds, "idle_s": options.seconds,
        "warm_s": options.warm, "connections": options.connections, "pace_ms": options.pace,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    size = dataclasses.replace(QUICK if options.quick else FULL, **changes)
    # Durations of somebody's own make no full run.
    odd = changes.keys() - {"repeats", "pace_ms"}
    return dataclasses.replace(size, name="own") if odd else size


def _profile(stage: Stage, case: str) -> dict[str, Any]:
    return profiling.summed_up(profiling.sampled(stage, case))


def _chosen(names: list[str] | None) -> list[Case]:
    """Return the cases that are to be run, for those without runs of their own the others'."""
    wanted = [CASES[name] for name in names or CASES]
    ids = {case.runs_of or case.id for case in wanted}
    return [case for case in CASES.values() if case.id in ids]


def _run(
    stage: Stage, chosen: list[Case], paces: list[tuple[float, float]]
) -> tuple[report.Runs, list[str]]:
    """Run the cases; one that fails is told of at the end and costs the others nothing.

    How fast the machine is before each run is added to `paces`.
    """
    runs: report.Runs = {}
    failures = []
    for case in chosen:
        for variant, run in case.variants.items():
            repeats = runs.setdefault(case.id, {}).setdefault(variant, [])
            for turn in range(stage.size.repeats):
                paces.append(machine.paced(stage.size.pace_ms))
                began = time.monotonic()
                try:
                    repeats.append(run(stage))
                except (BenchError, OSError) as error:
                    failures.append(f"{case.id}, {variant}: {error}")
                    break
                told = ", ".join(f"{key} {value:,.2f}" for key, value in repeats[-1].items())
                took = time.monotonic() - began
                alone, together = paces[-1]
                pace = f"a piece of work {alone:.0f} ms, on all cores {together:.0f} ms"
                print(f"{case.id} {variant} #{turn + 1} ({took:.0f} s; {pace}): {told}", flush=True)
    return runs, failures


if __name__ == "__main__":
    sys.exit(main())
