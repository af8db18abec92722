"""The audit log: writing entries within somebody's transaction, and reading them."""

import uuid
from datetime import datetime
from typing import NamedTuple

import msgspec

from ringback.domain.ids import floor7
from ringback.storage.database import Connection, Database, Row
from ringback.storage.lists import SCAN_MAX, Found, Scope, Window, nearest_first
from ringback.storage.queries import query

REMOVED_AT_ONCE = 1000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Actor(NamedTuple):
    """Who did something: an API key, or a `person` who is signed in."""

    id: uuid.UUID
    person: bool = False


class Entry(NamedTuple):
    """One entry; without an `actor` the installation did it by itself."""

    id: uuid.UUID
    at: datetime
    actor: Actor | None
    action: str
    about: str
    detail: dict[str, object]


class Wanted(NamedTuple):
    """Which entries: of an action, about an object, asked for by whom, done by itself or not."""

    action: str | None = None
    about: str | None = None
    actor: uuid.UUID | None = None
    by_itself: bool | None = None


async def add(
    connection: Connection,
    scope: Scope,
    id_: uuid.UUID,
    actor: Actor | None,
    action: str,
    about: str,
    detail: dict[str, object],
) -> None:
    """Write an entry, in the caller's transaction."""
    who = (None, False) if actor is None else actor
    await connection.execute(query("audit.add"), id_, *scope, *who, action, about, _encode(detail))


async def page(database: Database, scope: Scope, window: Window, wanted: Wanted) -> Found[Entry]:
    """Return entries by their ids; with a filter, of at most 20,000 that are looked at."""
    bounds = (window.before, window.after)
    filtered = wanted != Wanted()
    looked_at = SCAN_MAX if filtered else window.limit
    rows = await database.rows(
        query("audit.page"), *scope, *bounds, window.limit, looked_at, *wanted
    )
    found = nearest_first(map(_entry, rows), window, lambda entry: entry.id)
    if not filtered or len(found) >= window.limit:
        return Found(found)
    edge = await database.row(query("audit.edge"), *scope, *bounds, SCAN_MAX - 1)
    return Found(found, (edge["id"].int,) if edge else None)


def _entry(row: Row) -> Entry:
    actor = None if row["actor"] is None else Actor(row["actor"], row["person"])
    detail = _decode(row["detail"])
    return Entry(row["id"], row["at"], actor, row["action"], row["object"], detail)


async def remove_before(connection: Connection, moment: datetime) -> int:
    """Remove entries made before a moment; return how many."""
    limit, removed = floor7(int(moment.timestamp() * 1000)), 0
    while rows := await connection.fetch(query("audit.remove"), limit, REMOVED_AT_ONCE):
        removed += len(rows)
    return removed
