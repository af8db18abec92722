"""Looking for deliveries that nobody would ever send: there are none, or there is a defect.

It tells and mends nothing: what it finds is evidence, and a restart gives it back. Every worker
looks on its own, at a bounded stretch of the open deliveries each time, one worker at a time.
"""

import asyncio
import uuid

import structlog

from ringback.domain.ids import delivery_id
from ringback.errors import DatabaseUnavailable
from ringback.storage import workers as stored
from ringback.storage.database import Database

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
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.once()
            except (DatabaseUnavailable, TimeoutError) as error:
                log.warning("stuck.failed", error=str(error)[:200])

    async def once(self) -> None:
        """Look at the next stretch; nothing while another worker is looking."""
        async with self._database.acquire() as connection, connection.transaction():
            found = await stored.stuck(connection, self._after, self._looked_at, GRACE_S)
        if found is None:
            return
        self._so_far += len(found.stuck)
        if found.stuck:
            named = [delivery_id(place[1], place[2]) for place in found.stuck[:NAMED_MAX]]
            log.error("delivery.stuck", items=len(found.stuck), deliveries=", ".join(named))
        if found.last is None:
            self._before, self._so_far, self._after = self._so_far, 0, START
        else:
            self._after = found.last
