"""Figures: how what was counted becomes what people read. Spans, slots, percentiles, silence. Pure.

Counts come as {slot: n} for each stretch of time; what a slot means stands here, what is counted
into it in storage/sql/hot/rollups.sql. Times are minutes or milliseconds since 1970.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import msgspec

Span = Literal["1h", "24h", "7d"]
SPANS: tuple[Span, ...] = get_args(Span)
# Kinds of counts: messages by status, how long first reports took, attempts, callbacks.
MESSAGES, REPORTS, ATTEMPTS, CALLBACKS = 1, 2, 3, 4
# Of attempts: requests that delivered and that did not; answers by class; how deliveries ended.
SUCCESS, FAILURE = 1, 2
CODES: dict[int, str] = {
    10: "other", 11: "other", 12: "2xx", 13: "3xx", 14: "4xx", 15: "5xx", 16: "other",
    19: "no_answer",
}  # fmt: skip
EXHAUSTED, CANCELLED = 20, 21
# From these slots on: how long a request took, and how long it was from the event's making to the
# answer, where that was a first attempt that delivered.
REQUEST_MS, DELIVERY_MS = 100, 300
# Codes of a message's status, as they are charted.
AWAITING = (1, 2, 3, 4)
DELIVERED, READ, FAILED, EXPIRED, OWN_END, UNCONFIRMED, INBOUND = 5, 6, 7, 8, 9, 10, 11
CHARTED: dict[str, tuple[int, ...]] = {
    "read": (READ,), "delivered": (DELIVERED,), "awaiting": AWAITING,
    "unconfirmed": (UNCONFIRMED,), "failed": (FAILED,), "expired": (EXPIRED,),
    "cancelled": (OWN_END,), "inbound": (INBOUND,),
}  # fmt: skip
# Buckets of durations that one attempt or report falls into.
BUCKETS = 160
_STEPS = 4
# Who brings so much in the three hours before its last callback, in most quarters of an hour, is
# missed after five minutes, once so many callbacks should have come.
STEADY_MIN = 10
KNOWN_MIN = 100
MISSED_MIN = 20
QUIET_S = 300
USUAL_MINUTES = 180
# From so many callbacks within a quarter of an hour, half of them refused: rejecting.
REJECTED_MIN = 3

Counts = Mapping[int, int]


class Grid(msgspec.Struct, frozen=True):
    """The stretches of a span: `count` of `step` minutes each, the last of them under way.

    `since` is the start of the first and `before` that of the span before it, in minutes since
    1970; `width` is the width of the roll-ups that they are made of.
    """

    span: Span
    step: int
    count: int
    width: int
    since: int

    @property
    def before(self) -> int:
        """Where the previous span starts."""
        return self.since - self.step * self.count

    @property
    def starts(self) -> list[int]:
        """Where each stretch starts."""
        return [self.since + self.step * place for place in range(self.count)]

    def place(self, minute: int) -> int | None:
        """Return the stretch that a minute lies in; None: none of this span."""
        place = (minute - self.since) // self.step
        return place if 0 <= place < self.count else None


_SHAPES: dict[Span, tuple[int, int, int]] = {
    "1h": (1, 60, 1), "24h": (15, 96, 15), "7d": (120, 84, 60),
}  # fmt: skip


def grid(span: Span, now_ms: int) -> Grid:
    """Lay the stretches of a span that ends now; they start at whole steps of UTC."""
    step, count, width = _SHAPES[span]
    under_way = now_ms // 60_000 // step * step
    return Grid(span, step, count, width, under_way - step * (count - 1))


def coarse(span: Span, now_ms: int) -> Grid:
    """Lay the stretches for a small chart in a list: some two dozen."""
    fine = grid(span, now_ms)
    count = {"1h": 12, "24h": 24, "7d": 28}[span]
    step = fine.step * fine.count // count
    under_way = now_ms // 60_000 // step * step
    width = {"1h": 1, "24h": 60, "7d": 60}[span]
    return Grid(span, step, count, width, under_way - step * (count - 1))


def upper_ms(bucket: int) -> float:
    """Return the upper bound of a bucket of durations, in milliseconds."""
    return float(2.0 ** (bucket / _STEPS))


def durations(counts: Counts, base: int) -> dict[int, int]:
    """Take the buckets of durations that start at a slot out of counts."""
    return {slot - base: n for slot, n in counts.items() if base <= slot < base + BUCKETS}


def quantile_ms(buckets: Counts, share: float) -> float | None:
    """Return what a share (0 to 1) of the durations stays below; None without any.

    Within a bucket it is taken in proportion: buckets are a fifth wide, so that is how far off it
    can be at most.
    """
    total = sum(n for n in buckets.values() if n > 0)
    if total <= 0:
        return None
    wanted, below = share * total, 0
    for bucket in sorted(buckets):
        n = max(buckets[bucket], 0)
        if n and below + n >= wanted:
            lower = upper_ms(bucket - 1) if bucket else 0.0
            inside = max(wanted - below, 0.0) / n
            return round(lower + (upper_ms(bucket) - lower) * inside, 3)
        below += n
    return round(upper_ms(max(buckets)), 3)


class Waiting(msgspec.Struct, frozen=True):
    """So many came within `width` minutes from a minute on, spread evenly, and wait still."""

    minute: int
    width: int
    n: int


def age_quantile_s(
    waiting: Sequence[Waiting], exact_ms: Sequence[int], share: float, now_ms: int
) -> float | None:
    """Return the age in seconds that a share of what waits is younger than; None: nothing waits.

    `exact_ms` are ages that are known one by one.
    """
    weighed = [(age, 0, 1) for age in exact_ms]
    for one in waiting:
        if one.n > 0:
            oldest = max(now_ms - one.minute * 60_000, 0)
            spread = min(oldest, one.width * 60_000)
            weighed.append((oldest - spread, spread, one.n))
    wanted, below = share * sum(n for _, _, n in weighed), 0
    for start, spread, n in sorted(weighed):
        if below + n >= wanted:
            return round((start + spread * (wanted - below) / n) / 1000, 1)
        below += n
    return None


def total(counts: Counts, slots: Sequence[int]) -> int:
    """Add up some slots."""
    return sum(counts.get(slot, 0) for slot in slots)


def merged(many: Sequence[Counts]) -> dict[int, int]:
    """Add up counts, slot by slot."""
    found: dict[int, int] = {}
    for counts in many:
        for slot, n in counts.items():
            found[slot] = found.get(slot, 0) + n
    return found


class Hearing(msgspec.Struct, frozen=True):
    """What is known of a connection's callbacks.

    `lately` are those of the last quarter of an hour and `refused` how many of them were rejected;
    `usual` are how many came in each quarter of the hours before its last one.
    """

    last_ms: int | None
    lately: int
    refused: int
    usual: Sequence[int]


State = Literal["receiving", "quiet", "silent", "rejecting", "never"]


class Heard(msgspec.Struct, frozen=True):
    """How a connection stands: its state, and how many callbacks a second are usual, if known."""

    state: State
    usual_per_s: float | None


def heard(hearing: Hearing, now_ms: int) -> Heard:
    """Say how a connection stands. Silent only where enough is known to call it unusual."""
    if hearing.last_ms is None:
        return Heard("never", None)
    many, active = sum(hearing.usual), sum(1 for n in hearing.usual if n > 0)
    steady = many >= KNOWN_MIN and active >= STEADY_MIN
    usual = many / (USUAL_MINUTES * 60) if steady else None
    if hearing.refused >= REJECTED_MIN and hearing.refused * 2 >= hearing.lately:
        return Heard("rejecting", usual)
    silent_s = (now_ms - hearing.last_ms) / 1000
    if usual is not None and silent_s >= QUIET_S and silent_s * usual >= MISSED_MIN:
        return Heard("silent", usual)
    return Heard("receiving" if silent_s < QUIET_S else "quiet", usual)


def rounded(rate: float) -> float:
    """Round a rate to two digits that mean something."""
    if rate <= 0:
        return 0.0
    return round(rate, max(1 - math.floor(math.log10(rate)), 0))
