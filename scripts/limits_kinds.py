"""What a limit is in the tables of limits, and how numbers are written there."""

from typing import NamedTuple


class Limit(NamedTuple):
    """`unit` is how the number is written; `what` it holds down, and what follows `beyond` it."""

    unit: str
    what: str
    beyond: str


BYTES, SECONDS, MILLISECONDS, DAYS, NUMBER = "bytes", "s", "ms", "days", ""
CHARACTERS = "characters"
