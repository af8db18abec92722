"""How long and how often is measured. Values only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The durations of a run in seconds, and how often each case is repeated.

    `connections` is how many requests the closed-loop generator keeps under way, `crowd` how many
    where a server is to be filled to its limit. At most `drain_s` is waited for deliveries to end
    after the generator has. `shared` lets all cases use one installation of two workers, to save
    its start; a figure that is published comes from an installation and a database of its own.
    A run begins only when a fixed piece of work takes at most `pace_ms` on all cores at once, or
    after ten minutes.
    """

    name: str
    warm_s: float
    run_s: float
    idle_s: float
    settle_s: float
    repeats: int
    connections: int = 128
    crowd: int = 512
    drain_s: float = 300.0
    shared: bool = False
    pace_ms: float | None = None


FULL = Size("full", warm_s=10.0, run_s=30.0, idle_s=30.0, settle_s=10.0, repeats=3)
# With few connections, so that a batch of the largest fan-out fits into the moment.
QUICK = Size(
    "quick", warm_s=0.3, run_s=1.0, idle_s=1.0, settle_s=0.5, repeats=1, connections=16,
    crowd=32, drain_s=60.0, shared=True,
)  # fmt: skip
