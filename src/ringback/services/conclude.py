"""Waiting until what follows from the end of a delivery is stored: the delivery ends only then.

The endpoint is not asked again meanwhile. Its answer is known, and has to be recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from ringback.storage.faults import fault_kind

# An end that waits keeps a place of its endpoint's and one of all: not for longer than this.
CONCLUDE_S = 60.0
# Between two tries.
_PAUSE_S = 0.5
log = structlog.get_logger()


async def conclude(
    store: Callable[[], Awaitable[None]],
    stopping: Callable[[], bool],
    lost: Callable[[], bool],
    most_s: float,
) -> Literal["stored", "unstored", "lost"]:
    """Call `store` until it succeeds, and not again once `most_s` seconds are over.

    `unstored` when that is so, or the worker is `stopping`, before it succeeds; `lost` when the
    delivery is no longer ours. What can never be stored is logged and counts as stored: the end is
    not held up by it.
    """
    now = asyncio.get_running_loop().time
    until = now() + most_s
    while not lost():
        try:
            await store()
        except Exception as error:
            if fault_kind(error) != "poison":
                if stopping():
                    return "unstored"
                if now() >= until:
                    words = f"{type(error).__name__}: {error}"[:300]
                    log.warning("push.end_unstored", seconds=most_s, error=words)
                    return "unstored"
                await asyncio.sleep(_PAUSE_S)
                continue
            log.exception("push.ending")
        return "stored"
    return "lost"
