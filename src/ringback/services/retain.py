"""Housekeeping: partitions for the days to come, removal of what retention has ended.

One worker at a time, once an hour, and soon after a start. Everything here may be interrupted
anywhere and run again.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from ringback.storage import audit, counts, idempotency, keys, partitions, retention
from ringback.storage.database import Database, connect

FIRST_S = 300.0
EVERY_S = 3600.0
log = structlog.get_logger()


class Periods(msgspec.Struct, frozen=True):
    """How many days things are kept. Messages: 13 months; the audit log: a bit more."""

    callbacks: int = 30
    events: int = 90
    attempts: int = 90
    messages: int = 396
    audit: int = 400


class Retainer:
    """Runs the housekeeping."""

    def __init__(
        self,
        database: Database,
        periods: Periods,
        first_s: float = FIRST_S,
        every_s: float = EVERY_S,
    ) -> None:
        """Take the database and the periods; the first turn comes `first_s` after the start."""
        self._database = database
        self._periods = periods
        self._first_s = first_s
        self._every_s = every_s

    async def run(self) -> None:
        """Keep house for ever; whatever stops it once is tried again an hour later."""
        await asyncio.sleep(self._first_s)
        while True:
            try:
                await self.once()
            except Exception as error:
                log.warning("retain.failed", error=f"{type(error).__name__}: {error}"[:200])
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
            await retention.cancel_left_over(connection)
            await audit.remove_before(
                connection, _midnight(moment) - timedelta(days=self._periods.audit)
            )
            await counts.advance_generation(connection)
            await counts.forget(connection)
            await idempotency.expire(connection)
            await keys.forget(connection)
            return dropped
        finally:
            await connection.close()


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
