"""How much may be asked of a faked API: so many calls a second, and so many at once.

A provider has limits too, and a program that runs wild in test mode is to cost nobody else
anything. Each worker counts for itself.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ringback.domain.rate import Bucket, Rate

CALLS_PER_S = 200
CALLS_BURST_MAX = 1000
CALLS_AT_ONCE_MAX = 256
# Connections that are counted for; of more, those that are at rest are forgotten.
COUNTED_MAX = 1000
_USUAL = Rate(CALLS_PER_S, CALLS_BURST_MAX)


class _One:
    """What is counted of one connection."""

    __slots__ = ("bucket", "under_way")

    def __init__(self, rate: Rate) -> None:
        self.bucket = Bucket(rate)
        self.under_way = 0


class Pace:
    """Counts the calls of each connection's faked API in this worker."""

    def __init__(
        self,
        now: Callable[[], float],
        rate: Rate = _USUAL,
        at_once: int = CALLS_AT_ONCE_MAX,
    ) -> None:
        """Take a clock of seconds, and what one connection may do."""
        self._now = now
        self._rate = rate
        self._at_once = at_once
        self._counted: dict[uuid.UUID, _One] = {}

    @contextmanager
    def call(self, connection: uuid.UUID) -> Iterator[int]:
        """Count one call while it lasts; give the seconds to wait, 0 when it may go on."""
        one = self._of(connection)
        now = self._now()
        if one.under_way >= self._at_once:
            yield 1
            return
        if not one.bucket.take(now):
            yield one.bucket.more_in(now)
            return
        one.under_way += 1
        try:
            yield 0
        finally:
            one.under_way -= 1

    def _of(self, connection: uuid.UUID) -> _One:
        found = self._counted.get(connection)
        if found is None:
            if len(self._counted) >= COUNTED_MAX:
                now = self._now()
                kept = self._counted.items()
                self._counted = {
                    id_: one for id_, one in kept if one.under_way or one.bucket.full_in(now)
                }
            found = self._counted[connection] = _One(self._rate)
        return found
