"""One hot connection that comes back by itself, and what its errors mean."""

import asyncio
import random
from typing import Literal

import asyncpg

from ringback.errors import DatabaseUnavailable
from ringback.storage.database import Connection, Gone, connect

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
    """Owns one hot connection: connects on demand, with jittered back-off while it fails."""

    def __init__(self, dsn: str) -> None:
        """Remember the DSN; nothing is opened yet."""
        self._dsn = dsn
        self._connection: Connection | None = None
        self._failures = 0

    async def get(self) -> Connection:
        """Return the connection, opening it when needed. Raises DatabaseUnavailable."""
        if self._connection is None or self._connection.is_closed():
            if self._failures:
                pause = min(0.05 * 2**self._failures, _BACKOFF_MAX_S)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            try:
                self._connection = await connect(self._dsn, hot=True)
            except DatabaseUnavailable:
                self._failures = min(self._failures + 1, 10)
                raise
            self._failures = 0
        return self._connection

    def drop(self) -> None:
        """Throw the connection away, at once: its state is not known."""
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
