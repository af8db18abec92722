"""Taking deliveries that are due: retries, overflow, and what was given back or adopted."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Collection

from ringback.services import failpoints
from ringback.services.record import Bodies, Desk, hand_on
from ringback.services.trouble import Trouble
from ringback.storage.hot import claim
from ringback.storage.link import HotLink

EVERY_S = 1.0
CLAIM_MAX = 2000
# A claim that finds room for less than this is not worth it: the next waits for more to be sent.
_WORTH_IT = 64
_PAUSE_S = 0.02


class Claimer:
    """Claims once a second, and again at once while there is more and room for it."""

    def __init__(
        self,
        link: HotLink,
        kept: Bodies,
        worker: Callable[[], int],
        free: Callable[[], dict[int, int]],
        desk: Desk,
        quiet: asyncio.Lock,
    ) -> None:
        """Take the edges; `free` says how many deliveries each endpoint may still take
        to the `desk`.

        `quiet` is held from a claim until what it took has been started.
        """
        self._link = link
        self._kept = kept
        self._worker = worker
        self._free = free
        self._desk = desk
        self._wake = asyncio.Event()
        self.quiet = quiet

    def poke(self) -> None:
        """Claim now: something is due."""
        self._wake.set()

    async def run(self) -> None:
        """Claim for ever."""
        trouble = Trouble("claim")
        while True:
            try:
                while await self._turn():
                    trouble.over()
                trouble.over()
            except Exception as error:
                trouble.note(error)
                self._link.drop()
            with contextlib.suppress(TimeoutError):
                # Not `wait_for`: that one forgets that it was cancelled if it is poked as well.
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()
                self._wake.clear()

    async def _turn(self) -> bool:
        """Claim for all, then for up to a second for those that have more; True when some still do.

        So a backlog of one among a thousand is not taken in by its share of each claim.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + EVERY_S
        more = await self._once(None)
        while more and loop.time() < until:
            free = self._free()
            if sum(free.get(endpoint, 0) for endpoint in more) < _WORTH_IT:
                await asyncio.sleep(_PAUSE_S)
            more = await self._once(more)
        return bool(more)

    async def _once(self, among: Collection[int] | None) -> Collection[int]:
        """Claim once, for all or `among` some; return which endpoints may have more."""
        free = self._free()
        if among is not None:
            free = {endpoint: room for endpoint, room in free.items() if endpoint in among}
        free = self._fair(free)
        if not free:
            return ()
        async with self.quiet:
            worker = self._worker()
            connection = await self._link.get(worker)
            owned = await claim(connection, worker, free)
            if owned and failpoints.reach is not None:
                await failpoints.reach("after_claim")
            if await hand_on(connection, worker, owned, self._kept, self._desk):
                # What waited behind those that ended is due, and its event may be gone as well.
                self.poke()
        taken = Counter(row.endpoint for row in owned)
        return [endpoint for endpoint, count in taken.items() if count >= free[endpoint]]

    @staticmethod
    def _fair(free: dict[int, int]) -> dict[int, int]:
        """Share out one claim's rows, so that one endpoint's backlog cannot fill it.

        Where there are more endpoints than rows, those that get one are drawn by lot.
        """
        if not free:
            return {}
        if len(free) > CLAIM_MAX:
            free = dict(random.sample(list(free.items()), CLAIM_MAX))
        share = max(1, CLAIM_MAX // len(free))
        return {endpoint: min(room, share) for endpoint, room in free.items()}
