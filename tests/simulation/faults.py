"""Faults that wait for a point in the engine's work: kill, pause, cut.

A point is named after what is happening there: a statement before it reaches the server or after it
was executed, or a phase of a request. A fault strikes whoever comes by as the `countdown`-th.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

from tests.simulation.server import Session
from tests.simulation.timeloop import Process, TimeLoop

Action = Literal["kill", "pause", "cut"]
STATEMENTS = (
    "subjects.commit", "deliveries.finish", "deliveries.claim", "deliveries.release",
    "deliveries.bodies", "subjects.read", "workers.heartbeat", "workers.adopt",
)  # fmt: skip
STATEMENT_POINTS = tuple(f"{name}.{when}" for name in STATEMENTS for when in ("before", "after"))
REQUEST_POINTS = ("connect", "checked", "sent", "answered")
POINTS = (*STATEMENT_POINTS, *REQUEST_POINTS, "answer")
# Shorter than the lease, between lease and retirement, longer than both.
PAUSES_S = ((0.5, 7.0), (8.5, 13.0), (17.0, 45.0), (17.0, 45.0))
COUNTDOWN_MAX = 6


class Fault(NamedTuple):
    """What happens, and where."""

    point: str
    action: Action


def every_fault() -> list[Fault]:
    """Return each point with each action that makes sense there."""
    killed = [Fault(point, "kill") for point in POINTS]
    paused = [Fault(point, "pause") for point in POINTS]
    return [*killed, *paused, *(Fault(point, "cut") for point in STATEMENT_POINTS)]


class Faults:
    """Faults that are armed, and those that have struck."""

    def __init__(
        self, loop: TimeLoop, chance: random.Random, kill: Callable[[Process], None]
    ) -> None:
        """Take how a process is killed."""
        self._loop = loop
        self._chance = chance
        self._kill = kill
        self._armed: dict[str, tuple[Fault, int]] = {}
        self.struck: Counter[Fault] = Counter()
        self.paused = 0

    def arm(self, fault: Fault) -> None:
        """Let a fault happen at its point."""
        self._armed[fault.point] = (fault, self._chance.randint(1, COUNTDOWN_MAX))

    def disarm(self) -> None:
        """Let nothing happen any more."""
        self._armed.clear()

    def meet(self, point: str, process: Process, session: Session | None = None) -> None:
        """Let the fault happen that waits for this point, if it is its turn."""
        armed = self._armed.get(point)
        if armed is None or process.died or process.paused:
            return
        fault, left = armed
        if left > 1:
            self._armed[point] = (fault, left - 1)
            return
        del self._armed[point]
        self.struck[fault] += 1
        if fault.action == "kill":
            self._kill(process)
        elif fault.action == "pause":
            self.pause(process, self._chance.uniform(*self._chance.choice(PAUSES_S)))
        else:
            assert session is not None
            session.cut(self._chance.choice(("executed", "late", "lost")))

    def pause(self, process: Process, seconds: float) -> None:
        """Stop a process for a while."""
        process.pause()
        self.paused += 1
        self._loop.outside(seconds, self._resume, process)

    def _resume(self, process: Process) -> None:
        self.paused -= 1
        process.resume()
