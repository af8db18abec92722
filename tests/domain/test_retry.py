"""The retry schedule: how long it is, how it jitters, and what receivers may change."""

import random
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.domain.retry import JITTER, RETRY_AFTER_MAX_S, SCHEDULE_S, Verdict, judge, retry_after

NOW = 1_772_442_000_000


def _judge(
    status: int | None, attempt: int = 1, error: str | None = None, asked: float | None = None,
    chance: float = 0.0,
) -> Verdict:  # fmt: skip
    return judge(
        status=status, error=error, retry_after_s=asked, attempt=attempt,
        schedule_s=SCHEDULE_S, chance=chance,
    )  # fmt: skip


def test_the_schedule_spans_72_hours() -> None:
    """Nine retries after the first attempt, the last about three days later."""
    assert len(SCHEDULE_S) == 9
    assert round(sum(SCHEDULE_S) / 3600) == 72


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    """Only 2xx ends a delivery well."""
    assert _judge(status).final == "delivered"


@pytest.mark.parametrize("status", [100, 301, 302, 304, 400, 401, 404, 413, 422, 429, 500, 503])
def test_everything_else_is_tried_again(status: int) -> None:
    """Redirects and client errors too: receivers are mended while we wait."""
    assert _judge(status) == Verdict(None, 5.0, f"{status}: attempt 1 of 10, next in 5 s.")


def test_a_2xx_that_broke_off_is_tried_again() -> None:
    """A status without a whole answer proves nothing."""
    assert _judge(200, error="reset").final is None


def test_410_gives_up() -> None:
    """Gone means gone."""
    assert _judge(410).final == "exhausted"


def test_the_last_attempt_exhausts() -> None:
    """After the tenth failure there is no eleventh."""
    assert _judge(500, attempt=9).final is None
    assert _judge(500, attempt=10).final == "exhausted"


@given(st.integers(1, 9), st.floats(0, 0.999), st.none() | st.floats(0, RETRY_AFTER_MAX_S))
def test_never_early_and_never_much_later(attempt: int, chance: float, asked: float | None) -> None:
    """The wait lies between the schedule (or what was asked) and 20 % more, at most 31 h + 20 %."""
    verdict = _judge(503, attempt, asked=asked, chance=chance)
    least = max(SCHEDULE_S[attempt - 1], asked or 0)
    assert verdict.wait_s >= min(least, RETRY_AFTER_MAX_S)
    assert verdict.wait_s <= least * (1 + JITTER) + 1e-6


@pytest.mark.parametrize("asked", [None, 300.0])
def test_retries_of_one_moment_are_spread(asked: float | None) -> None:
    """T32: 10,000 that fail together and are to wait 300 s come over the 60 s after that, in each
    second about as many: 205 at most, and with no jitter it were all of them.
    """
    dice = random.Random(32)
    schedule = (300,) if asked is None else (5,)
    waits = [
        judge(
            status=503, error=None, retry_after_s=asked, attempt=1, schedule_s=schedule,
            chance=dice.random(),
        ).wait_s
        for _ in range(10_000)
    ]  # fmt: skip
    seconds = Counter(int(wait) for wait in waits)
    assert set(range(300, 360)) == set(seconds)
    assert max(seconds.values()) <= 205


def test_retry_after_in_seconds_and_as_a_date() -> None:
    """Both forms of the header mean seconds from now."""
    assert retry_after("120", NOW) == 120.0
    moment = datetime.fromtimestamp(NOW / 1000 + 90, UTC)
    assert retry_after(format_datetime(moment, usegmt=True), NOW) == 90.0


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5", "soon", "1e3", "٣", "0x10", "Thu, 99 Foo 2026", "\x00"]
)
def test_garbage_is_ignored(value: str) -> None:
    """What is neither a number nor a date changes nothing."""
    assert retry_after(value, NOW) is None


@given(st.text(max_size=60))
def test_no_header_raises_or_exceeds_a_day(value: str) -> None:
    """Whatever a receiver writes, the answer is None or 0 to 24 hours."""
    found = retry_after(value, NOW)
    assert found is None or 0 <= found <= RETRY_AFTER_MAX_S


def test_clamped_to_a_day() -> None:
    """A receiver cannot park a delivery for longer than 24 hours at a time."""
    for many in ("999999999", "9999999999", "9" * 40):
        assert retry_after(many, NOW) == RETRY_AFTER_MAX_S
    assert _judge(503, asked=float(RETRY_AFTER_MAX_S)).wait_s == RETRY_AFTER_MAX_S
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT", NOW) == 0.0


def test_five_hundred_headers_of_every_kind() -> None:
    """T33: seconds, dates and garbage; none raises, none waits less than planned or over a day."""
    dice = random.Random(33)
    values = [str(dice.randrange(10 ** dice.randrange(1, 12))) for _ in range(200)]
    values += [
        format_datetime(datetime.fromtimestamp(NOW / 1000 + dice.uniform(-1e6, 1e6), UTC), True)
        for _ in range(200)
    ]
    signs = "0123456789 ,:;+-.eE/GMTJanWd\x00\u0661\xff"
    values += ["".join(dice.choices(signs, k=dice.randrange(40))) for _ in range(100)]
    assert 500 == len(values)
    longer = 0
    for value in values:
        asked, chance = retry_after(value, NOW), dice.random()
        verdict = judge(
            status=503, error=None, retry_after_s=asked, attempt=1, schedule_s=SCHEDULE_S,
            chance=chance,
        )  # fmt: skip
        assert verdict.final is None
        assert SCHEDULE_S[0] <= verdict.wait_s <= RETRY_AFTER_MAX_S, value
        assert asked is None or asked <= verdict.wait_s, value
        longer += verdict.wait_s > SCHEDULE_S[0] * (1 + JITTER)
    assert longer > 150
