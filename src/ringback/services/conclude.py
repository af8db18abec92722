"""Waiting until what follows from the end of a delivery is stored: the delivery ends only then.

The endpoint is not asked again meanwhile. Its answer is known, and has to be recorded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from ringback.storage.faults import fault_kind

# Between two tries.
_PAUSE_S = 0.5
log = structlog.get_logger()


async def conclude(
    store: Callable[[], Awaitable[None]], stopping: Callable[[], bool], lost: Callable[[], bool]
) -> Literal["stored", "unstored", "lost"]:
    """Call `store` until it succeeds.

    `unstored` when the worker is `stopping` before that; `lost` when the delivery is no longer
    ours. What can never be stored is logged and counts as stored: the end is not held up by it.
    """
    while not lost():
        try:
            await store()
        except Exception as error:
            if fault_kind(error) != "poison":
                if stopping():
                    return "unstored"
                await asyncio.sleep(_PAUSE_S)
                continue
            log.exception("push.ending")
        return "stored"
    return "lost"
