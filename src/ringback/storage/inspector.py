"""The inspector's table: the last requests of each name, newest first."""

from datetime import datetime

import msgspec

from ringback.domain.http import Headers
from ringback.storage.database import Database
from ringback.storage.queries import query

KEPT = 500
_headers = msgspec.json.Decoder(Headers).decode


class Inspected(msgspec.Struct, frozen=True):
    """One request that the inspector received, and the status it was answered with."""

    id: int
    received: datetime
    method: str
    url: str
    headers: Headers
    body: bytes
    answered: int


class NewInspected(msgspec.Struct, frozen=True):
    """A request on its way into the table."""

    tenant: int
    mode: int
    name: str
    method: str
    url: str
    headers: Headers
    body: bytes
    answered: int

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        head = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.body) + len(self.url) + head


async def add(database: Database, requests: list[NewInspected]) -> None:
    """Store a batch and keep each name at its last 500."""
    columns: list[list[object]] = [
        [getattr(request, field) for request in requests]
        for field in ("tenant", "mode", "name", "method", "url")
    ]
    columns.append([msgspec.json.encode(request.headers) for request in requests])
    columns.append([request.body for request in requests])
    columns.append([request.answered for request in requests])
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("set local synchronous_commit = off")
        # One writer at a time, so that each sees what the others have kept.
        await connection.execute(query("inspector.lock"))
        await connection.execute(query("inspector.add"), *columns)
        for name in sorted({request.name for request in requests}):
            await connection.execute(query("inspector.trim"), name, KEPT)


async def newest(
    database: Database, tenant: int, mode: int, name: str, *, before: int, limit: int
) -> list[Inspected]:
    """Return requests of a name, newest first, with ids below `before`."""
    rows = await database.rows(query("inspector.list"), tenant, mode, name, before, limit)
    return [
        Inspected(row[0], row[1], row[2], row[3], _headers(row[4]), row[5], row[6]) for row in rows
    ]


async def names(database: Database) -> set[str]:
    """Return the names in use."""
    return {row["name"] for row in await database.rows(query("inspector.names"))}


async def clear(database: Database, tenant: int, mode: int, name: str) -> None:
    """Forget the requests of a name."""
    await database.rows(query("inspector.clear"), tenant, mode, name)
