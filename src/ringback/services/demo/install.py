"""What a data set needs to be configured: made where it is missing, at every start.

Run within the transaction of the first start. What has been changed or revoked since stays so; an
endpoint or a type that was deleted is made again.
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ringback.domain.endpoints import Endpoint, Mode, Tenant
from ringback.domain.event_types import OwnType
from ringback.domain.ids import IdSequence, show
from ringback.domain.signing import SECRET_BYTES, new_secret
from ringback.services.demo.plan import (
    DEFAULT,
    INSPECTOR,
    DemoConnection,
    DemoEndpoint,
    DemoSet,
)
from ringback.services.demo.wire import Line
from ringback.services.keys import new_key
from ringback.storage import configuration as stored
from ringback.storage import event_types, keys
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope, Window
from ringback.storage.vault import Vault

# As many keys as are looked through for those of the demo.
_KEYS_SEEN = 200


class Script(msgspec.Struct, frozen=True):
    """What the player is told: which set, where, and what proves each callback.

    `keys` are API keys by their tenants' own ids, `endpoints` the ids by the endpoints' own ids.
    """

    name: str
    base_url: str
    lines: list[Line]
    keys: dict[str, str]
    endpoints: dict[str, str]


class Installer:
    """Makes what is missing, over one connection and within one transaction."""

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        ids: IdSequence,
        everything: stored.Everything,
        places: tuple[str, str],
    ) -> None:
        """Take what there is; `places` are our own URL and the receivers', without a slash."""
        self._connection = connection
        self._vault = vault
        self._ids = ids
        self._everything = everything
        self._base_url, self._receivers = places
        self._now = datetime.now(UTC)

    async def tenants(self, plan: DemoSet, first: Tenant) -> dict[str, Tenant]:
        """Return every tenant of a set by its own id; the installation's first is `default`."""
        found = {DEFAULT: first}
        for uid, name in plan.tenants:
            found[uid] = await stored.add_tenant(self._connection, self._ids.next(), uid, name)
        return found

    async def connections(
        self, wanted: Iterable[DemoConnection], tenants: Mapping[str, Tenant]
    ) -> list[stored.StoredConnection]:
        """Return the connections that there are. One that somebody deleted stays so."""
        there = {row.token: row for row in self._everything.connections}
        found = []
        for one in wanted:
            new = stored.StoredConnection(
                0, self._ids.next(), tenants[one.tenant].no, Mode.TEST, one.provider, one.name,
                one.token, config_of(one), self._now, self._now,
            )  # fmt: skip
            if one.token in there:
                found.append(there[one.token])
            elif await stored.add_connection(self._connection, self._vault, new) is not None:
                found.append(new)
        return found

    async def endpoints(self, plan: DemoSet, tenants: Mapping[str, Tenant]) -> dict[str, str]:
        """Make the endpoints, and move those that are there to where receivers are now."""
        found = {}
        for one in plan.endpoints:
            place = self._place(one)
            tenant = tenants[one.tenant].no
            row = next(
                (
                    row
                    for row in self._everything.endpoints
                    if (row.uid, row.engine.tenant, row.engine.mode) == (one.uid, tenant, Mode.TEST)
                ),
                None,
            )
            if row is None:
                row = await self._add(one, tenant, place)
            elif row.engine.url != place and row.engine.url.endswith(f"/{one.uid}"):
                await stored.move_endpoint(self._connection, self._vault, row.engine, place)
            found[one.uid] = show("end", row.engine.id)
        return found

    def _place(self, one: DemoEndpoint) -> str:
        if one.behaviour is None:
            return f"{self._base_url}{INSPECTOR}{one.uid}"
        return f"{self._receivers}/{one.uid}"

    async def _add(self, one: DemoEndpoint, tenant: int, url: str) -> stored.StoredEndpoint:
        engine = Endpoint(
            0, self._ids.next(), tenant, Mode.TEST, url, one.event_types, (), policy=one.policy
        )
        row = stored.StoredEndpoint(
            engine, [new_secret(os.urandom(SECRET_BYTES))], one.description, self._now, self._now,
            None, None, None, one.uid, one.metadata,
        )  # fmt: skip
        await stored.add_endpoint(self._connection, self._vault, row)
        return row

    async def types(self, plan: DemoSet, tenants: Mapping[str, Tenant]) -> None:
        """Describe the types of the tenants' own that nobody has described yet."""
        for one in plan.types:
            scope = Scope(tenants[one.tenant].no, Mode.TEST)
            if await event_types.held(self._connection, scope, one.name) is None:
                own = OwnType(
                    one.name, one.description, schema=msgspec.json.encode(one.schema),
                    example=msgspec.json.encode(one.example),
                )  # fmt: skip
                await event_types.put(self._connection, scope, own)

    async def keys(
        self, plan: DemoSet, tenants: Mapping[str, Tenant], names: Mapping[str, set[str]]
    ) -> None:
        """Make the keys to look at that are in no list yet; nobody ever learns what they are."""
        for one in plan.keys:
            if one.name not in names[one.tenant]:
                ends = None if one.days is None else self._now + timedelta(days=one.days)
                await stored.add_key(
                    self._connection, self._ids.next(), tenants[one.tenant].no, Mode.TEST,
                    new_key("test"), one.name, scopes=list(one.scopes), expires=ends,
                )  # fmt: skip

    async def key_of(self, tenant: Tenant, known: str | None) -> str:
        """Return an API key of a tenant: the one that is known, if it still works."""
        if known is not None:
            there = self._everything.keys.get(stored.key_hash(known))
            if there is not None and (there.tenant, there.mode) == (tenant.no, Mode.TEST):
                return known
        key = new_key("test")
        await stored.add_key(
            self._connection, self._ids.next(), tenant.no, Mode.TEST, key, "the demo"
        )
        return key


def script_of(
    plan: DemoSet,
    door: str,
    rows: Iterable[stored.StoredConnection],
    keys_: dict[str, str],
    endpoints: dict[str, str],
) -> Script:
    """Return what the player of a set is told; `door` is where its callbacks go."""
    there = {row.token: row for row in rows}
    lines = [
        Line(
            show("con", there[one.token].id), one.token, one.provider, one.sender, one.tenant,
            there[one.token].config, keys_[one.tenant],
        )
        for one in plan.connections
        if one.token in there
    ]  # fmt: skip
    return Script(plan.name, door, lines, keys_, endpoints)


async def names_of_keys(
    database: Database, everything: stored.Everything, plan: DemoSet
) -> dict[str, set[str]]:
    """Return the names of the keys that each tenant of a set has or had in test mode."""
    numbers = {tenant.uid: tenant.no for tenant in everything.tenants}
    found: dict[str, set[str]] = {}
    for uid in (DEFAULT, *(uid for uid, _ in plan.tenants)):
        rows: list[keys.StoredKey] = []
        if uid in numbers:
            scope = Scope(numbers[uid], Mode.TEST)
            rows = (await keys.newest(database, scope, Window(_KEYS_SEEN))).rows
        found[uid] = {row.name for row in rows}
    return found


def config_of(one: DemoConnection) -> dict[str, object]:
    """Think of the secrets of a connection."""
    secret = secrets.token_hex(16)
    own: dict[str, dict[str, Any]] = {
        "whatsapp": {"app_secret": secret, "verify_token": secrets.token_hex(8)},
        "bandwidth": {"username": "demo", "password": secrets.token_hex(12)},
        "simulator": {"secret": secret},
        "generic": {"verify": {**one.config.get("verify", {}), "secret": secret}},
    }
    return {**one.config, **own.get(one.provider, {})}
