"""One worker's numbers as they lie in its row: told with each beat, added up over all workers.

Flat: a name and the values of its labels, separated by blanks, and an integer. So whatever an older
or newer version counts can be added up without being understood. The API gives them their names.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec
import structlog

from ringback.storage.workers import Told

MICRO = 1_000_000
OTHER = "other"
_OF_ENDPOINTS = frozenset(("endpoint", "endpoint_ms"))
# Standing values of which the highest counts, not the sum.
_HIGHEST = frozenset(("lag", "stuck", "failing", "slowed_endpoints"))
log = structlog.get_logger()
Totals = dict[str, int]


class Numbers(msgspec.Struct):
    """What is in a row: what was counted since the registration, and how things stand.

    Sums of seconds are in microseconds, and so is what stands in seconds.
    """

    totals: Totals = {}
    now: Totals = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Numbers).decode


def read(stored: bytes | None) -> Numbers:
    """Read what a worker told; what cannot be read counts as nothing."""
    if stored is None:
        return Numbers()
    try:
        return _decode(stored)
    except msgspec.DecodeError as error:
        log.warning("numbers.unreadable", error=str(error)[:200])
        return Numbers()


def add(totals: Totals, more: Mapping[str, int]) -> None:
    """Add counts to others."""
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count


def gathered(totals: Mapping[str, int], named: Container[int]) -> Totals:
    """Put what was counted of endpoints that are not `named` together, under `other`."""
    found: Totals = {}
    for name, count in totals.items():
        what, _, labels = name.partition(" ")
        if what in _OF_ENDPOINTS:
            number, blank, last = labels.partition(" ")
            if not (number.isdigit() and int(number) in named):
                name = f"{what} {OTHER}{blank}{last}"
        found[name] = found.get(name, 0) + count
    return found


class Sum(NamedTuple):
    """The numbers of all workers, living and gone; `living` is how many live."""

    totals: Totals
    now: Totals
    living: int


def summed(rows: Iterable[Told], kept: bytes | None) -> Sum:
    """Add up what living workers told, what the dead had told, and what was kept of earlier."""
    totals, now, living = dict(read(kept).totals), Totals(), 0
    for row in rows:
        told = read(row.numbers)
        add(totals, told.totals)
        if not row.alive:
            continue
        living += 1
        for name, value in told.now.items():
            before = now.get(name, 0)
            now[name] = max(before, value) if name in _HIGHEST else before + value
    return Sum(totals, now, living)


class Counts(Protocol):
    """What this process has counted: `Meters`."""

    @property
    def named(self) -> Container[int]:
        """The numbers of the endpoints that are counted by themselves."""

    def totals(self) -> Totals:
        """Return everything that is counted, since this process started."""

    def now(self) -> Totals:
        """Return how things stand."""


class Ledger:
    """What this process tells under its registration.

    A process that was retired and registers again has counted some of its numbers under the earlier
    row already: they stay there, and the new row starts where that one ended.
    """

    def __init__(self, counts: Callable[[], Counts]) -> None:
        """Take what is counted."""
        self._counts = counts
        self._told_before: Totals = {}

    def tell(self) -> bytes:
        """Return what belongs into our row now."""
        counts = self._counts()
        totals = counts.totals()
        for name, count in self._told_before.items():
            totals[name] = totals.get(name, 0) - count
        return _encode(Numbers(totals, counts.now()))

    def left(self, stored: bytes | None) -> None:
        """Leave what an earlier row of ours holds to that row."""
        add(self._told_before, read(stored).totals)

    def forgotten(self) -> None:
        """Start at nothing: our earlier row is gone, and what it held is kept elsewhere."""
        self._told_before = self._counts().totals()

    def fold(self, kept: bytes | None, gone: list[bytes]) -> bytes:
        """Add what workers that are gone had told to what is kept for good."""
        totals = read(kept).totals
        for numbers in gone:
            add(totals, read(numbers).totals)
        return _encode(Numbers(gathered(totals, self._counts().named)))
