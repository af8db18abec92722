"""One hot connection that comes back by itself, and what its errors mean."""

import asyncio
import random
from collections.abc import Callable

import asyncpg

from ringback.errors import DatabaseUnavailable
from ringback.storage.database import Connection, connect
from ringback.storage.faults import Gone
from ringback.storage.queries import query

_BACKOFF_MAX_S = 2.0
# Between two new connections to a server that answers, and refuses.
_ANEW_S = 1.0


def stored_already(error: BaseException) -> bool:
    """Whether a statement was refused because what it adds is there, from an earlier call."""
    return isinstance(error, asyncpg.UniqueViolationError)


class HotLink:
    """Owns one hot connection of a worker and brings it back when it breaks.

    The connection holds a session lock named after the worker and its slot. A new one gets that
    lock only when whatever the broken one was doing has been decided, so that asking afterwards
    what was stored gives a final answer. Needs direct connections or session pooling.
    """

    def __init__(self, dsn: str, slot: int, broken: Callable[[int], object]) -> None:
        """Remember the DSN; nothing is opened yet. `slot` tells a worker's links apart.

        `broken` is told the worker when its connection is thrown away: what it did last may not
        be known.
        """
        self._dsn = dsn
        self._slot = slot
        self._broken = broken
        self._worker: int | None = None
        self._renewed = -_ANEW_S
        self._connection: Connection | None = None
        self._opened = False
        self.failures = 0

    async def get(self, worker: int) -> Connection:
        """Return the connection for this worker, opening it when needed.

        Raises:
            DatabaseUnavailable: nobody answers, or the old transaction is not decided yet.

        """
        if self._connection is not None and not self._connection.is_closed():
            if self._worker == worker:
                return self._connection
            self._throw_away()  # nothing is at work on it
        if self.failures:
            pause = min(0.05 * 2**self.failures, _BACKOFF_MAX_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
        try:
            self._connection = await self._open(worker)
        except (DatabaseUnavailable, asyncpg.PostgresError, *Gone) as error:
            self.failures = min(self.failures + 1, 10)
            if isinstance(error, DatabaseUnavailable):
                raise
            raise DatabaseUnavailable(f"The database does not answer: {error}") from error
        self.failures = 0
        return self._connection

    async def decided(self, worker: int) -> None:
        """Wait until nothing is undecided that a connection of ours had begun before it broke.

        Raises:
            DatabaseUnavailable: nobody answers, or it is not decided yet.

        """
        broken = self._connection is None or self._connection.is_closed()
        if broken and self._opened:
            await self.get(worker)

    async def _connect(self) -> Connection:
        return await connect(self._dsn, hot=True)

    async def _open(self, worker: int) -> Connection:
        connection = await self._connect()
        try:
            # Negative, so that it can never be one of the named locks. When the worker has a new
            # id, the old one's transaction has to be decided too.
            for holder in {worker, self._worker or worker}:
                # Also one of ours that was cut off before we knew that it had the lock.
                await connection.execute(query("link.end"), -holder, self._slot)
                await connection.execute(query("link.lock"), -holder, self._slot)
        except BaseException:
            connection.terminate()
            raise
        self._opened, self._worker = True, worker
        return connection

    def drop(self) -> None:
        """Throw the connection away, at once: its state is not known."""
        if self._connection is not None:
            self._throw_away()
            if self._worker is not None:
                self._broken(self._worker)

    def renew(self) -> None:
        """Use another connection from now on, though it is known what became of everything.

        The server refuses: what it was when this one was opened may stay with it. Once a second.
        """
        now = asyncio.get_running_loop().time()
        if now - self._renewed >= _ANEW_S:
            self._renewed = now
            self._throw_away()

    def _throw_away(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Close politely."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError):
                self._connection.terminate()
        self._connection = None
