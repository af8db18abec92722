"""Tenants as their operators see them: one, the newest; adding, changing, deleting."""

import uuid
from datetime import datetime

import msgspec

from ringback.domain.rate import Rate
from ringback.storage import people
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Found, Window, nearest_first
from ringback.storage.queries import query


class Change(msgspec.Struct, frozen=True):
    """What is to be changed of a tenant; what is None stays.

    With `rated` its keys without a rate of their own get `rate`, or, when that is None, the
    installation's.
    """

    name: str | None = None
    suspended: bool | None = None
    rated: bool = False
    rate: Rate | None = None

    @property
    def values(self) -> tuple[str | int | None, ...]:
        """What the queries take."""
        return self.name, self.suspended, self.rated, *(self.rate or (None, None))


class StoredTenant(msgspec.Struct, frozen=True):
    """A tenant that is not deleted."""

    no: int
    id: uuid.UUID
    uid: str | None
    name: str
    created: datetime
    updated: datetime
    suspended: datetime | None
    rate: int | None = None
    burst: int | None = None


async def get(database: Database, no: int) -> StoredTenant | None:
    """Return a tenant by its number."""
    row = await database.row(query("tenants.get"), no)
    return StoredTenant(*row) if row else None


async def newest(database: Database, window: Window) -> Found[StoredTenant]:
    """Return tenants by when they were added."""
    rows = await database.rows(query("tenants.page"), window.before, window.after, window.limit)
    tenants = [StoredTenant(*row) for row in rows]
    return Found(nearest_first(tenants, window, lambda tenant: tenant.id)[: window.limit])


async def count(connection: Connection) -> int:
    """Count the tenants that there are."""
    number: int = await connection.fetchval(query("tenants.count"))
    return number


async def put(
    connection: Connection, id_: uuid.UUID, uid: str, change: Change
) -> tuple[int, uuid.UUID, bool]:
    """Add a tenant, or change the one of this uid; return number, id, and whether it is new."""
    row = await connection.fetchrow(query("tenants.put"), id_, uid, *change.values)
    assert row is not None
    return row["no"], row["id"], row["new"]


async def change(connection: Connection, no: int, wanted: Change) -> bool:
    """Change what is given; False when the tenant is gone."""
    changed = await connection.fetchval(query("tenants.change"), no, *wanted.values)
    return changed is not None


async def delete(connection: Connection, no: int) -> list[int] | None:
    """Delete a tenant, its keys, connections and endpoints; return the endpoints' numbers.

    None when the tenant is gone already.
    """
    if await connection.fetchval(query("tenants.delete"), no) is None:
        return None
    await connection.execute(query("tenants.revoke_keys"), no)
    await connection.execute(query("tenants.delete_connections"), no)
    await connection.execute(query("event_types.delete_of_tenant"), no)
    await people.leave_tenant(connection, no)
    rows = await connection.fetch(query("tenants.delete_endpoints"), no)
    return [row["no"] for row in rows]
