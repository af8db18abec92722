"""Files that people send: which are to be fetched, which are kept, and what became of the others.

The rows are made together with their messages: see hot.py.
"""

import uuid
from datetime import datetime
from typing import NamedTuple

import msgspec

from ringback.domain.ids import floor7
from ringback.storage.database import Connection, Database, Row
from ringback.storage.lists import Scope
from ringback.storage.queries import query

PENDING, KEPT, GIVEN_UP = 1, 2, 3
_entry = msgspec.json.Decoder(dict[str, object]).decode


class Claimed(NamedTuple):
    """A file to fetch: whose, through which connection, and what the provider said of it.

    `tries` counts this one; it proves that the file is still ours. `failures` have ended without
    the file, and `unended` are the last ones in a row that have not ended, this one included.
    `age_s` is how old it is.
    """

    id: uuid.UUID
    tenant: int
    mode: int
    connection: int
    message: uuid.UUID
    entry: dict[str, object]
    tries: int
    failures: int
    unended: int
    age_s: float


class File(NamedTuple):
    """A file as it is known; size in bytes. `state` is PENDING, KEPT or GIVEN_UP."""

    id: uuid.UUID
    message: uuid.UUID
    place: int
    state: int
    content_type: str | None
    size: int | None
    sha256: bytes | None
    error: str | None
    created: datetime


async def claim(
    database: Database, tried: bool, most: int, seconds: float, of_one: int, busy: dict[int, int]
) -> list[Claimed]:
    """Take up to `most` files that are due; they are ours for so many seconds.

    Those that no try has ended for yet, or the others if `tried`. At most `of_one` of a connection,
    what is `busy` by its number included, and in turn: the first of each before the second of any.
    None that is to be fetched alone.
    """
    numbers, files = list(busy), list(busy.values())
    rows = await database.rows(query("media.claim"), tried, most, seconds, of_one, numbers, files)
    return [_claimed(row) for row in rows]


async def waits_alone(database: Database) -> bool:
    """Say whether a file is due that is to be fetched while nothing else is."""
    row = await database.row(query("media.waits_alone"))
    assert row is not None
    return bool(row["waits"])


async def claim_alone(database: Database, seconds: float) -> Claimed | None:
    """Take a file that is to be fetched while nothing else is; it is ours for so many seconds."""
    row = await database.row(query("media.claim_alone"), seconds)
    return _claimed(row) if row else None


def _claimed(row: Row) -> Claimed:
    id_, tenant, mode, connection, message, entry, *rest = row
    return Claimed(id_, tenant, mode, connection, message, _entry(entry), *rest)


async def hold(database: Database, file: Claimed, seconds: float) -> bool:
    """Keep a file for so many seconds from now; False: no longer ours."""
    return await database.row(query("media.hold"), file.id, file.tries, seconds) is not None


async def give_back(database: Database, file: Claimed) -> None:
    """Leave a file to others as if it had not been tried."""
    await database.rows(query("media.give_back"), file.id, file.tries)


async def kept(
    database: Database, file: Claimed, content_type: str | None, size: int, sha256: bytes
) -> bool:
    """Note that a file is in the store; False when it was no longer ours."""
    row = await database.row(query("media.kept"), file.id, file.tries, content_type, size, sha256)
    return row is not None


async def again(database: Database, file: Claimed, seconds: float, error: str) -> None:
    """Note why a file could not be had, and when to try again."""
    await database.rows(query("media.again"), file.id, file.tries, seconds, error)


async def given_up(database: Database, file: Claimed, error: str) -> None:
    """Note why a file will never be had."""
    await database.rows(query("media.given_up"), file.id, file.tries, error)


async def get(database: Database, scope: Scope, file: uuid.UUID) -> File | None:
    """Return a file of a tenant and mode, or None."""
    row = await database.row(query("media.get"), file, *scope)
    return File(*row) if row else None


async def behind_link(database: Database, file: uuid.UUID) -> File | None:
    """Return a file for whoever has proved to have a link to it, or None."""
    row = await database.row(query("media.linked"), file)
    return File(*row) if row else None


async def old(connection: Connection, before: datetime, most: int) -> list[uuid.UUID]:
    """Return files whose messages came before a moment."""
    limit = floor7(int(before.timestamp() * 1000))
    return [row["id"] for row in await connection.fetch(query("media.old"), limit, most)]


async def remove(connection: Connection, files: list[uuid.UUID]) -> None:
    """Forget files."""
    await connection.execute(query("media.remove"), files)
