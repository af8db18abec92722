"""What people configure: tenants, keys, connections, endpoints. Small tables, read whole.

Secrets go in and come out sealed; only this module and the vault see both sides.
"""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from ringback.domain.endpoints import ApiKey, DeliveryPolicy, Endpoint, Mode, Pauses, Tenant
from ringback.domain.rate import Rate
from ringback.domain.signing import secret_key
from ringback.errors import DatabaseUnavailable, RingbackError, SettingsError, VaultError
from ringback.storage import event_types, people
from ringback.storage.database import Connection as DatabaseConnection
from ringback.storage.database import Database, Row, connect
from ringback.storage.event_types import StoredType
from ringback.storage.queries import query
from ringback.storage.vault import Vault

CHANNEL = "ringback_configuration"
_policy = msgspec.json.Decoder(DeliveryPolicy).decode
_metadata = msgspec.json.Decoder(dict[str, str]).decode
_CHECK_ROW = "installation"
_CHECK_TEXT = b"ringback"


class StoredConnection(msgspec.Struct, frozen=True):
    """A connection as it lies in the table, opened but not yet understood by its provider."""

    no: int
    id: uuid.UUID
    tenant: int
    mode: Mode
    provider: str
    name: str
    token: str
    config: dict[str, object]
    created: datetime
    updated: datetime
    public_url: str | None = None
    on_bad_signature: Literal["reject", "quarantine"] = "reject"
    previous: list[tuple[dict[str, object], int]] = []
    pauses: Pauses = Pauses()

    @property
    def quarantines(self) -> bool:
        """Whether callbacks whose proof fails are kept instead of refused."""
        wanted = self.on_bad_signature
        return wanted == "quarantine"


class SealedConnection(msgspec.Struct, frozen=True):
    """What lies sealed of a connection; `previous` configs with their ends, newest first.

    `public_url` is where its provider reaches this installation, if not where everybody does.
    """

    token: str
    config: dict[str, object]
    public_url: str | None = None
    on_bad_signature: Literal["reject", "quarantine"] = "reject"
    previous: list[tuple[dict[str, object], int]] = []
    pauses: Pauses = Pauses()


Reseal = Callable[[SealedConnection], SealedConnection]


class StoredEndpoint(msgspec.Struct, frozen=True):
    """An endpoint with what only people look at; `engine` is what deliveries need."""

    engine: Endpoint
    secrets: list[str]
    description: str
    created: datetime
    updated: datetime
    disabled_at: datetime | None
    disabled_for: str | None
    expires: datetime | None
    uid: str | None = None
    metadata: dict[str, str] = {}
    retiring: list[tuple[str, int]] = []


class Sealed(msgspec.Struct, frozen=True):
    """What lies sealed of an endpoint: its secret first, older ones with their ends, headers."""

    secrets: list[str]
    retiring: list[tuple[str, int]] = []
    headers: tuple[tuple[str, str], ...] = ()


class UidTaken(RingbackError):
    """Another endpoint of this tenant and mode has this own id."""


class Everything(msgspec.Struct, frozen=True):
    """All configuration at one version."""

    version: int
    hash_key: bytes
    tenants: list[Tenant]
    keys: dict[bytes, ApiKey]
    connections: list[StoredConnection]
    endpoints: list[StoredEndpoint]
    event_types: list[StoredType] = []
    everybody: people.Everybody = people.Everybody()


_opened = msgspec.json.Decoder(SealedConnection).decode
_sealed = msgspec.json.Decoder(Sealed).decode


def key_hash(key: str) -> bytes:
    """Hash an API key as it is stored."""
    return hashlib.sha256(key.encode()).digest()


def token_hash(token: str) -> bytes:
    """Hash a callback URL's token as it is stored."""
    return hashlib.sha256(token.encode()).digest()


async def check_vault(database: Database, vault: Vault) -> None:
    """Make sure that the secret key is the one this database was first started with.

    Raises:
        SettingsError: it is another one.

    """
    sealed = vault.seal(_CHECK_TEXT, _CHECK_ROW)
    await database.rows(query("configuration.set_key_check"), sealed)
    row = await database.row(query("configuration.installation"))
    assert row is not None
    opens(vault, row["key_check"])


def opens(vault: Vault, key_check: bytes) -> None:
    """Make sure that a secret key is the one of a database, by what that database keeps of it.

    Raises:
        SettingsError: it is another one.

    """
    try:
        vault.open(key_check, _CHECK_ROW)
    except VaultError as error:
        raise SettingsError(
            "RINGBACK_SECRET_KEY is not the key that this database was first started with. "
            "Start with the old key, or list both (new first, separated by a comma)."
        ) from error


async def load(database: Database, vault: Vault) -> Everything:
    """Read all configuration in one consistent snapshot."""
    async with database.acquire() as connection:
        return await read(connection, vault)


