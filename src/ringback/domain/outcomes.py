"""What became of a callback: one word, in order of badness.

The last is none: what is held is not read yet. Codes are stored, so new words stand behind it.
"""

from typing import Literal, get_args

Outcome = Literal[
    "duplicate", "accepted", "unmatched", "unrecognised", "unparsed", "quarantined", "rejected",
    "held",
]  # fmt: skip
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
CODE: dict[Outcome, int] = {outcome: index + 1 for index, outcome in enumerate(OUTCOMES)}
WORD: dict[int, Outcome] = {code: outcome for outcome, code in CODE.items()}


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome of a callback from those of its items; nothing to do is `accepted`."""
    return max(outcomes, key=CODE.__getitem__, default="accepted")
