"""When keys were last used: noted in memory by every request, written once a minute in one go."""

import asyncio
import uuid

from ringback.services.trouble import Trouble
from ringback.storage import keys
from ringback.storage.database import Database

EVERY_S = 60.0


class KeyUse:
    """Which keys were used since the last time that it was written down."""

    def __init__(self, database: Database, every_s: float = EVERY_S) -> None:
        """Take the database and how often to write."""
        self._database = database
        self._every_s = every_s
        # No more than there are keys in the configuration.
        self._used: set[uuid.UUID] = set()

    def note(self, key: uuid.UUID) -> None:
        """Note that a key was used."""
        self._used.add(key)

    async def run(self) -> None:
        """Write for ever."""
        trouble = Trouble("key_use")
        while True:
            await asyncio.sleep(self._every_s)
            with trouble:
                await self.flush()

    async def flush(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            await keys.used(self._database, used)
        except BaseException:
            self._used |= used
            raise
