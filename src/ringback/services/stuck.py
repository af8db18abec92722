"""Looking for deliveries that nobody would ever send: there are none, or there is a defect.

What is stuck in the database is told and not mended: it is evidence, and a restart gives it back.
Every worker looks at a bounded stretch of the open deliveries each time, one worker at a time. What
is this worker's there and not in its memory is told and given back.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence

import structlog

from ringback.domain.ids import delivery_id
from ringback.services.held import Held
from ringback.services.trouble import Trouble
from ringback.storage import workers as stored
from ringback.storage.database import Database
from ringback.storage.hot import owned_by

EVERY_S = 30.0
# Of the open deliveries at a time; more of them are gone through in several turns.
LOOKED_AT = 10_000
# A worker that has ended may own deliveries for so long: they are being given back.
GRACE_S = 30.0
NAMED_MAX = 8
START = (uuid.UUID(int=0), 0, 0)
log = structlog.get_logger()


class Stuck:
    """Goes through the open deliveries, again and again."""

    def __init__(self, database: Database, looked_at: int = LOOKED_AT) -> None:
        """Take the database; each time `looked_at` deliveries are looked at."""
        self._database = database
        self._looked_at = looked_at
        self._after: stored.Place = START
        self._before = self._so_far = 0

    @property
    def count(self) -> int:
        """How many were stuck when they were last looked at."""
        return max(self._before, self._so_far)

    async def run(self) -> None:
        """Look every thirty seconds, for ever."""
        await _again_and_again(self.once, "stuck")

    async def once(self) -> None:
        """Look at the next stretch; nothing while another worker is looking."""
        async with self._database.acquire() as connection, connection.transaction():
            found = await stored.stuck(connection, self._after, self._looked_at, GRACE_S)
        if found is None:
            return
        self._so_far += len(found.stuck)
        if found.stuck:
            log.error("delivery.stuck", items=len(found.stuck), deliveries=_named(found.stuck))
        if found.last is None:
            self._before, self._so_far, self._after = self._so_far, 0, START
        else:
            self._after = found.last


class Astray:
    """Looks for deliveries that this worker owns and does not know of, whatever the reason.

    Those whose answer was just lost are looked for when it is: see `Reconciler`. `count` is how
    many there were when it last looked.
    """

    def __init__(
        self,
        database: Database,
        held: Held,
        worker: Callable[[], int | None],
        reconcile: Callable[[int], Awaitable[int]],
    ) -> None:
        """Take the edges; `worker` says under which id we own, `reconcile` gives back."""
        self._database = database
        self._held = held
        self._worker = worker
        self._reconcile = reconcile
        self._suspects: set[stored.Place] = set()
        self.count = 0

    async def run(self) -> None:
        """Look every thirty seconds, for ever."""
        await _again_and_again(self.once, "astray")

    async def once(self) -> None:
        """Look; what is astray twice in a row, and not just on its way to us, is given back."""
        worker = self._worker()
        if worker is None:
            return
        async with self._database.acquire() as connection:
            rows = await owned_by(connection, worker)
        found = {row[:3] for row in rows if row not in self._held}
        lasting, self._suspects = found & self._suspects, found
        self.count = len(lasting)
        if lasting:
            log.error("delivery.astray", items=len(lasting), deliveries=_named(sorted(lasting)))
            await self._reconcile(worker)


async def _again_and_again(look: Callable[[], Awaitable[None]], name: str) -> None:
    trouble = Trouble(name)
    while True:
        await asyncio.sleep(EVERY_S)
        with trouble:
            await look()


def _named(places: Sequence[stored.Place]) -> str:
    return ", ".join(delivery_id(place[1], place[2]) for place in places[:NAMED_MAX])
