"""How many requests may be made in a time: a bucket that fills evenly. Pure; the time comes in."""

import math
from typing import NamedTuple

PER_SECOND_MAX = 1_000_000
BURST_MAX = 2_000_000


class Rate(NamedTuple):
    """`per_second` requests a second, for ever; `burst` of them at once after a pause."""

    per_second: int
    burst: int


def rate_of(per_second: int, burst: int | None = None) -> Rate:
    """Make a rate; its burst is two seconds' worth unless it is said."""
    return Rate(per_second, burst or 2 * per_second)


class Bucket:
    """What is left of one rate.

    Kept as one number: the moment at which the bucket will be full again.
    """

    __slots__ = ("_depth_s", "_every_s", "_full_at", "policy", "rate")

    def __init__(self, rate: Rate, full_at: float = 0.0) -> None:
        """Take the rate; `full_at` is in seconds, of the clock that `take` goes by."""
        self.rate = rate
        self._full_at = full_at
        self._every_s = 1 / rate.per_second
        self._depth_s = rate.burst / rate.per_second
        self.policy = f'"key";q={rate.burst};w={math.ceil(self._depth_s)}'

    def take(self, now: float) -> bool:
        """Take one request, at `now` in seconds; False when there is none left."""
        filled = max(self._full_at, now) + self._every_s
        # A millionth: what rounding of large numbers may take from the last one.
        if filled - now > self._depth_s + 1e-6:
            return False
        self._full_at = filled
        return True

    def left(self, now: float) -> int:
        """Return how many requests there is room for."""
        missing = max(0.0, self._full_at - now)
        return int((self._depth_s - missing) / self._every_s + 1e-3)

    def full_in(self, now: float) -> int:
        """Return the whole seconds until the bucket is full."""
        return max(0, math.ceil(self._full_at - now))

    def more_in(self, now: float) -> int:
        """Return the whole seconds until there is room for one more request; at least one."""
        return max(1, math.ceil(self._full_at + self._every_s - self._depth_s - now))

    def with_rate(self, rate: Rate) -> "Bucket":
        """Return the bucket with another rate, as far from full as it was."""
        return Bucket(rate, self._full_at)

    def low(self, now: float) -> bool:
        """Say whether less than half of it is left."""
        return self._full_at - now > self._depth_s / 2
