"""How connections are heard: at which rate, when last, and whether their silence is unusual."""

import uuid
from collections.abc import Mapping, Sequence

import msgspec

from ringback.domain.figures import (
    CALLBACKS,
    USUAL_MINUTES,
    Heard,
    Hearing,
    State,
    heard,
    merged,
    rounded,
)
from ringback.domain.outcomes import CODE
from ringback.storage.configuration import StoredConnection
from ringback.storage.rollups import Count, LastCallback, Reading

# So many connections are told of in the overview, the newest.
CONNECTIONS_MAX = 50
_LATELY = 15
_RATE_MINUTES = 5
_QUARTER = 15
# Whoever was heard last so long ago is quiet, whatever was usual then.
_FORGOTTEN_MS = 2 * 86_400_000


class Connected(msgspec.Struct, frozen=True):
    """A connection and how it is heard. Rates are callbacks a second, over five minutes."""

    id: uuid.UUID
    no: int
    name: str
    provider: str
    state: State
    per_s: float
    usual_per_s: float | None
    last: LastCallback | None
    silent_s: float | None
    lately: int
    rejected: int


async def connections(
    reading: Reading,
    known: Sequence[StoredConnection],
    tail: Sequence[Count],
    now_ms: int,
    most: int = CONNECTIONS_MAX,
) -> list[Connected]:
    """Say how up to `most` connections are heard, in their own order."""
    named = known[:most]
    numbers = [one.no for one in named]
    if not numbers:
        return []
    last = await reading.last_callbacks(numbers)
    minute = now_ms // 60_000
    folded = await reading.counts((CALLBACKS,), 1, numbers, minute - _LATELY, minute + 1)
    counts = [one for one in [*folded, *tail] if one.kind == CALLBACKS]
    found = await reading.usual(quarters({no: _at_ms(one) for no, one in last.items()}, now_ms))
    usual = by_connection(found)
    return [_connected(one, last.get(one.no), counts, usual, now_ms) for one in named]


def quarters(last_ms: Mapping[int, int], now_ms: int) -> list[tuple[int, int, int]]:
    """Return whose usual rate is wanted, and from and until which minute.

    By the number of the connection: the quarters of the hours before that of its last callback.
    """
    windows = []
    for no, at_ms in last_ms.items():
        if now_ms - at_ms < _FORGOTTEN_MS:
            until = at_ms // 60_000 // _QUARTER * _QUARTER
            windows.append((no, until - USUAL_MINUTES, until))
    return windows


def by_connection(counts: Sequence[Count]) -> dict[int, list[int]]:
    """Return how many callbacks came in each of the quarters that were counted."""
    found: dict[int, list[int]] = {}
    for count in counts:
        found.setdefault(count.about, []).append(sum(n for _, n in count.slots))
    return found


def _at_ms(last: LastCallback) -> int:
    return round(last.received.timestamp() * 1000)


def _connected(
    connection: StoredConnection,
    last: LastCallback | None,
    counts: Sequence[Count],
    usual: dict[int, list[int]],
    now_ms: int,
) -> Connected:
    minute = now_ms // 60_000
    mine = [one for one in counts if one.about == connection.no and one.minute > minute - _LATELY]
    lately = merged([dict(one.slots) for one in mine])
    rejected = lately.get(CODE["rejected"], 0)
    newest = sum(n for one in mine if one.minute > minute - _RATE_MINUTES for _, n in one.slots)
    # The minute under way is a part of the five.
    seconds = (_RATE_MINUTES - 1) * 60 + now_ms % 60_000 / 1000
    at_ms = None if last is None else _at_ms(last)
    found: Heard = heard(
        Hearing(at_ms, sum(lately.values()), rejected, usual.get(connection.no, [])), now_ms
    )
    return Connected(
        connection.id, connection.no, connection.name, connection.provider, found.state,
        rounded(newest / seconds),
        None if found.usual_per_s is None else rounded(found.usual_per_s), last,
        None if at_ms is None else round(max(now_ms - at_ms, 0) / 1000, 1),
        sum(lately.values()), rejected,
    )  # fmt: skip
