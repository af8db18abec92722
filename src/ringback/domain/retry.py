"""When a failed delivery is tried again: a schedule, jitter, and what `Retry-After` may change."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

# Seconds to wait after the first, second … failed attempt: 72 hours in all.
SCHEDULE_S: tuple[int, ...] = (
    5, 30, 2 * 60, 10 * 60, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 31 * 3600,
)  # fmt: skip
JITTER = 0.2
RETRY_AFTER_MAX_S = 24 * 3600
_DIGITS = re.compile(r"[0-9]{1,100}")


class Verdict(msgspec.Struct, frozen=True):
    """What an attempt means for its delivery, and why in words.

    `final` is the way the delivery ends, or None when it is tried again after `wait_s` seconds.
    """

    final: Literal["delivered", "exhausted", "cancelled"] | None
    wait_s: float
    words: str


def retry_after(value: str | None, now_ms: int) -> float | None:
    """Read a `Retry-After` header (seconds or a date) as seconds from now, 0 to 24 hours.

    Anything else is ignored: None.
    """
    if value is None:
        return None
    text = value.strip()
    if _DIGITS.fullmatch(text):
        return float(min(int(text), RETRY_AFTER_MAX_S))
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    try:
        seconds = when.timestamp() - now_ms / 1000
    except (OverflowError, ValueError):
        return None
    return min(max(seconds, 0.0), float(RETRY_AFTER_MAX_S))


def judge(
    *,
    status: int | None,
    error: str | None,
    retry_after_s: float | None,
    attempt: int,
    schedule_s: tuple[int, ...],
    chance: float,
    give_up_on: tuple[int, ...] = (),
    retry: bool = True,
) -> Verdict:
    """Decide what follows from an attempt.

    `attempt` counts from 1. `chance` in [0, 1) spreads retries over the jitter, never earlier
    than the schedule. `error` is the class of failure when there was no whole answer.
    `give_up_on` are statuses after which this endpoint wants no more; without `retry` the event
    is worth one attempt.
    """
    if status is not None and error is None and 200 <= status < 300:
        return Verdict("delivered", 0, f"{status}: delivered.")
    what = f"{status}" if error is None else error
    if status == 410 and error is None:
        return Verdict("exhausted", 0, "410: the endpoint is gone; given up.")
    if status in give_up_on and error is None:
        return Verdict("exhausted", 0, f"{what}: this endpoint gives up on it.")
    if not retry:
        return Verdict("exhausted", 0, f"{what}: the event is worth one attempt; given up.")
    if attempt > len(schedule_s):
        return Verdict("exhausted", 0, f"{what}: attempt {attempt} was the last; given up.")
    wait = schedule_s[attempt - 1] * (1 + JITTER * chance)
    asked = ""
    if retry_after_s is not None and retry_after_s > wait:
        wait = min(retry_after_s * (1 + JITTER * chance), float(RETRY_AFTER_MAX_S))
        asked = f", Retry-After {retry_after_s:.0f} s"
    total = len(schedule_s) + 1
    return Verdict(
        None, wait, f"{what}{asked}: attempt {attempt} of {total}, next in {wait:.0f} s."
    )


def put_off(verdict: Verdict, chance: float) -> Verdict:
    """Return a short retry in place of an end, for want of time to store what follows from it."""
    wait = SCHEDULE_S[0] * (1 + JITTER * chance)
    words = f"{verdict.words} What follows from that could not be stored: next in {wait:.0f} s."
    return Verdict(None, wait, words)
