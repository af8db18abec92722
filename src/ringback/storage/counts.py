"""Counters of callbacks that are not listed, and the small housekeeping of dedupe."""

from collections.abc import Sequence

import asyncpg

from ringback.storage.database import Connection, Database
from ringback.storage.queries import query

GENERATION_DAYS = 36


async def add(connection: Connection, counts: Sequence[tuple[int, int, int, str, int]]) -> None:
    """Add counts (connection, tenant, mode, what, n) to today's."""
    columns: list[list[object]] = [list(column) for column in zip(*counts, strict=True)]
    await connection.execute(query("counts.add"), *columns)


async def of_connection(
    database: Database, connection: int, tenant: int, mode: int
) -> dict[str, int]:
    """Return the counts of a connection over the last 30 days."""
    rows = await database.rows(query("counts.of_connection"), connection, tenant, mode)
    return {row["what"]: row["n"] for row in rows}


async def forget(connection: Connection) -> None:
    """Remove counts older than 90 days."""
    await connection.execute(query("counts.forget"))


async def advance_generation(connection: Connection) -> int:
    """Start a new generation of once keys if the current one is 36 days old; 0 if not.

    0 too when somebody reads the keys for long, such as a backup: it can be done an hour later.
    """
    try:
        generation: int = await connection.fetchval(
            query("counts.advance_generation"), GENERATION_DAYS
        )
    except asyncpg.LockNotAvailableError:
        return 0
    return generation
