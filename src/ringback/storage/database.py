"""Connections to PostgreSQL: the pool for ordinary work, and hot connections with fixed plans.

The only module that knows how asyncpg connects. It holds no SQL of its own but settings.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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
# How long the server works on a hot statement, and how long its answer is then waited for. Should
# that end first, the server may still be at it: what became of the statement is not known.
_HOT_STATEMENT_S = 30
HOT_ANSWER_S = 35.0
POOL_ANSWER_S = 30.0
# A server that vanishes says nothing. So long nobody hears of it before a connection is lost, with
# something under way or without.
VANISHED_S = 10
_PROBE_AFTER_S = 5
_PROBE_EVERY_S = 2
_PROBES = 3
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
    "statement_timeout": str(_HOT_STATEMENT_S * 1000),
}
# Lists look at the same tables with the same lack of statistics. A sort that begins in the order of
# an index would read all of a tenant for one page.
_POOLED = {**_HOT, "enable_incremental_sort": "off"}


async def connect(dsn: str, *, hot: bool = False, patience_s: float | None = None) -> Connection:
    """Open one connection; `hot` fixes its plans to nested loops over indexes.

    A connection, and then each statement, fails when it takes more than `patience_s`. Without that,
    connecting may take 10 s, a hot statement 35 s, and other statements as long as they like.

    Raises:
        DatabaseUnavailable: nobody answers, or the server is older than PostgreSQL 15.

    """
    look_at_concrete_classes()
    try:
        connection = await asyncpg.connect(
            dsn, timeout=min(_CONNECT_TIMEOUT_S, patience_s or _CONNECT_TIMEOUT_S),
            command_timeout=patience_s or (HOT_ANSWER_S if hot else None),
            server_settings=_HOT if hot else _COMMON,
        )  # fmt: skip
    except (*Gone, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(_plain(error)) from error
    await _look_after(connection)
    major = connection.get_server_version().major
    if major < MINIMUM_MAJOR:
        await connection.close()
        raise DatabaseUnavailable(
            f"The server is PostgreSQL {major}; Ringback needs {MINIMUM_MAJOR} or newer."
        )
    return connection


async def _look_after(connection: Connection) -> None:
    """Have the system probe a connection, so that a server which vanishes is missed.

    Options that a system does not know, or refuses, are left out: there, time limits have to do.
    """
    # The driver offers no way to its socket.
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family == socket.AF_UNIX:
        return
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _PROBE_AFTER_S), ("TCP_KEEPINTVL", _PROBE_EVERY_S),
        ("TCP_KEEPCNT", _PROBES), ("TCP_USER_TIMEOUT", VANISHED_S * 1000),
    ):  # fmt: skip
        if (option := getattr(socket, name, None)) is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


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
                command_timeout=POOL_ANSWER_S, server_settings=_POOLED, init=_look_after,
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


class Lifeline:
    """A connection that nobody else waits for, opened again when it broke. For one at a time.

    Each statement has a time limit of its own. What fails takes the connection with it.
    """

    def __init__(self, dsn: str, patience_s: float) -> None:
        """Remember the DSN, and the limit in seconds; nothing is opened yet."""
        self._dsn = dsn
        self._patience_s = patience_s
        self._connection: Connection | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend the connection. Raises DatabaseUnavailable when nobody answers in time."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        try:
            yield self._connection
        except BaseException as error:
            self.close()
            if isinstance(error, Gone):
                raise DatabaseUnavailable(_plain(error)) from error
            raise

    async def _connect(self) -> Connection:
        return await connect(self._dsn, hot=True, patience_s=self._patience_s)

    def close(self) -> None:
        """Close it at once; it may be used again."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
