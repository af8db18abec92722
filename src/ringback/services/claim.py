"""Taking deliveries that are due: retries, overflow, and what was given back or adopted."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from ringback.errors import DatabaseUnavailable
from ringback.services import failpoints
from ringback.services.record import Bodies, hand_on
from ringback.storage.hot import Owned, claim
from ringback.storage.link import HotLink

EVERY_S = 1.0
CLAIM_MAX = 2000
log = structlog.get_logger()


class Claimer:
    """Claims once a second, and again at once while there is more and room for it."""

    def __init__(
        self,
        link: HotLink,
        kept: Bodies,
        worker: Callable[[], int],
        free: Callable[[], dict[int, int]],
        start: Callable[[Owned, bytes], None],
    ) -> None:
        """Take the edges; `free` says how many deliveries each endpoint may still take."""
        self._link = link
        self._kept = kept
        self._worker = worker
        self._free = free
        self._start = start
        self._wake = asyncio.Event()
        self.quiet = asyncio.Lock()

    def poke(self) -> None:
        """Claim now: something is due."""
        self._wake.set()

    async def run(self) -> None:
        """Claim for ever."""
        while True:
            try:
                while await self._once():
                    pass
            except Exception as error:
                if not isinstance(error, DatabaseUnavailable):
                    log.warning("claim.failed", error=f"{type(error).__name__}: {error}"[:300])
                self._link.drop()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: that one forgets that it was cancelled if it is poked as well.
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
                self._wake.clear()

    async def _once(self) -> bool:
        """Claim once; True when there may be more."""
        free = self._fair(self._free())
        if not free:
            return False
        async with self.quiet:
            worker = self._worker()
            connection = await self._link.get(worker)
            owned = await claim(connection, worker, free)
            if owned and failpoints.reach is not None:
                await failpoints.reach("after_claim")
            await hand_on(connection, owned, self._kept, self._start)
        return len(owned) >= min(sum(free.values()), CLAIM_MAX // 2)

    @staticmethod
    def _fair(free: dict[int, int]) -> dict[int, int]:
        """Share out one claim's rows, so that one endpoint's backlog cannot fill it."""
        if not free:
            return {}
        share = max(1, CLAIM_MAX // len(free))
        return {endpoint: min(room, share) for endpoint, room in free.items()}
