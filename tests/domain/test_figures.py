"""Figures: spans start at whole steps, percentiles are near, ages and silence are judged right."""

import random

import pytest

from ringback.domain import figures
from ringback.domain.figures import Hearing, Span, Waiting, heard

NOW_MS = 1_772_463_682_646
HOUR_MS = 3_600_000


@pytest.mark.parametrize("span", figures.SPANS)
def test_a_span_ends_in_the_stretch_that_is_under_way(span: Span) -> None:
    """Some sixty to a hundred stretches, or some two dozen; the last holds this moment."""
    for grid, least, most in (
        (figures.grid(span, NOW_MS), 60, 100), (figures.coarse(span, NOW_MS), 12, 28),
    ):  # fmt: skip
        assert least <= grid.count <= most
        assert 0 == grid.since % grid.step == grid.before % grid.step
        minute = NOW_MS // 60_000
        assert grid.count - 1 == grid.place(minute)
        assert grid.place(grid.since - 1) is None
        assert grid.place(grid.since + grid.step * grid.count) is None
        assert 0 == grid.step % grid.width


def test_percentiles_are_within_a_fifth() -> None:
    """Of ten thousand durations over six orders of magnitude."""
    dice = random.Random(1)
    values = sorted(10 ** dice.uniform(-0.3, 5) for _ in range(10_000))
    buckets: dict[int, int] = {}
    for value in values:
        bucket = next(b for b in range(figures.BUCKETS) if value <= figures.upper_ms(b))
        buckets[bucket] = buckets.get(bucket, 0) + 1
    for share in (0.5, 0.95, 0.99, 1.0):
        found = figures.quantile_ms(buckets, share)
        exact = values[min(int(share * len(values)), len(values) - 1)]
        assert found is not None
        assert 0.8 < found / exact < 1.25
    assert figures.quantile_ms({}, 0.5) is None


def test_ages_come_from_what_is_known_best() -> None:
    """Single messages by their own ages, others spread over their minutes."""
    assert figures.age_quantile_s([], [], 0.95, NOW_MS) is None
    assert 4.0 == figures.age_quantile_s([], [1000, 2000, 3000, 4000], 0.95, NOW_MS)
    start = NOW_MS // 60_000 - 9
    old = figures.age_quantile_s([Waiting(start, 1, 100)], [], 0.5, NOW_MS)
    assert old is not None
    assert 8 * 60 < old < 10 * 60
    mixed = figures.age_quantile_s([Waiting(start, 1, 1)], [500] * 99, 0.95, NOW_MS)
    assert 0.5 == mixed


@pytest.mark.parametrize(
    ("hearing", "state"),
    [
        (Hearing(None, 0, 0, ()), "never"),
        (Hearing(NOW_MS - 1000, 5, 0, ()), "receiving"),
        (Hearing(NOW_MS - HOUR_MS, 0, 0, ()), "quiet"),
        # Steady for three hours, then nothing for a quarter of an hour.
        (Hearing(NOW_MS - HOUR_MS // 4, 0, 0, [900] * 12), "silent"),
        (Hearing(NOW_MS - 200_000, 0, 0, [900] * 12), "receiving"),
        # A campaign of two quarters of an hour that has ended.
        (Hearing(NOW_MS - HOUR_MS, 0, 0, [0] * 10 + [90_000] * 2), "quiet"),
        # One in two minutes: ten minutes without any are nothing, an hour is.
        (Hearing(NOW_MS - HOUR_MS // 6, 0, 0, [9] * 12), "quiet"),
        (Hearing(NOW_MS - HOUR_MS, 0, 0, [9] * 12), "silent"),
        (Hearing(NOW_MS - 1000, 6, 3, ()), "rejecting"),
        (Hearing(NOW_MS - 1000, 7, 3, ()), "receiving"),
        (Hearing(NOW_MS - 1000, 2, 2, ()), "receiving"),
    ],
)
def test_a_silence_is_told_where_enough_is_known(hearing: Hearing, state: str) -> None:
    """Against what is usual for the connection itself; otherwise it is quiet."""
    assert state == heard(hearing, NOW_MS).state


def test_rates_keep_two_digits() -> None:
    """As people say them."""
    assert [3.0, 0.083, 120.0, 0.0] == [figures.rounded(r) for r in (3.02, 0.0833, 120.4, 0)]
