"""Narrowing a list by what it has no index for: rows are looked through in steps, up to a number.

And by time, where the keys of a list follow it. Not here: which lists there are.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from ringback.storage.lists import Found, Key, Window

LOOKED_AT_MAX = 2000
_STEP = 200
T = TypeVar("T")


class Span(NamedTuple):
    """Rows whose keys begin with at least `low` and less than `high`, as far as they are given.

    `start` is a key of the list that lies just above all of those below `high`.
    """

    low: int | None = None
    high: int | None = None
    start: Key | None = None

    def past(self, key: Key, *, newer: bool) -> bool:
        """Say whether a search that has come to this key has left the span."""
        if newer:
            return self.high is not None and key[0] >= self.high
        return self.low is not None and key[0] < self.low


async def sieve(
    find: Callable[[Window], Awaitable[Found[T]]],
    window: Window,
    key: Callable[[T], Key],
    span: Span,
    fits: Callable[[T], bool] | None = None,
) -> Found[T]:
    """Return the rows of a window that lie in a span and fit, nearest first.

    Looks at 2,000 rows, and says where it stopped when there may be more.
    """
    step = window.limit if fits is None else max(window.limit, _STEP)
    place, looked_at, kept = window.key or span.start, 0, list[T]()
    while True:
        found = await find(Window(step, place, window.newer))
        for row in found.rows:
            if span.past(key(row), newer=window.newer):
                return Found(kept)
            if fits is None or fits(row):
                kept.append(row)
                if len(kept) >= window.limit:
                    return Found(kept)
        if len(found.rows) < step:
            stopped = found.stopped
            over = stopped is not None and span.past(stopped, newer=window.newer)
            return Found(kept, None if over else stopped)
        place, looked_at = key(found.rows[-1]), looked_at + len(found.rows)
        if looked_at >= LOOKED_AT_MAX:
            return Found(kept, place)
