"""Types of events that tenants describe themselves: read whole with the configuration."""

from datetime import datetime

import msgspec

from ringback.domain.endpoints import Mode
from ringback.domain.event_types import OwnType
from ringback.storage.database import Connection, Database, Row
from ringback.storage.lists import Scope
from ringback.storage.queries import query


class StoredType(msgspec.Struct, frozen=True):
    """A type as it lies in the table; `own` is what publishing goes by."""

    tenant: int
    mode: Mode
    own: OwnType
    created: datetime
    updated: datetime

    @property
    def scope(self) -> Scope:
        """Whose it is, in which mode."""
        return Scope(self.tenant, self.mode)


async def every(connection: Connection) -> list[StoredType]:
    """Read all types of all tenants."""
    return [_type(row) for row in await connection.fetch(query("event_types.all"))]


async def held(connection: Connection, scope: Scope, name: str) -> StoredType | None:
    """Read one type, or None; nobody else changes or adds it until this transaction ends."""
    await connection.execute(query("event_types.lock"), f"event type {scope} {name}")
    row = await connection.fetchrow(query("event_types.held"), *scope, name)
    return None if row is None else _type(row)


def _type(row: Row) -> StoredType:
    own = OwnType(
        name=row["name"], description=row["description"], version=row["version"],
        schema=row["schema"], example=row["example"], deprecated=row["deprecated"] is not None,
        note=row["note"], archived=row["archived"] is not None,
    )  # fmt: skip
    return StoredType(row["tenant"], Mode(row["mode"]), own, row["created"], row["updated"])


async def put(connection: Connection, scope: Scope, own: OwnType) -> int:
    """Add a type or change it, and keep its schema; return the version that its schema has."""
    version: int = await connection.fetchval(
        query("event_types.put"), *scope, own.name, own.description, own.schema, own.example,
        own.deprecated, own.note, own.archived,
    )  # fmt: skip
    if own.schema is not None:
        keep = query("event_types.keep_schema")
        await connection.execute(keep, *scope, own.name, version, own.schema)
    return version


async def delete(connection: Connection, scope: Scope, name: str) -> bool:
    """Delete a type and its schemas; False when there is none."""
    found = await connection.fetchval(query("event_types.delete"), *scope, name)
    return found is not None


async def schema(database: Database, scope: Scope, name: str, version: int) -> bytes | None:
    """Read one version of a type's schema, or None."""
    row = await database.row(query("event_types.schema"), *scope, name, version)
    return None if row is None else bytes(row["body"])
