"""What excuses a repeat: the faults of a run, when each happened, and what was open just then.

Pure. A fault excuses a repeat when the request that was answered before it was still open at the
fault, that is on the wire or answered but not recorded, and the repeat came after it, however late:
its lane may have waited. Cut connections and pauses within the lease are no faults: they excuse
nothing.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from .journal import Receipt

# G3: results that may wait to be recorded; beyond that a worker starts nothing.
UNRECORDED_MAX = 500
# A result waits to be recorded for so long, and while the database is away besides: a pause after
# a refusal is five seconds, and the rest is for a machine with other work to do.
HELD_S = 10.0
# A request that was on the wire at the fault may be read by its receiver, which writes down when
# it has read it, so much later.
WIRE_S = 2.0


class Repeat(msgspec.Struct, frozen=True):
    """A request about what its endpoint had answered with 2xx in the request before."""

    first: Receipt
    again: Receipt


class Fault(msgspec.Struct, frozen=True):
    """Something at one moment that may repeat up to `most` of the requests that were open then.

    Open is what the endpoint has read up to `held_s` before, or `wire_s` after.
    """

    at: float
    most: int
    held_s: float = HELD_S
    wire_s: float = 0.0

    def excuses(self, repeat: Repeat) -> bool:
        """Whether the repeat may come from this fault."""
        opened = self.at - self.held_s <= repeat.first.at <= self.at + self.wire_s
        return opened and self.at <= repeat.again.at


def killed(at: float, in_flight: int, held_s: float = HELD_S) -> tuple[Fault, Fault]:
    """Return what the kill of a worker is: results not recorded, requests in flight and one."""
    return Fault(at, UNRECORDED_MAX, held_s), Fault(at, in_flight + 1, held_s, WIRE_S)


def paused(began: float, ended: float, in_flight: int) -> tuple[Fault, ...]:
    """Return what a pause beyond the lease is: at its begin like a kill, and one at its end.

    That one is the request whose check had just passed: others have sent it meanwhile, or will.
    """
    return *killed(began, in_flight), Fault(ended, 1, ended - began, WIRE_S)


def lost_answer(at: float) -> Fault:
    """Return what an answer is that was lost on its way at that moment."""
    return Fault(at, 1)


def held_s(at: float, outages: Iterable[tuple[float, float]]) -> float:
    """Say how long a result may have waited at a moment: longer when the database was away."""
    since = [began for began, ended in outages if began <= at <= ended + HELD_S]
    return HELD_S + (at - min(since) if since else 0.0)


def unexcused(repeats: Iterable[Repeat], faults: Iterable[Fault]) -> tuple[list[Repeat], int]:
    """Return the repeats that are left when every fault has excused as many as it may.

    And the most that came after one moment. Each fault takes those first that the ones after it
    can excuse least long.
    """
    left = sorted(repeats, key=lambda one: one.again.at)
    taken: Counter[float] = Counter()
    for fault in sorted(faults, key=lambda one: (one.at, one.wire_s)):
        own = [number for number, repeat in enumerate(left) if fault.excuses(repeat)]
        ends = {n: min(left[n].again.at, left[n].first.at + fault.held_s) for n in own}
        gone = set(sorted(own, key=ends.__getitem__)[: fault.most])
        taken[fault.at] += len(gone)
        left = [repeat for number, repeat in enumerate(left) if number not in gone]
    return left, max(taken.values(), default=0)
