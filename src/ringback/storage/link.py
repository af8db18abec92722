"""One hot connection that comes back by itself, and what its errors mean."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import asyncpg

from ringback.errors import DatabaseUnavailable
from ringback.storage.database import Connection, Gone, connect
from ringback.storage.queries import query

_BACKOFF_MAX_S = 2.0
FaultKind = Literal["gone", "again", "poison"]
# Deadlock, serialization, lock and statement timeouts: the same batch may be sent again.
_AGAIN = frozenset(("40001", "40P01", "55P03", "57014"))
_TROUBLE = ("53", "57P0", "58")


def fault_kind(error: BaseException) -> FaultKind:
    """Say what an error of a hot statement means.

    `gone`: the connection or the server is in trouble, the outcome unknown. `again`: nothing was
    written, send the same once more. `poison`: something in the batch itself cannot be stored.
    """
    if isinstance(error, (*Gone, DatabaseUnavailable)):
        return "gone"
    code = getattr(error, "sqlstate", None)
    if not isinstance(code, str):
        return "poison"
    if code in _AGAIN:
        return "again"
    return "gone" if code.startswith(_TROUBLE) else "poison"


class HotLink:
    """Owns one hot connection of a worker and brings it back when it breaks.

    The connection holds a session lock named after the worker and its slot. A new one gets that
    lock only when whatever the broken one was doing has been decided, so that asking afterwards
    what was stored gives a final answer. Needs direct connections or session pooling.
    """

    def __init__(self, dsn: str, slot: int, broken: Callable[[], None] = lambda: None) -> None:
        """Remember the DSN; nothing is opened yet. `slot` tells a worker's links apart.

        `broken` is called when a connection is thrown away: what it did last may not be known.
        """
        self._dsn = dsn
        self._slot = slot
        self._broken = broken
        self._worker: int | None = None
        self._connection: Connection | None = None
        self._backend: tuple[int, datetime] | None = None
        self.failures = 0

    async def get(self, worker: int) -> Connection:
        """Return the connection for this worker, opening it when needed.

        Raises:
            DatabaseUnavailable: nobody answers, or the old transaction is not decided yet.

        """
        if self._connection is not None and not self._connection.is_closed():
            if self._worker == worker:
                return self._connection
            self.drop()
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

    async def _open(self, worker: int) -> Connection:
        connection = await connect(self._dsn, hot=True)
        try:
            if self._backend is not None:
                await connection.execute(query("link.end"), *self._backend)
            # Negative, so that it can never be one of the named locks. When the worker has a new
            # id, the old one's transaction has to be decided too.
            for holder in {worker, self._worker or worker}:
                await connection.execute(query("link.lock"), -holder, self._slot)
            row = await connection.fetchrow(query("link.backend"))
            assert row is not None
        except BaseException:
            connection.terminate()
            raise
        self._backend, self._worker = (row["pid"], row["backend_start"]), worker
        return connection

    def drop(self) -> None:
        """Throw the connection away, at once: its state is not known."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
            self._broken()

    async def close(self) -> None:
        """Close politely."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError):
                self._connection.terminate()
        self._connection = None
