"""Counting on the hot path: plain integers of bounded number, an addition or two for each event.

Counted here, named and told in meters.py. Nothing here knows Prometheus.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

# Of so many endpoints each is counted by itself, the oldest first; the others together.
ENDPOINTS_MAX = 1000
# Upper bounds of the buckets, in seconds and in items; a last one takes what is above.
ANSWER_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DELIVERY_S = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
    3600.0, 21_600.0, 86_400.0, 259_200.0,
)  # fmt: skip
ITEMS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_CLASSES = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


class Histogram:
    """How often a value fell into each bucket, and the sum of all values."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Take the upper bounds, ascending; a value belongs to the first that is not below it."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value; none is negative."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class OfEndpoint:
    """What is counted of one endpoint's attempts; `ms` is how long they took together."""

    __slots__ = ("delivered", "failed", "ms")

    def __init__(self) -> None:
        """Start at nothing."""
        self.delivered = self.failed = self.ms = 0

    def take(self, other: "OfEndpoint") -> None:
        """Add what was counted of another."""
        self.delivered += other.delivered
        self.failed += other.failed
        self.ms += other.ms


class Attempts:
    """Attempts by result and by endpoint, how deliveries ended, and how long they took.

    `results` and `ends` leave out what was delivered: that is what `seconds` counts.
    """

    def __init__(self) -> None:
        """Start at nothing, with no endpoint."""
        self.results: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.seconds = Histogram(DELIVERY_S)
        self.endpoints: dict[int, OfEndpoint] = {}
        self.others = OfEndpoint()

    def configure(self, endpoints: Iterable[int]) -> None:
        """Follow a new configuration: count the oldest thousand of these numbers by themselves.

        Numbers only ascend, so whoever is among them stays until it is deleted.
        """
        named = sorted(endpoints)[:ENDPOINTS_MAX]
        gone = self.endpoints.keys() - named
        for number in gone:
            self.others.take(self.endpoints.pop(number))
        for number in named:
            if number not in self.endpoints:
                self.endpoints[number] = OfEndpoint()

    def made(
        self,
        endpoint: int,
        status: int | None,
        error: str | None,
        end: str | None,
        ms: float,
        age_ms: int,
    ) -> None:
        """Count an attempt that took `ms`; `age_ms` after its event was made `end` was its end."""
        mine = self.endpoints.get(endpoint, self.others)
        mine.ms += int(ms)
        if end == "delivered":
            mine.delivered += 1
            self.seconds.add(age_ms / 1000 if age_ms > 0 else 0.0)
            return
        mine.failed += 1
        self.results[error or _CLASSES.get((status or 0) // 100, "other")] += 1
        if end is not None:
            self.ends[end] += 1

    @property
    def delivered(self) -> int:
        """How many attempts delivered, whichever endpoint it was."""
        return sum(self.seconds.counts)
