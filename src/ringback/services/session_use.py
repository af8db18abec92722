"""When sessions were last used, once a minute in one go; and the end of those nobody uses.

Whatever else ends by itself goes with them: links to sign in, attempts to do so.
"""

import asyncio
import uuid

from ringback.services.configuration import Configuration
from ringback.services.trouble import Trouble
from ringback.storage import people
from ringback.storage.database import Database

EVERY_S = 60.0


class SessionUse:
    """Which sessions were used since the last time that it was written down."""

    def __init__(
        self, configuration: Configuration, database: Database, every_s: float = EVERY_S
    ) -> None:
        """Take the edges, and how often to write, in seconds."""
        self._configuration = configuration
        self._database = database
        self._every_s = every_s
        # No more than there are sessions in force.
        self._used: set[uuid.UUID] = set()

    def note(self, session: uuid.UUID) -> None:
        """Note that a session was used."""
        self._used.add(session)

    async def run(self) -> None:
        """Write and sweep for ever."""
        trouble = Trouble("session_use")
        while True:
            await asyncio.sleep(self._every_s)
            with trouble:
                await self.flush()
                await self.sweep()

    async def flush(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await people.used(self._database, used)
        except BaseException:
            self._used |= used
            raise

    async def sweep(self) -> int:
        """Remove what has ended; return how many sessions have. Every worker may do so."""
        async with self._database.acquire() as connection:
            ended = await people.expire(connection)
        if ended:
            async with self._configuration.change():
                pass  # the others are to forget them, too
        return ended
