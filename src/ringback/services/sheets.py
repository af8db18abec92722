"""Counts laid out over a span's stretches: what is folded and what is not yet, put together.

The base of all figures that people see: overview.py, stats.py. Values, and the reading of them.
"""

from collections.abc import Iterable, Sequence

from ringback.domain.figures import (
    ATTEMPTS,
    CALLBACKS,
    DELIVERY_MS,
    FAILURE,
    REQUEST_MS,
    SUCCESS,
    Counts,
    Grid,
    durations,
    merged,
    quantile_ms,
)
from ringback.storage.rollups import Count, Reading

P50, P95, P99 = 0.5, 0.95, 0.99
_Key = tuple[int, int]


class Sheet:
    """Counts of a span by what they are of, stretch by stretch, and the sum of the span before."""

    def __init__(self, grid: Grid, counts: Iterable[Count]) -> None:
        """Lay counts out; those outside of both spans are left out."""
        self.grid = grid
        self._cells: dict[_Key, list[dict[int, int]]] = {}
        self._before: dict[_Key, dict[int, int]] = {}
        for count in counts:
            self._add(count)

    def _add(self, count: Count) -> None:
        key, place = (count.kind, count.about), self.grid.place(count.minute)
        if place is not None:
            if key not in self._cells:
                self._cells[key] = [{} for _ in range(self.grid.count)]
            cell = self._cells[key][place]
        elif self.grid.before <= count.minute < self.grid.since:
            cell = self._before.setdefault(key, {})
        else:
            return
        for slot, n in count.slots:
            cell[slot] = cell.get(slot, 0) + n

    def cells(self, kind: int, about: int = 0) -> Sequence[Counts]:
        """Return the counts of each stretch."""
        return self._cells.get((kind, about)) or [{}] * self.grid.count

    def total(self, kind: int, about: int = 0) -> Counts:
        """Return the counts of the span."""
        return merged(self.cells(kind, about))

    def before(self, kind: int, about: int = 0) -> Counts:
        """Return the counts of the span before it."""
        return self._before.get((kind, about), {})

    def line(self, kind: int, slots: Sequence[int], about: int = 0) -> list[int]:
        """Return how often any of some slots was counted in each stretch."""
        return [sum(cell.get(slot, 0) for slot in slots) for cell in self.cells(kind, about)]

    def lines_ms(
        self, base: int, shares: Sequence[float], about: int = 0
    ) -> list[list[float | None]]:
        """Return for each share what it of the attempts' durations stays below, by stretches."""
        cells = [durations(cell, base) for cell in self.cells(ATTEMPTS, about)]
        return [[quantile_ms(cell, share) for cell in cells] for share in shares]

    def attempts(self, about: int = 0) -> tuple[list[int], list[int]]:
        """Return the requests that delivered, and those that did not, by stretches."""
        return self.line(ATTEMPTS, (SUCCESS,), about), self.line(ATTEMPTS, (FAILURE,), about)


def delivery_ms(counts: Counts, share: float) -> float | None:
    """Return how long a share of deliveries stayed below, from the event's making to the answer."""
    return quantile_ms(durations(counts, DELIVERY_MS), share)


def request_ms(counts: Counts, share: float) -> float | None:
    """Return how long a share of requests stayed below."""
    return quantile_ms(durations(counts, REQUEST_MS), share)


def over_all(tail: Iterable[Count]) -> list[Count]:
    """Add to a tail, which says of each endpoint and connection, what it says of all together."""
    found = list(tail)
    return [
        *found,
        *(one._replace(about=0) for one in found if one.kind in {ATTEMPTS, CALLBACKS}),
    ]


async def sheet(
    reading: Reading,
    grid: Grid,
    kinds: Sequence[int],
    about: Sequence[int],
    tail: Iterable[Count],
    *,
    before: bool = True,
) -> Sheet:
    """Read a span's counts, and those of the span before it if `before`; put the tail to them."""
    until = grid.since + grid.step * grid.count
    since = grid.before if before else grid.since
    folded = await reading.counts(kinds, grid.width, about, since, until)
    return Sheet(grid, [*folded, *(one for one in tail if one.kind in kinds)])
