"""API keys as people see them: one, the newest, who used which. Never the keys themselves."""

import uuid
from collections.abc import Collection
from datetime import datetime

import msgspec

from ringback.storage.database import Connection, Database
from ringback.storage.lists import Found, Scope, Window, nearest_first
from ringback.storage.queries import query


class StoredKey(msgspec.Struct, frozen=True):
    """An API key without the key; tenant and mode are 0 for an operator's."""

    id: uuid.UUID
    tenant: int
    mode: int
    hint: str
    name: str
    scopes: list[str] | None
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    rate: int | None = None
    burst: int | None = None
    masked: bool = False


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> StoredKey | None:
    """Return a key, or None when this tenant and mode has none of this id."""
    row = await database.row(query("keys.get"), id_, *scope)
    return StoredKey(*row) if row else None


async def newest(database: Database, scope: Scope, window: Window) -> Found[StoredKey]:
    """Return keys by when they were made."""
    rows = await database.rows(
        query("keys.page"), *scope, window.before, window.after, window.limit
    )
    keys = [StoredKey(*row) for row in rows]
    return Found(nearest_first(keys, window, lambda key: key.id)[: window.limit])


async def count(connection: Connection, scope: Scope) -> int:
    """Count the keys that are not revoked."""
    number: int = await connection.fetchval(query("keys.count"), *scope)
    return number


async def revoke(connection: Connection, scope: Scope, id_: uuid.UUID) -> bool:
    """Revoke a key; False when there is none, or it is revoked already."""
    return await connection.fetchval(query("keys.revoke"), id_, *scope) is not None


async def used(database: Database, ids: Collection[uuid.UUID]) -> None:
    """Note that these keys were used just now."""
    await database.rows(query("keys.used"), list(ids))


async def forget(connection: Connection) -> None:
    """Remove keys that were revoked, or have expired, 90 days ago."""
    await connection.execute(query("keys.forget"))
