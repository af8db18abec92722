"""Back-pressure: when deliveries fall behind, intake is slowed before the backlog costs throughput.

Publishers wait a little and are then told to come again (429); providers are always taken, only
later. An endpoint that is down or slow by itself does not slow anybody: its deliveries overflow to
the database.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

WAIT_MAX_S = 2.0
PROVIDER_WAIT_MAX_S = 0.5
WAITERS_MAX = 4096
# A loop this late has more to do than it can; an idle one is late by a fraction of a millisecond.
LAG_S = 0.003
UNRECORDED = 500
_SAMPLE_S = 0.05
_TURN_S = 0.005
# Of those who wait, this part is let in first, twice that if there is still room, and so on.
_FIRST = 1 / 8
# Who has waited too long is looked for every 50 ms.
_LOOK_EVERY = 10


class _Waiter(NamedTuple):
    done: asyncio.Future[bool]
    until: float


class Pressure:
    """Holds intake back while deliveries are behind because this worker has no time for them.

    Behind means: `high` deliveries or more on their way here, and the event loop late or results
    piling up unrecorded. Deliveries that merely wait for slow endpoints make neither.
    """

    def __init__(
        self, on_the_way: Callable[[], int], unrecorded: Callable[[], int], high: int
    ) -> None:
        """Take the gauges."""
        self._on_the_way = on_the_way
        self._unrecorded = unrecorded
        self._high = high
        self._lag_s = 0.0
        self._line: deque[_Waiter] = deque()
        self._let_in = 0.0
        self.slowed = 0
        self.refused = 0

    @property
    def behind(self) -> bool:
        """Whether deliveries are behind right now."""
        if self._on_the_way() < self._high:
            return False
        return self._lag_s >= LAG_S or self._unrecorded() >= UNRECORDED

    @property
    def lag_s(self) -> float:
        """How late the event loop has been lately, in seconds."""
        return self._lag_s

    async def run(self) -> None:
        """Measure the event loop's lateness, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(_SAMPLE_S)
            late = loop.time() - began - _SAMPLE_S
            self._lag_s += (late - self._lag_s) * 0.5

    async def admit(self) -> bool:
        """Wait until there is room, up to two seconds; False when there is still none."""
        if not self._line and not self.behind:
            return True
        if len(self._line) >= WAITERS_MAX:
            self.refused += 1
            return False
        admitted = await self._wait(WAIT_MAX_S)
        self.refused += not admitted
        return admitted

    async def slow(self) -> None:
        """Let a provider's callback wait a moment while deliveries are behind; never refuse it."""
        if self.behind and len(self._line) < WAITERS_MAX:
            await self._wait(PROVIDER_WAIT_MAX_S)

    async def _wait(self, seconds: float) -> bool:
        self.slowed += 1
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.create_future(), loop.time() + seconds)
        self._line.append(waiter)
        if len(self._line) == 1:
            loop.call_later(_TURN_S, self._turn, 1)
        return await waiter.done

    def _turn(self, number: int) -> None:
        """Let some in who wait longest, while there is room: what they bring shows only later."""
        line, loop = self._line, asyncio.get_running_loop()
        self._let_in = 0.0 if self.behind else min(1.0, 2 * self._let_in or _FIRST)
        for _ in range(math.ceil(len(line) * self._let_in)):
            _answer(line.popleft(), True)
        if number % _LOOK_EVERY == 0:
            now = loop.time()
            for waiter in [one for one in line if one.until <= now or one.done.done()]:
                line.remove(waiter)
                _answer(waiter, False)
        if line:
            loop.call_later(_TURN_S, self._turn, number + 1)

    def retry_after_s(self) -> int:
        """Say after how many seconds a refused publisher may come again."""
        return 1


def _answer(waiter: _Waiter, admitted: bool) -> None:
    if not waiter.done.done():
        waiter.done.set_result(admitted)
