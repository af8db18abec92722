"""A model of the `delivery` table: open work in lanes, who owns it, and what is due when.

Times are microseconds since 1970. Rows of a lane are only ever added at its end, because positions
ascend. Where SQL leaves open which of several equal rows it takes, `prefer` says which it took.
"""

import heapq
import itertools
import uuid
from collections.abc import Collection, Iterator

import msgspec

from ringback.storage.hot import Owned

Key = tuple[uuid.UUID, int, int]
Lane = tuple[uuid.UUID, int]


class Row(msgspec.Struct):
    """An open delivery, as the table has it; `entry` is its place in the index of what is due."""

    lane: uuid.UUID
    endpoint: int
    ord: int
    tenant: int
    mode: int
    event: uuid.UUID
    owner: int | None
    due: int | None
    n: int
    retry: bool
    entry: int = 0

    @property
    def key(self) -> Key:
        """The primary key."""
        return self.lane, self.endpoint, self.ord

    @property
    def waits(self) -> bool:
        """Whether it waits behind an earlier row of its lane."""
        return self.owner is None and self.due is None

    @property
    def owned(self) -> Owned:
        """What whoever takes it is told."""
        return Owned(self.lane, self.endpoint, self.ord, self.event, self.n, self.retry)


class Lanes:
    """All open deliveries. `touched` collects the lanes that were changed, for whoever checks."""

    def __init__(self) -> None:
        """Start with none."""
        self._lanes: dict[Lane, dict[int, Row]] = {}
        self._due: dict[int, list[tuple[int, int, Row]]] = {}
        self._owned: dict[int, dict[Key, Row]] = {}
        self._entries = itertools.count(1)
        self.touched: set[Lane] = set()

    def __iter__(self) -> Iterator[Row]:
        """Go through all rows, lane by lane, in order."""
        for rows in self._lanes.values():
            yield from rows.values()

    def __len__(self) -> int:
        """How many deliveries are open."""
        return sum(map(len, self._lanes.values()))

    def get(self, key: Key) -> Row | None:
        """Return the row of this key, if it is open."""
        return self._lanes.get(key[:2], {}).get(key[2])

    def front(self, lane: Lane) -> Row | None:
        """Return the first open row of a lane."""
        return next(iter(self._lanes.get(lane, {}).values()), None)

    def busy(self, lane: Lane) -> bool:
        """Whether a lane has an open row."""
        return lane in self._lanes

    def of_lane(self, lane: Lane) -> list[Row]:
        """Return the open rows of a lane, in order."""
        return list(self._lanes.get(lane, {}).values())

    def owned(self, worker: int) -> list[Row]:
        """Return what a worker owns."""
        return list(self._owned.get(worker, {}).values())

    def owners(self) -> list[int]:
        """Return who owns anything."""
        return [worker for worker, rows in self._owned.items() if rows]

    def add(self, row: Row) -> None:
        """Add a row at the end of its lane."""
        lane = row.key[:2]
        self._lanes.setdefault(lane, {})[row.ord] = row
        self.touched.add(lane)
        self._index(row)

    def remove(self, row: Row) -> None:
        """Take a row out: its delivery is over."""
        lane = row.key[:2]
        rows = self._lanes[lane]
        del rows[row.ord]
        if not rows:
            del self._lanes[lane]
        self.touched.add(lane)
        self._disown(row)

    def place(self, row: Row, owner: int | None, due: int | None) -> None:
        """Change who owns a row and when it is due."""
        self._disown(row)
        row.owner, row.due = owner, due
        self.touched.add(row.key[:2])
        self._index(row)

    def _index(self, row: Row) -> None:
        if row.owner is not None:
            self._owned.setdefault(row.owner, {})[row.key] = row
        elif row.due is not None:
            heap = self._due.setdefault(row.endpoint, [])
            row.entry = next(self._entries)
            heapq.heappush(heap, (row.due, row.entry, row))

    def _disown(self, row: Row) -> None:
        if row.owner is not None:
            del self._owned[row.owner][row.key]
        # Whatever the index says of it no longer holds; it is taken out when it is met.
        row.entry = 0

    def claimable(
        self, endpoint: int, now: int, limit: int, prefer: Collection[Key] = ()
    ) -> list[Row]:
        """Return up to `limit` rows of an endpoint that nobody owns and that are due by `now`."""
        heap = self._due.get(endpoint, [])
        found: list[tuple[int, int, Row]] = []
        while heap and limit and heap[0][0] <= now:
            if len(found) >= limit and heap[0][0] > found[-1][0]:
                break
            entry = heapq.heappop(heap)
            if entry[1] == entry[2].entry:
                found.append(entry)
            if not prefer and len(found) >= limit:
                break
        found.sort(key=lambda entry: (entry[0], entry[2].key not in prefer, entry[1]))
        for entry in found:
            heapq.heappush(heap, entry)
        if not heap:
            self._due.pop(endpoint, None)
        return [entry[2] for entry in found[:limit]]

    def endpoints(self, now: int) -> list[int]:
        """Return which endpoints may have something due by `now`, and no other has."""
        return [endpoint for endpoint, heap in self._due.items() if heap[0][0] <= now]

    def next_due(self, endpoint: int) -> int | None:
        """Return when the next row of an endpoint that nobody owns is due."""
        heap = self._due.get(endpoint)
        while heap:
            if heap[0][1] == heap[0][2].entry:
                return heap[0][0]
            heapq.heappop(heap)
        self._due.pop(endpoint, None)
        return None
