"""Simulated months of the engine: what it promises holds whatever goes wrong, whenever.

Each seed is a month of thirty days with two hundred endpoints. Whatever fails can be repeated
exactly; the message says how.
"""

import pytest

from tests.simulation.faults import Fault
from tests.simulation.model import Store
from tests.simulation.oracle import Violation
from tests.simulation.script import FAULTS, Mood, Script, alone, month
from tests.simulation.worker import Parts
from tests.simulation.world import DRAIN_S, World
from tests.sizes import SIZES, SMALL

SEEDS = range(SIZES.simulated_months)


def _world(seed: int, script: Script) -> World:
    return World(seed, script, Parts(), Store())


def _live(name: str, mood: Mood, seed: int) -> World:
    world = _world(seed, month(seed, mood))
    try:
        world.run()
    except Violation as violation:
        size = "" if seed < SMALL.simulated_months else "RINGBACK_PROOF=1 "
        path = "tests/simulation/test_months.py"
        command = f"{size}.venv/bin/python -m pytest '{path}::{name}[{seed}]'"
        raise AssertionError(f"seed {seed}, once more: {command}\n{violation}") from violation
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_early_late_or_out_of_order(seed: int) -> None:
    """Safety: kills, pauses, cut connections, crashes, partitions, clock jumps and bad endpoints at
    any moment break no promise, and after thirty days nothing is left.
    """
    world = _live("test_nothing_is_lost_early_late_or_out_of_order", "safety", seed)
    assert world.oracle.counts["delivered"] > 100
    assert world.oracle.acknowledged


@pytest.mark.parametrize("seed", SEEDS)
def test_a_backlog_drains_within_half_an_hour(seed: int) -> None:
    """Liveness: whatever went wrong until then, what is open when all faults end is delivered
    within thirty minutes, ten times a month.
    """
    world = _live("test_a_backlog_drains_within_half_an_hour", "liveness", seed)
    assert len(world.drained_s) > 5
    assert max(world.drained_s) <= DRAIN_S


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.point}-{fault.action}")
def test_each_fault_does_no_harm(fault: Fault) -> None:
    """Every fault at every point, by itself: all of them happen, and no promise is broken."""
    world = _world(1, alone(fault, workers=2))
    world.run()
    assert 1 == world.faults.struck[fault]


@pytest.mark.parametrize("seconds", [3.0, 40.0])
@pytest.mark.parametrize("name", ["commit", "claim", "finish"])
def test_an_answer_may_be_lost_for_long(name: str, seconds: float) -> None:
    """The database did it, crashed before it could say so, and comes back much later than anybody
    waits for an answer: what became the worker's is found all the same.
    """
    group = "subjects" if name == "commit" else "deliveries"
    fault = Fault(f"{group}.{name}.after", "crash", seconds)
    for seed in range(5):
        world = _world(seed, alone(fault, 2, seed))
        world.run()
        assert 1 == world.faults.struck[fault]


def test_a_seed_can_be_repeated() -> None:
    """The same seed is the same month, step by step."""
    first, second = (_live("", "safety", 3) for _ in range(2))
    assert list(first.oracle.steps) == list(second.oracle.steps)
    assert first.oracle.counts == second.oracle.counts
