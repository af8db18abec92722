"""Describing types of events of one's own: what they mean, their schema, an example, their end."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ringback.domain.event_types import OwnType, fault_in_own_name
from ringback.domain.json_schemas import check_schema, compiled, faults_in
from ringback.errors import Fault, Invalid
from ringback.services import audit
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached
from ringback.storage import event_types as stored
from ringback.storage.audit import Actor
from ringback.storage.database import Database
from ringback.storage.event_types import StoredType
from ringback.storage.lists import Scope

# All of them are in every worker's memory, with their newest schemas and examples.
TYPES_MAX = 200
VERSIONS_MAX = 100
EXAMPLE_MAX = 16 * 1024
Json = dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """What a type is to be; what is UNSET stays, or is empty in a new one."""

    description: str | UnsetType = UNSET
    schema: Json | UnsetType | None = UNSET
    example: Json | UnsetType | None = UNSET
    deprecated: bool | UnsetType = UNSET
    note: str | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET


class OwnTypes:
    """Changes the types of a tenant and mode on behalf of a key."""

    def __init__(
        self, configuration: Configuration, database: Database, clock: Clock, actor: Actor
    ) -> None:
        """Take the edges; `actor` is who asks."""
        self._configuration = configuration
        self._database = database
        self._clock = clock
        self._actor = actor

    def every(self, scope: Scope) -> list[StoredType]:
        """Return the types of a tenant and mode, by name."""
        return [one for one in self._configuration.everything.event_types if one.scope == scope]

    def get(self, scope: Scope, name: str) -> StoredType | None:
        """Return a type, or None."""
        return next((one for one in self.every(scope) if one.own.name == name), None)

    async def put(self, scope: Scope, name: str, asked: Asked) -> tuple[StoredType, bool]:
        """Add a type or change it; return it, and whether it is new.

        Raises:
            Invalid: the name, the schema or the example is wrong.
            LimitReached: there are as many types, or as many versions, as there may be.

        """
        fault = fault_in_own_name(name)
        if fault is not None:
            raise Invalid(Fault("/event_type", fault))
        async with self._configuration.change() as connection:
            # As it is now, whoever changed it last: what is not asked for stays so.
            known = await stored.held(connection, scope, name)
            before = known.own if known else OwnType(name)
            if known is None and len(self.every(scope)) >= TYPES_MAX:
                raise LimitReached(f"There are {TYPES_MAX} types already; delete some.")
            after = _changed(before, asked)
            if after.schema not in (None, before.schema) and before.version >= VERSIONS_MAX:
                raise LimitReached(f"Its schema has had {VERSIONS_MAX} versions; name a new type.")
            await stored.put(connection, scope, after)
            act = _said(before, after, new=known is None)
            if act is not None:
                await audit.write(connection, scope, self._actor, self._clock.now_ms(), act)
        made = self.get(scope, name)
        if made is None:
            raise LimitReached("Somebody has deleted it in this moment.")
        return made, known is None

    async def delete(self, scope: Scope, name: str) -> bool:
        """Forget what a type means, and its schemas; False when there is none."""
        async with self._configuration.change() as connection:
            if not await stored.delete(connection, scope, name):
                return False
            act = Act("event_type.deleted", name)
            await audit.write(connection, scope, self._actor, self._clock.now_ms(), act)
        return True

    async def schema(self, scope: Scope, name: str, version: int) -> bytes | None:
        """Return one version of a type's schema, or None."""
        return await stored.schema(self._database, scope, name, version)


def _changed(before: OwnType, asked: Asked) -> OwnType:
    """Return a type with what was asked for. Raises Invalid."""
    schema, example = before.schema, before.example
    if asked.schema is not UNSET:
        schema = None if asked.schema is None else check_schema(asked.schema, "/schema")
    if asked.example is not UNSET:
        example = None if asked.example is None else msgspec.json.encode(asked.example)
        if example is not None and len(example) > EXAMPLE_MAX:
            raise Invalid(Fault("/example", f"An example may have {EXAMPLE_MAX} bytes."))
    if schema is not None and example is not None:
        faults = faults_in(compiled(schema), example, "/example")
        if faults and asked.example is UNSET:
            words = f"The example there is does not fit it; give another. {faults[0].detail}"
            raise Invalid(Fault("/schema", words))
        if faults:
            raise Invalid(*faults)
    given = {
        name: value
        for name in ("description", "deprecated", "note", "archived")
        if (value := getattr(asked, name)) is not UNSET
    }
    return msgspec.structs.replace(before, schema=schema, example=example, **given)


def _said(before: OwnType, after: OwnType, *, new: bool) -> Act | None:
    """Say what has changed; of schema and example only that they have."""
    if new:
        return Act("event_type.created", after.name, {"schema": after.schema is not None})
    detail: audit.Detail = {
        name: {"from": getattr(before, name), "to": getattr(after, name)}
        for name in ("description", "deprecated", "note", "archived")
        if getattr(before, name) != getattr(after, name)
    }
    detail |= {
        name: "changed"
        for name in ("schema", "example")
        if getattr(before, name) != getattr(after, name)
    }
    return Act("event_type.changed", after.name, detail) if detail else None