async def read(connection: DatabaseConnection, vault: Vault) -> Everything:
    """Read all configuration over a connection of the caller's."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        installation = await connection.fetchrow(query("configuration.installation"))
        assert installation is not None
        keys = await connection.fetch(query("configuration.keys"))
        tenants = await connection.fetch(query("configuration.tenants"))
        connections = await connection.fetch(query("configuration.connections"))
        endpoints = await connection.fetch(query("configuration.endpoints"))
        types = await event_types.every(connection)
        everybody = await people.everybody(connection)
    return Everything(
        version=installation["config_version"],
        hash_key=installation["hash_key"],
        tenants=[Tenant(*row) for row in tenants],
        keys={row["hash"]: _key(row) for row in keys},
        connections=[_connection(row, vault) for row in connections],
        endpoints=[_endpoint(row, vault) for row in endpoints],
        event_types=types,
        everybody=everybody,
    )


def _key(row: Row) -> ApiKey:
    expires = row["expires"]
    expires_ms = int(expires.timestamp() * 1000) if expires else None
    mode = Mode(row["mode"]) if row["mode"] else None
    scopes = None if row["scopes"] is None else frozenset(row["scopes"])
    return ApiKey(
        row["id"], row["tenant"], mode, expires_ms, scopes, row["rate"], row["burst"],
        row["masked"],
    )  # fmt: skip


def _connection(row: Row, vault: Vault) -> StoredConnection:
    opened = _opened(vault.open(row["sealed"], f"connection {row['id']}"))
    return StoredConnection(
        row["no"], row["id"], row["tenant"], Mode(row["mode"]), row["provider"], row["name"],
        opened.token, opened.config, row["created"], row["updated"], opened.public_url,
        opened.on_bad_signature, opened.previous, opened.pauses,
    )  # fmt: skip


def _endpoint(row: Row, vault: Vault) -> StoredEndpoint:
    opened = _sealed(vault.open(row["sealed"], f"endpoint {row['id']}"))
    keys = tuple(key for secret in opened.secrets if (key := secret_key(secret)) is not None)
    retiring = tuple(
        (key, until) for secret, until in opened.retiring if (key := secret_key(secret)) is not None
    )
    engine = Endpoint(
        no=row["no"], id=row["id"], tenant=row["tenant"], mode=Mode(row["mode"]), url=row["url"],
        event_types=tuple(row["event_types"]), keys=keys, disabled=row["disabled"] is not None,
        policy=_policy(row["policy"]), headers=opened.headers, retiring=retiring,
    )  # fmt: skip
    return StoredEndpoint(
        engine, opened.secrets, row["description"], row["created"], row["updated"], row["disabled"],
        row["disabled_for"], row["expires"], row["uid"], _metadata(row["metadata"]),
        opened.retiring,
    )  # fmt: skip


async def changed(connection: DatabaseConnection) -> int:
    """Move the configuration's version and tell every worker; part of the caller's transaction."""
    version: int = await connection.fetchval(query("configuration.change"))
    return version


async def announcements(dsn: str) -> AsyncIterator[None]:
    """Yield once connected, and again after every change that is announced.

    Raises:
        DatabaseUnavailable: the connection was lost; changes may have been missed.

    """
    connection = await connect(dsn)
    wake = asyncio.Event()

    def announced(*_: object) -> None:
        wake.set()

    connection.add_termination_listener(announced)
    try:
        await connection.add_listener(CHANNEL, announced)
        while not connection.is_closed():
            yield
            await wake.wait()
            wake.clear()
        raise DatabaseUnavailable("The connection that announces changes was lost.")
    finally:
        connection.terminate()


async def lagging(database: Database, version: int) -> int:
    """Count the living workers that have not yet seen a version."""
    row = await database.row(query("configuration.lagging"), version)
    assert row is not None
    return int(row["workers"])


async def add_tenant(connection: DatabaseConnection, id_: uuid.UUID, uid: str, name: str) -> Tenant:
    """Add a tenant, or return the one that has this uid already."""
    row = await connection.fetchrow(query("configuration.add_tenant"), id_, uid, name)
    assert row is not None
    return Tenant(*row)


async def add_key(
    connection: DatabaseConnection, id_: uuid.UUID, tenant: int, mode: int, key: str, name: str,
    *, scopes: list[str] | None = None, expires: datetime | None = None, rate: Rate | None = None,
    masked: bool = False,
) -> None:  # fmt: skip
    """Store an API key's hash and its last four characters; an operator's has tenant and mode 0."""
    await connection.execute(
        query("configuration.add_key"), id_, tenant, mode, key_hash(key), key[-4:], name, scopes,
        expires, *(rate or (None, None)), masked,
    )  # fmt: skip


async def add_connection(
    connection: DatabaseConnection, vault: Vault, new: StoredConnection
) -> int | None:
    """Add a connection and return its number, or None when its token is taken."""
    plain = msgspec.json.encode(
        SealedConnection(new.token, new.config, new.public_url, new.on_bad_signature)
    )
    number: int | None = await connection.fetchval(
        query("configuration.add_connection"), new.id, new.tenant, new.mode, new.provider,
        new.name, token_hash(new.token), vault.seal(plain, f"connection {new.id}"),
    )  # fmt: skip
    return number


async def change_connection(
    connection: DatabaseConnection,
    vault: Vault,
    place: tuple[uuid.UUID, int, Mode],
    name: str | None,
    change: Reseal,
) -> bool:
    """Change what lies sealed of a connection, and its name if given; False when it is gone."""
    sealed = await connection.fetchval(query("configuration.read_sealed_connection"), *place)
    if sealed is None:
        return False
    row = f"connection {place[0]}"
    written = vault.seal(msgspec.json.encode(change(_opened(vault.open(sealed, row)))), row)
    await connection.execute(query("configuration.change_connection"), *place, name, written)
    return True


async def add_endpoint(connection: DatabaseConnection, vault: Vault, new: StoredEndpoint) -> int:
    """Add an endpoint and return its number. Raises UidTaken."""
    engine = new.engine
    plain = Sealed(new.secrets, new.retiring, engine.headers)
    sealed = vault.seal(msgspec.json.encode(plain), f"endpoint {engine.id}")
    async with _claiming_uid(connection, new):
        number: int = await connection.fetchval(
            query("configuration.add_endpoint"), engine.id, engine.tenant, engine.mode, engine.url,
            new.description, list(engine.event_types), sealed, new.expires,
            msgspec.json.encode(engine.policy), new.uid, msgspec.json.encode(new.metadata),
        )  # fmt: skip
    return number


@asynccontextmanager
async def _claiming_uid(
    connection: DatabaseConnection, endpoint: StoredEndpoint
) -> AsyncIterator[None]:
    """Take an own id from a test endpoint that has ended. Raises UidTaken if another has it."""
    if endpoint.uid is not None:
        engine = endpoint.engine
        await connection.execute(
            query("configuration.free_uid"), engine.tenant, engine.mode, endpoint.uid
        )
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise UidTaken("Another endpoint has this own id.") from None


async def reseal_endpoint(
    connection: DatabaseConnection,
    vault: Vault,
    engine: Endpoint,
    change: Callable[[Sealed], Sealed],
) -> bool:
    """Change what lies sealed of an endpoint, whoever else does so; False when it is gone."""
    place, row = (engine.id, engine.tenant, engine.mode), f"endpoint {engine.id}"
    sealed = await connection.fetchval(query("configuration.read_sealed"), *place)
    if sealed is None:
        return False
    changed_ = change(_sealed(vault.open(sealed, row)))
    written = vault.seal(msgspec.json.encode(changed_), row)
    await connection.execute(query("configuration.write_sealed"), *place, written)
    return True


async def held_endpoint(
    connection: DatabaseConnection, vault: Vault, place: tuple[uuid.UUID, int, Mode]
) -> StoredEndpoint | None:
    """Read an endpoint, or None; nobody else changes it until this transaction ends."""
    row = await connection.fetchrow(query("configuration.held_endpoint"), *place)
    return None if row is None else _endpoint(row, vault)


async def move_endpoint(
    connection: DatabaseConnection, vault: Vault, endpoint: Endpoint, url: str
) -> StoredEndpoint | None:
    """Give an endpoint another URL, and leave all else of it as it is; None when it is gone."""
    known = await held_endpoint(connection, vault, (endpoint.id, endpoint.tenant, endpoint.mode))
    if known is None:
        return None
    moved = msgspec.structs.replace(known, engine=msgspec.structs.replace(known.engine, url=url))
    await update_endpoint(connection, moved)
    return moved


async def update_endpoint(connection: DatabaseConnection, changed_: StoredEndpoint) -> bool:
    """Write a held endpoint's changeable fields; False when it is gone. Raises UidTaken."""
    engine = changed_.engine
    async with _claiming_uid(connection, changed_):
        number = await connection.fetchval(
            query("configuration.update_endpoint"), engine.id, engine.tenant, engine.mode,
            engine.url, changed_.description, list(engine.event_types), engine.disabled,
            changed_.disabled_for, changed_.expires, msgspec.json.encode(engine.policy),
            changed_.uid, msgspec.json.encode(changed_.metadata),
        )  # fmt: skip
    return number is not None


async def disable_endpoint(
    connection: DatabaseConnection, endpoint: Endpoint, reason: str
) -> datetime | None:
    """Disable an endpoint and return when; None if it is disabled, has another URL, or is gone."""
    at: datetime | None = await connection.fetchval(
        query("configuration.disable_endpoint"), endpoint.id, endpoint.tenant, endpoint.mode,
        endpoint.url, reason,
    )  # fmt: skip
    return at


async def delete_connection(
    connection: DatabaseConnection, id_: uuid.UUID, tenant: int, mode: Mode
) -> bool:
    """Take a connection out of service; False when there is none of this id."""
    number = await connection.fetchval(query("configuration.delete_connection"), id_, tenant, mode)
    return number is not None


async def delete_endpoint(
    connection: DatabaseConnection, id_: uuid.UUID, tenant: int, mode: Mode
) -> bool:
    """Take an endpoint out of service; False when there is none of this id."""
    number = await connection.fetchval(query("configuration.delete_endpoint"), id_, tenant, mode)
    return number is not None
