"""What every list takes and gives: whose rows, which stretch of them, and where a search stopped.

Values only. A list runs from new to old; a window is a stretch of it on either side of a key.
"""

import uuid
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

import msgspec

# How many rows one request may look at while it searches by something that has no index.
SCAN_MAX = 20_000
# A worker may be a minute off the database's clock: ids of what followed are no older than this.
SKEW_MS = 120_000

T = TypeVar("T")
P = TypeVar("P", uuid.UUID, int)
Key = tuple[int, ...]
_NEWEST = uuid.UUID(int=(1 << 128) - 1)
_LAST_POSITION = 1 << 62


class Scope(NamedTuple):
    """Whose rows: every query names the tenant and the mode."""

    tenant: int
    mode: int


class Window(msgspec.Struct, frozen=True):
    """At most `limit` rows older than `key` (newer, if `newer`); without a key from the newest on.

    Rows come in the direction of the search: nearest to the key first.
    """

    limit: int
    key: Key | None = None
    newer: bool = False

    @property
    def before(self) -> uuid.UUID | None:
        """The id that rows must lie below, for lists by id; None when searching for newer ones."""
        if self.newer:
            return None
        return uuid.UUID(int=self.key[0]) if self.key else _NEWEST

    @property
    def below(self) -> int | None:
        """The position that rows must lie below, for lists by position; None for newer ones."""
        if self.newer:
            return None
        return self.key[0] if self.key else _LAST_POSITION

    @property
    def above(self) -> int | None:
        """The position that rows must lie above, for lists by position; None for older ones."""
        return self.key[0] if self.newer and self.key else None

    @property
    def after(self) -> uuid.UUID | None:
        """The id that rows must lie above, for lists by id; None when searching for older ones."""
        return uuid.UUID(int=self.key[0]) if self.newer and self.key else None


def nearest_first(rows: Iterable[T], window: Window, place_of: Callable[[T], P]) -> list[T]:
    """Put rows in the direction of the search, by their ids or positions."""
    return sorted(rows, key=place_of, reverse=not window.newer)


class Found(msgspec.Struct, Generic[T], frozen=True):
    """Rows, nearest first; `stopped` is the key at which the search ran out of its allowance."""

    rows: list[T]
    stopped: Key | None = None
