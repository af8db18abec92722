"""What `ringback doctor` asks of the database. It reads, and changes nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from ringback.errors import DatabaseUnavailable
from ringback.storage.database import Connection, connect
from ringback.storage.faults import Gone
from ringback.storage.partitions import DAILY
from ringback.storage.queries import query

POOLED_PATIENCE_S = 3.0
_LOST = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)


class Server(msgspec.Struct, frozen=True):
    """The database server as one session sees it; `bytes` is the size of our database."""

    version: int
    standby: bool
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    idle_in_transaction: str
    jit: str
    max_connections: int
    reserved: int
    role_limit: int
    database_limit: int
    connections: int
    ours: int
    may_create: bool
    bytes: int

    @property
    def major(self) -> int:
        """The major version."""
        return self.version // 10_000


class Beating(msgspec.Struct, frozen=True):
    """A worker that counts as living."""

    id: int
    beat: int
    config_seen: int
    boot_id: str
    pid: int


class SealedRow(msgspec.Struct, frozen=True):
    """A sealed secret, the row it is bound to, and whose it is."""

    row: str
    kind: Literal["con", "end"]
    id: UUID
    sealed: bytes


def trouble(error: DatabaseUnavailable) -> str:
    """Say what to do about a connection that failed."""
    cause = error.__cause__
    if "unsupported startup parameter" in str(cause):
        return (
            "This is a pooler that refuses the settings of our sessions (PgBouncer). Connect "
            "directly to PostgreSQL, or use session pooling with ignore_startup_parameters."
        )
    # By its name: whoever imports `socket` could open one.
    if type(cause).__name__ == "gaierror":
        return "The name of the server cannot be resolved: check it, and this machine's DNS."
    for kind, words in _TROUBLE:
        if isinstance(cause, kind):
            return words
    return "Look into the log of PostgreSQL, and check RINGBACK_DATABASE_URL."


_TROUBLE: tuple[tuple[type[BaseException], str], ...] = (
    (
        asyncpg.InvalidPasswordError,
        "The password in RINGBACK_DATABASE_URL is not the user's: set the right one.",
    ),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "The server does not let this user in from here: see its pg_hba.conf, and the user's name.",
    ),
    (
        asyncpg.InvalidCatalogNameError,
        "There is no such database: createdb makes it; or mend RINGBACK_DATABASE_URL.",
    ),
    (
        asyncpg.TooManyConnectionsError,
        "The server has no connection left: raise max_connections, or end some.",
    ),
    (asyncpg.CannotConnectNowError, "The server starts or stops just now: try again."),
    (
        ConnectionRefusedError,
        "Nobody listens there: start PostgreSQL, or mend host and port in RINGBACK_DATABASE_URL.",
    ),
    (
        FileNotFoundError,
        "There is no such socket: PostgreSQL does not run, or has it in another directory.",
    ),
    (
        TimeoutError,
        "Nobody answers in time: a firewall may drop the packets, or the host is down.",
    ),
)


async def server(connection: Connection) -> Server:
    """Ask the server about itself, and about our session."""
    row = await connection.fetchrow(query("doctor.server"))
    assert row is not None
    return Server(*row)


async def clock(connection: Connection) -> datetime:
    """Return the server's clock."""
    now: datetime = await connection.fetchval(query("doctor.clock"))
    return now


async def has_tables(connection: Connection) -> bool:
    """Say whether this database has our tables at all."""
    there: bool = await connection.fetchval(query("doctor.has_tables"))
    return there


async def pooled_by_transaction(connection: Connection, dsn: str) -> bool:
    """Say whether sessions are taken away between transactions, by a pooler in front.

    A second client holds a transaction open meanwhile: whoever pools gives it the session that the
    first has just used.

    Raises:
        DatabaseUnavailable: the second connection failed.

    """
    first: int = await connection.fetchval(query("doctor.pid"))
    other = await connect(dsn)
    try:
        async with asyncio.timeout(POOLED_PATIENCE_S), other.transaction():
            second: int = await other.fetchval(query("doctor.pid"))
            again: int = await connection.fetchval(query("doctor.pid"))
    except (TimeoutError, *_LOST):
        return True  # both wait for the only session, or a statement stayed in another one
    except (*Gone, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(str(error)) from error
    finally:
        other.terminate()
    return first == second or first != again


async def workers(connection: Connection) -> list[Beating]:
    """Return the workers that count as living."""
    return [Beating(*row) for row in await connection.fetch(query("doctor.workers"))]


async def config_version(connection: Connection) -> int:
    """Return the version of the configuration that workers should have."""
    row = await connection.fetchrow(query("configuration.installation"))
    assert row is not None
    return int(row["config_version"])


async def sealed(connection: Connection) -> tuple[bytes | None, list[SealedRow]]:
    """Return what tells the right secret key, and every sealed secret."""
    row = await connection.fetchrow(query("configuration.installation"))
    rows = await connection.fetch(query("doctor.sealed"))
    return row["key_check"] if row else None, [SealedRow(*each) for each in rows]


async def days_ahead(connection: Connection) -> int:
    """Return for how many whole days after today every daily table has its partition."""
    today = (await clock(connection)).astimezone(UTC).date()
    ahead = []
    for table in DAILY:
        rows = await connection.fetch(query("partitions.attached"), table)
        names = {row["name"] for row in rows}
        days = 0
        while f"{table}_{today + timedelta(days=days + 1):%Y%m%d}" in names:
            days += 1
        ahead.append(days if f"{table}_{today:%Y%m%d}" in names else -1)
    return min(ahead)
