"""The clock of a worker: the database's time, read through our own, and a clock that never stops.

Due times and ids come from the database's clock; durations from the boot-time clock, which also
runs while the machine sleeps.
"""

import time

SKEW_MAX_MS = 60_000


class Clock:
    """Wall time corrected to the database's, and seconds since boot."""

    def __init__(self) -> None:
        """Start without a correction; the first heartbeat brings one."""
        self.offset_ms = 0

    def now_ms(self) -> int:
        """Return the database's time in milliseconds since 1970."""
        return int(time.time() * 1000) + self.offset_ms

    def boottime(self) -> float:
        """Return seconds since boot, sleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def correct(self, database_ms: int, asked_ms: int, answered_ms: int) -> None:
        """Learn from one exchange: the database read its clock between our two readings.

        What agrees with that stays as it is: an answer that took long says little, and would move
        the ids that are made from this clock by half of what it took.
        """
        least, most = database_ms - answered_ms, database_ms - asked_ms
        self.offset_ms = min(max(self.offset_ms, least), most)

    @property
    def trusted(self) -> bool:
        """Whether our own clock is close enough to the database's to take part."""
        return abs(self.offset_ms) <= SKEW_MAX_MS
