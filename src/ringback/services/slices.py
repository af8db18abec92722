"""A callback of very many items, committed in slices: one after the other, in order.

The first slice stores the callback, the others hang on its id. Whoever asked is answered after the
last one; if one of them fails, the provider comes again and what is known already is dropped. So no
transaction, and no moment of the event loop, grows with what somebody posts at once.
"""

import uuid

import msgspec

from ringback.domain.outcomes import Outcome, worst
from ringback.providers.base import Parsed, Unparsed
from ringback.services.arrivals import Arrival
from ringback.services.batch import Batch
from ringback.services.commit import BATCH_BYTES_MAX, Committer

# So many items are committed at once; nearly all callbacks have fewer, and stay in one piece.
SLICE_ITEMS = 512
# What an item brings about weighs more than what came of it: a full slice fills a batch.
_ITEM_WEIGHT = BATCH_BYTES_MAX // SLICE_ITEMS


class _Slice(Arrival):
    """Some of a callback's items. The first also stores it, as what the whole of it is."""

    def __init__(self, whole: Arrival, begin: int) -> None:
        """Take the items from `begin`, counted from 0."""
        items = whole.parsed.items[begin : begin + SLICE_ITEMS]
        parsed = Parsed(items, whole.parsed.unparsed if begin == 0 else ())
        super().__init__(
            whole.connection, whole.callback, whole.received_ms, parsed, None, whole.reason,
            whole.id,
        )  # fmt: skip
        self._whole = whole

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        raw = 0 if self.stored else len(self.callback.body)
        return raw + len(self.keyed) * _ITEM_WEIGHT

    @property
    def parts(self) -> int:
        """How many things the whole callback says."""
        return self._whole.parts

    def _store(self, batch: Batch, subjects: set[uuid.UUID]) -> None:
        # What the whole callback is about is not known yet, but it is hardly one message.
        del subjects
        super()._store(batch, set())


async def commit(arrival: Arrival, committer: Committer) -> bool:
    """Commit an arrival, however many items it has; it tells of the whole of them afterwards.

    Says whether the row of the callback, stored with the first slice, tells less than that: then
    whoever asked is to write it again.

    Raises:
        DatabaseUnavailable: not all of it is known to be stored; it is to come again.

    """
    if len(arrival.parsed.items) <= SLICE_ITEMS:
        await committer.submit(arrival)
        return False
    outcomes: list[Outcome] = []
    lost: list[Unparsed] = []
    for begin in range(0, len(arrival.parsed.items), SLICE_ITEMS):
        one = _Slice(arrival, begin)
        end = begin + len(one.parsed.items)
        await committer.submit(one)
        arrival.id = one.id
        outcomes.append(one.outcome)
        if one.settled_as is None:
            _gather(arrival, one)
        else:
            lost.append(Unparsed(f"Items {begin + 1} to {end} could not be stored."))
    arrival.outcome = worst(outcomes)
    if lost:
        unparsed = (*lost, *arrival.parsed.unparsed)
        arrival.parsed = msgspec.structs.replace(arrival.parsed, unparsed=unparsed)
        arrival.reason = ""
    return bool(lost) or arrival.outcome != outcomes[0]


def _gather(arrival: Arrival, one: Arrival) -> None:
    """Add what became of a slice to what is known of the whole."""
    arrival.keyed += one.keyed
    arrival.subjects += one.subjects
    arrival.emitted += one.emitted
    arrival.unknown_codes |= one.unknown_codes
