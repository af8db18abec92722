"""Rates: a bucket lets through what its rate says, over every stretch of time, and no more."""

import random

from ringback.domain.rate import Bucket, Rate, rate_of


def test_no_stretch_of_time_has_more_than_the_rate_says() -> None:
    """Whenever requests come: in t seconds at most burst + rate x t of them are let through."""
    dice = random.Random(3)
    for _ in range(50):
        rate = Rate(dice.randint(1, 50), dice.randint(1, 100))
        bucket, now, let = Bucket(rate), 1000.0, list[float]()
        for _ in range(400):
            now += dice.choice((0.0, 0.0, 0.001, 0.02, dice.random() * 3))
            if bucket.take(now):
                let.append(now)
        for first in range(0, len(let), 7):
            for last in range(first, len(let), 5):
                seconds = let[last] - let[first]
                assert last - first + 1 <= rate.burst + rate.per_second * seconds + 1e-3


def test_a_full_bucket_gives_a_burst_and_then_the_rate() -> None:
    """Ten at once, then one every half second; it tells what is left and when there is more."""
    bucket, now = Bucket(Rate(2, 10)), 50.0
    assert '"key";q=10;w=5' == bucket.policy
    assert [True] * 10 + [False] * 2 == [bucket.take(now) for _ in range(12)]
    assert (0, 5, 1) == (bucket.left(now), bucket.full_in(now), bucket.more_in(now))
    assert [False, True, False] == [bucket.take(at) for at in (50.4, 50.5, 50.9)]
    assert bucket.low(51.0)
    assert (10, 0) == (bucket.left(90.0), bucket.full_in(90.0))
    assert not bucket.low(90.0)
    slow = Bucket(Rate(1, 1))
    assert slow.take(0.0)
    assert 1 == slow.more_in(0.1)


def test_another_rate_does_not_fill_it() -> None:
    """Whoever has used all up has to wait also after a change."""
    bucket = Bucket(Rate(1, 4))
    assert [True] * 4 == [bucket.take(9.0) for _ in range(4)]
    assert not bucket.with_rate(Rate(1, 2)).take(9.0)
    assert Rate(3, 6) == rate_of(3)
    assert Rate(3, 1) == rate_of(3, 1)
