"""An installation with the demo's data: ten minutes of a shop, and then it stands still.

Use it as a session's fixture: it is started once, takes ten seconds or so, and is the same each
time but for ids and times.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.up.conftest import installations
from tests.up.installation import Installation, until

FILLED = '"demo.filled"'
# Ten times what it takes: other work runs on the same machine.
PATIENCE_S = 80.0


@contextmanager
def played(name: str, *, pace: float = 0, seed: int = 7) -> Iterator[Installation]:
    """Run an installation whose data set has been filled; without a pace it then stands still."""
    with installations() as make:
        installation = make(RINGBACK_DEMO_SEED=str(seed), RINGBACK_DEMO_PACE=str(pace))
        installation.start(f"--demo={name}")
        until(lambda: FILLED in installation.said, PATIENCE_S, lambda: installation.said)
        until(lambda: _settled(installation), PATIENCE_S, "no delivery was given up yet")
        yield installation


def rows(installation: Installation, path: str, most: int = 5000) -> list[Any]:
    """Return the rows of a list, newest first."""
    found: list[Any] = []
    after = ""
    while len(found) < most:
        page = installation.api("GET", f"{path}{'&' if '?' in path else '?'}limit=100{after}")
        found += page["data"]
        if page["next"] is None:
            break
        after = f"&cursor={page['next']}"
    return found


def _settled(installation: Installation) -> bool:
    exhausted = installation.api("GET", "/v1/deliveries?status=exhausted&limit=3")["data"]
    disabled = installation.api("GET", "/v1/events?type=endpoint.disabled&limit=1")["data"]
    return len(exhausted) == 3 and bool(disabled)


@pytest.fixture(scope="session")
def shop() -> Iterator[Installation]:
    """An online shop's ten minutes. Leave it running."""
    with played("shop") as installation:
        yield installation
