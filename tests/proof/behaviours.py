"""How a receiver of the oracle behaves: dice by seed, the same for the same event in every run.

Pure. What each behaviour looks like on the wire is in receiver.py.
"""

import random
from collections.abc import Mapping

# Share of requests, in percent, for each behaviour that is not a plain 200. `slow` and `drip` end
# as a whole 200, all others fail the attempt.
Mix = Mapping[str, float]
STEADY: Mix = {}
FLAKY: Mix = {"fail": 2, "busy": 1, "moved": 0.5, "hang": 0.2, "reset": 0.6, "swallow": 0.5,
              "drip": 1}  # fmt: skip
FAILING: Mix = {"fail": 5}
SLOW: Mix = {"slow": 90, "drip": 5}
MIXES: dict[str, Mix] = {"steady": STEADY, "flaky": FLAKY, "failing": FAILING, "slow": SLOW}
BEHAVIOURS = ("ok", "fail", "busy", "moved", "hang", "reset", "swallow", "drip", "slow")


def behaviour(seed: int, endpoint: str, mix: Mix, fact: str, nth: int) -> str:
    """Say how an endpoint answers the `nth` request (from 1) that it gets about a fact."""
    roll = random.Random(f"{seed}/{endpoint}/{fact}/{nth}").random() * 100
    for name, percent in mix.items():
        roll -= percent
        if roll < 0:
            return name
    return "ok"
