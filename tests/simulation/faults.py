"""Faults that wait for a point in the engine's work: kill, pause, cut, crash of the database.

A point is named after what is happening there: a statement before it reaches the server or after it
was executed, or a phase of a request. A fault strikes whoever comes by as the `countdown`-th.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

from tests.simulation.server import Session
from tests.simulation.timeloop import Process, TimeLoop

Action = Literal["kill", "pause", "cut", "crash"]
STATEMENTS = (
    "subjects.commit", "deliveries.finish", "deliveries.claim", "deliveries.release",
    "deliveries.bodies", "subjects.read", "workers.heartbeat",
    "workers.adopt",
)  # fmt: skip
STATEMENT_POINTS = tuple(f"{name}.{when}" for name in STATEMENTS for when in ("before", "after"))
REQUEST_POINTS = ("connect", "checked", "sent", "answered")
POINTS = (*STATEMENT_POINTS, *REQUEST_POINTS, "answer")
# Shorter than the lease, between lease and retirement, longer than both.
PAUSES_S = ((0.5, 7.0), (8.5, 13.0), (17.0, 45.0), (17.0, 45.0))
# How long the database is gone: a restart, a recovery, a failover.
CRASHES_S = (0.2, 3.0, 12.0, 40.0)
COUNTDOWN_MAX = 6


class Fault(NamedTuple):
    """What happens, and where; for how many seconds is left to chance, unless it says so."""

    point: str
    action: Action
    seconds: float | None = None


def every_fault() -> list[Fault]:
    """Return each point with each action that makes sense there."""
    killed = [Fault(point, "kill") for point in POINTS]
    paused = [Fault(point, "pause") for point in POINTS]
    cut = [Fault(point, "cut") for point in STATEMENT_POINTS]
    return [*killed, *paused, *cut, *(Fault(point, "crash") for point in STATEMENT_POINTS)]


class Faults:
    """Faults that are armed, and those that have struck.

    `disturbed` is told for how many seconds something is wrong.
    """

    def __init__(
        self,
        loop: TimeLoop,
        chance: random.Random,
        kill: Callable[[Process], None],
        crash: Callable[[float], None],
        disturbed: Callable[[float], None],
    ) -> None:
        """Take how a process is killed, and the database for so many seconds."""
        self._loop = loop
        self._chance = chance
        self._kill = kill
        self._crash = crash
        self._disturbed = disturbed
        self._armed: dict[str, tuple[Fault, int]] = {}
        self.struck: Counter[Fault] = Counter()
        self._paused: list[Process] = []
        self.pauses = 0

    @property
    def paused(self) -> int:
        """How many processes stand still."""
        return len(self._paused)

    def arm(self, fault: Fault, countdown: int | None = None) -> None:
        """Let a fault happen at its point."""
        countdown = countdown or self._chance.randint(1, COUNTDOWN_MAX)
        self._armed[fault.point] = (fault, countdown)

    def cease(self) -> None:
        """Let nothing happen any more, and whoever stands still go on."""
        self._armed.clear()
        for process in list(self._paused):
            self._resume(process)

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
        self._disturbed(0)
        if fault.action == "kill":
            self._kill(process)
        elif fault.action == "pause":
            by_chance = self._chance.uniform(*self._chance.choice(PAUSES_S))
            self.pause(process, fault.seconds or by_chance)
        elif fault.action == "crash":
            self._crash(fault.seconds or self._chance.choice(CRASHES_S))
        else:
            assert session is not None
            session.cut(self._chance.choice(("executed", "late", "lost")))

    def pause(self, process: Process, seconds: float) -> None:
        """Stop a process for a while."""
        process.pause()
        self.pauses += 1
        self._paused.append(process)
        self._disturbed(seconds)
        self._loop.outside(seconds, self._resume, process)

    def _resume(self, process: Process) -> None:
        if process in self._paused:
            self._paused.remove(process)
            process.resume()
