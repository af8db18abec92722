"""The database's time, learnt from what it says and how long it takes to say it."""

import pytest

from ringback.services.clock import Clock


@pytest.mark.parametrize(
    ("before", "database", "asked", "answered", "after"),
    [
        (0, 1_000, 1_000, 1_000, 0),
        # Half a second on the way, one way or the other: what was known agrees with it.
        (0, 1_010, 1_000, 1_500, 0), (0, 1_490, 1_000, 1_500, 0), (7, 1_200, 1_000, 1_500, 7),
        # It does not agree: as little is changed as has to be.
        (0, 1_700, 1_000, 1_500, 200), (0, 900, 1_000, 1_500, -100),
        (300, 1_200, 1_000, 1_010, 200),
        (-60_000, 1_000, 1_000, 1_002, -2),
    ],
)  # fmt: skip
def test_an_exchange_changes_what_it_contradicts(
    before: int, database: int, asked: int, answered: int, after: int
) -> None:
    """A slow answer moves no clock that agrees with it; a quick one moves it nearly all the way."""
    clock = Clock()
    clock.offset_ms = before
    clock.correct(database, asked, answered)
    assert after == clock.offset_ms
