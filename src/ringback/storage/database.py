"""Connections to PostgreSQL: the pool for ordinary work, and hot connections with fixed plans.

The only module that knows how asyncpg connects. It holds no SQL of its own but settings.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from ringback.errors import DatabaseUnavailable
from ringback.storage.arrays import look_at_concrete_classes
from ringback.storage.faults import Gone, unfit

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
Row = asyncpg.Record

_POOL_MAX = 10
_CONNECT_TIMEOUT_S = 10
# Between two renewals of the pool, while the server refuses.
_ANEW_S = 1.0
MINIMUM_MAJOR = 15

_COMMON = {
    "application_name": "ringback",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "jit": "off",
    "idle_in_transaction_session_timeout": "5000",
}
# A new day's partition and a queue table have no statistics worth planning by: hot statements get
# one generic plan over indexes, whatever the planner believes.
_HOT = {
    **_COMMON,
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "statement_timeout": "30000",
}
# Lists look at the same tables with the same lack of statistics. A sort that begins in the order of
# an index would read all of a tenant for one page.
_POOLED = {**_HOT, "enable_incremental_sort": "off"}


async def connect(dsn: str, *, hot: bool = False) -> Connection:
    """Open one connection; `hot` fixes its plans to nested loops over indexes.

    Raises:
        DatabaseUnavailable: nobody answers, or the server is older than PostgreSQL 15.

    """
    look_at_concrete_classes()
    try:
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_TIMEOUT_S, server_settings=_HOT if hot else _COMMON
        )
    except (*Gone, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(_plain(error)) from error
    major = connection.get_server_version().major
    if major < MINIMUM_MAJOR:
        await connection.close()
        raise DatabaseUnavailable(
            f"The server is PostgreSQL {major}; Ringback needs {MINIMUM_MAJOR} or newer."
        )
    return connection


def _plain(error: BaseException) -> str:
    detail = str(error).strip().splitlines()
    return (
        f"Cannot reach PostgreSQL: {detail[0] if detail else type(error).__name__}. Check "
        "RINGBACK_DATABASE_URL, or leave it out to use the embedded server."
    )


class Database:
    """The pool for everything that is not hot: the API, configuration, sweeps."""

    def __init__(self, dsn: str) -> None:
        """Remember the DSN; `open` connects."""
        self.dsn = dsn
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._renewed = -_ANEW_S

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable when nobody answers."""
        try:
            self._pool = await asyncpg.create_pool(
                self.dsn, min_size=1, max_size=_POOL_MAX, timeout=_CONNECT_TIMEOUT_S,
                command_timeout=30, server_settings=_POOLED,
            )  # fmt: skip
        except (*Gone, asyncpg.PostgresError) as error:
            raise DatabaseUnavailable(_plain(error)) from error

    async def close(self) -> None:
        """Close the pool, waiting a moment for running statements."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 3)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a connection for a short piece of work."""
        if self._pool is None:
            raise DatabaseUnavailable("The database is not open yet, or is closed already.")
        try:
            async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                yield connection  # type: ignore[misc]
        except Gone as error:
            raise DatabaseUnavailable(_plain(error)) from error
        except asyncpg.PostgresError as error:
            if not unfit(error):
                raise
            await self._renew()
            raise DatabaseUnavailable(f"PostgreSQL refuses: {error}.") from error

    async def _renew(self) -> None:
        """Let go of all connections: what the server was when they were opened may stay."""
        now = asyncio.get_running_loop().time()
        if self._pool is not None and now - self._renewed >= _ANEW_S:
            self._renewed = now
            await self._pool.expire_connections()

    async def rows(self, sql: str, *arguments: object) -> list[Row]:
        """Run one statement and return its rows."""
        async with self.acquire() as connection:
            return await connection.fetch(sql, *arguments)

    async def row(self, sql: str, *arguments: object) -> Row | None:
        """Run one statement and return its first row, or None."""
        async with self.acquire() as connection:
            return await connection.fetchrow(sql, *arguments)
