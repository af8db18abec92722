"""Housekeeping: partitions for the days to come, removal of what retention has ended.

One worker at a time, once an hour, and soon after a start. Everything here may be interrupted
anywhere and run again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from ringback.services.media_store import Store, StoreError
from ringback.services.trouble import Trouble
from ringback.storage import audit, counts, idempotency, keys, media, partitions, retention
from ringback.storage.database import Connection, Database, connect

FIRST_S = 300.0
EVERY_S = 3600.0
FILES_AT_ONCE = 16
log = structlog.get_logger()


class Periods(msgspec.Struct, frozen=True):
    """How many days things are kept. Messages: 13 months; the audit log: a bit more."""

    callbacks: int = 30
    events: int = 90
    attempts: int = 90
    messages: int = 396
    audit: int = 400
    media: int = 30


class Retainer:
    """Runs the housekeeping."""

    def __init__(
        self,
        database: Database,
        periods: Periods,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
        store: Store | None = None,
        forget: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Take the database and the periods; the first turn comes `first_s` after the start.

        `store` is where people's files are; `forget` erases secrets that nothing needs any more.
        """
        self._database = database
        self._periods = periods
        self._store = store
        self._forget = forget
        self._first_s = first_s
        self._every_s = every_s

    async def run(self) -> None:
        """Keep house for ever; whatever stops it once is tried again an hour later."""
        trouble = Trouble("retain")
        await asyncio.sleep(self._first_s)
        while True:
            with trouble:
                await self.once()
            await asyncio.sleep(self._every_s)

    async def once(self, now: datetime | None = None) -> list[str]:
        """Do everything that is due; return the names of dropped partitions.

        `now` is the database's clock unless a test says otherwise. Does nothing when another
        worker is at it.
        """
        # A connection of its own: detaching cannot run inside a transaction, and waits long.
        connection = await connect(self._database.dsn)
        try:
            if not await retention.lock(connection):
                return []
            await partitions.extend(connection)
            moment = now or await partitions.today(connection)
            dropped = []
            for table, days in (
                ("callback", self._periods.callbacks),
                ("attempt", self._periods.attempts),
                ("event", self._periods.events),
            ):
                day = _midnight(moment) - timedelta(days=days)
                dropped += await partitions.remove_before(connection, table, day)
            await retention.remove_messages(
                connection, _midnight(moment) - timedelta(days=self._periods.messages)
            )
            await self._remove_files(
                connection, _midnight(moment) - timedelta(days=self._periods.media)
            )
            await retention.cancel_left_over(connection)
            await audit.remove_before(
                connection, _midnight(moment) - timedelta(days=self._periods.audit)
            )
            await counts.advance_generation(connection)
            await counts.forget(connection)
            await idempotency.expire(connection)
            await keys.forget(connection)
            if self._forget is not None:
                await self._forget()
            return dropped
        finally:
            await connection.close()

    async def _remove_files(self, connection: Connection, before: datetime) -> None:
        """Remove files, and only then what is known of them: none is left behind."""
        if self._store is None:
            return
        while found := await media.old(connection, before, FILES_AT_ONCE):
            try:
                await asyncio.gather(*map(self._store.delete, found))
            except StoreError as error:
                log.warning("retain.files_left", error=str(error)[:200])
                return
            await media.remove(connection, found)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
