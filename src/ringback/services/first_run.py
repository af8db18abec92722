"""What a start makes when it is missing: the first tenant, its key, and the demo's connections.

Run by the supervisor before the workers start; running it again changes nothing.
"""

import os
import secrets
import shlex
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ringback.domain.endpoints import Endpoint, Mode, Tenant
from ringback.domain.ids import IdSequence, show
from ringback.domain.signing import SECRET_BYTES, new_secret
from ringback.services import profile
from ringback.services.clock import Clock
from ringback.services.keys import new_key
from ringback.storage import configuration as stored
from ringback.storage.database import Connection, Database
from ringback.storage.vault import Vault

WHATSAPP_TOKEN = "demo-whatsapp"  # noqa: S105 - a name in a URL of the demo
BANDWIDTH_TOKEN = "demo-bandwidth"  # noqa: S105 - a name in a URL of the demo
SIMULATOR_TOKEN = "demo-simulator"  # noqa: S105 - a name in a URL of the demo
_PLACE = "/inspect/demo"


class Started(msgspec.Struct, frozen=True):
    """What there is after a start: the profile, whether its key is new, and the demo's secrets.

    `operator_key` is one that was asked for; it is kept nowhere.
    """

    profile: profile.Profile
    fresh_key: bool
    operator_key: str | None
    demo: dict[str, str]
    demo_file: Path | None


async def prepare(
    dsn: str, vault: Vault, base_url: str, *, demo: bool, operator: bool = False
) -> Started:
    """Make what is missing and return what there is; with `operator` also an operator's key.

    Raises:
        SettingsError: the secret key is not the one of this database.
        StartupError: the profile cannot be read or written.

    """
    database = Database(dsn)
    await database.open()
    try:
        await stored.check_vault(database, vault)
        ids = IdSequence(Clock().now_ms(), os.urandom(10))
        async with database.acquire() as connection, connection.transaction():
            await stored.changed(connection)  # first: only one start at a time gets past this
            everything = await stored.load(database, vault)
            tenant = await stored.add_tenant(connection, ids.next(), "default", "Default")
            mine, fresh = await _key(connection, everything, tenant, base_url, ids, demo=demo)
            operator_key = new_key("operator") if operator else None
            if operator_key is not None:
                await stored.add_key(connection, ids.next(), 0, 0, operator_key, "at a start")
            if demo:
                rows = await _add_connections(connection, vault, tenant, ids, everything)
                endpoint = await _add_endpoint(connection, vault, tenant, base_url, ids, everything)
    finally:
        await database.close()
    if not demo:
        return Started(mine, fresh, operator_key, {}, None)
    known = _told([*everything.connections, *rows], endpoint)
    return Started(mine, fresh, operator_key, known, _write_demo_file(mine, known))


async def ground(dsn: str, vault: Vault | None, *, operator: bool = False) -> str | None:
    """Make the first tenant if it is missing, and with `operator` an operator's key; return that.

    Raises:
        SettingsError: the secret key is not the one of this database.

    """
    database = Database(dsn)
    await database.open()
    try:
        if vault is not None:
            await stored.check_vault(database, vault)
        ids = IdSequence(Clock().now_ms(), os.urandom(10))
        key = new_key("operator") if operator else None
        async with database.acquire() as connection, connection.transaction():
            await stored.changed(connection)
            await stored.add_tenant(connection, ids.next(), "default", "Default")
            if key is not None:
                await stored.add_key(connection, ids.next(), 0, 0, key, "by ringback migrate")
    finally:
        await database.close()
    return key


async def _key(
    connection: Connection,
    everything: stored.Everything,
    tenant: Tenant,
    base_url: str,
    ids: IdSequence,
    *,
    demo: bool,
) -> tuple[profile.Profile, bool]:
    """Return the profile of this installation; a new key when it has none that works."""
    mode = Mode.TEST if demo else Mode.LIVE
    usable = []
    for mine in profile.read_all(base_url):
        known = everything.keys.get(stored.key_hash(mine.api_key))
        if known is not None and (known.mode == mode or not demo):
            usable.append((known.mode != mode, mine))
    if usable:
        return min(usable, key=lambda each: each[0])[1], False
    key = new_key(mode.word)
    await stored.add_key(connection, ids.next(), tenant.no, mode, key, "first start")
    return profile.write(base_url, key), True


def _demo_config() -> dict[str, tuple[str, str, dict[str, object]]]:
    """Think of new secrets for the demo: token → provider, name, config."""
    return {
        WHATSAPP_TOKEN: (
            "whatsapp",
            "Demo WhatsApp",
            {"app_secret": secrets.token_hex(16), "verify_token": secrets.token_hex(8)},
        ),
        BANDWIDTH_TOKEN: (
            "bandwidth",
            "Demo Bandwidth",
            {"username": "demo", "password": secrets.token_hex(12)},
        ),
        SIMULATOR_TOKEN: ("simulator", "Demo simulator", {"secret": secrets.token_hex(16)}),
    }


async def _add_connections(
    connection: Connection,
    vault: Vault,
    tenant: Tenant,
    ids: IdSequence,
    everything: stored.Everything,
) -> list[stored.StoredConnection]:
    """Add the demo's connections that are missing. One that was deleted stays so."""
    there = {row.token for row in everything.connections}
    made = []
    for token, (provider, name, config) in _demo_config().items():
        new = _connection(ids, tenant, provider, name, token, config)
        if token not in there and await stored.add_connection(connection, vault, new) is not None:
            made.append(new)
    return made


async def _add_endpoint(
    connection: Connection,
    vault: Vault,
    tenant: Tenant,
    base_url: str,
    ids: IdSequence,
    everything: stored.Everything,
) -> stored.StoredEndpoint:
    """Return the demo's endpoint: the inspector, wherever this installation listens now."""
    url = base_url + _PLACE
    for row in everything.endpoints:
        old = row.engine
        if old.mode is Mode.TEST and old.url == url:
            return row
        # Only this one has no end: test endpoints of people have.
        if old.mode is Mode.TEST and row.expires is None and old.url.endswith(_PLACE):
            moved = msgspec.structs.replace(row, engine=msgspec.structs.replace(old, url=url))
            await stored.update_endpoint(connection, moved)
            return moved
    engine = Endpoint(0, ids.next(), tenant.no, Mode.TEST, url, ("*",), ())
    now = datetime.now(UTC)
    endpoint = stored.StoredEndpoint(
        engine, [new_secret(os.urandom(SECRET_BYTES))], "The built-in inspector", now, now,
        None, None, None,
    )  # fmt: skip
    await stored.add_endpoint(connection, vault, endpoint)
    return endpoint


def _told(
    connections: list[stored.StoredConnection], endpoint: stored.StoredEndpoint
) -> dict[str, str]:
    """Collect the demo's secrets, under the names that the commands of the README use."""
    found: dict[str, str] = {}
    for row in connections:
        if row.token == WHATSAPP_TOKEN:
            found["DEMO_WHATSAPP_SECRET"] = str(row.config["app_secret"])
        elif row.token == BANDWIDTH_TOKEN:
            found["DEMO_BANDWIDTH_USER"] = str(row.config["username"])
            found["DEMO_BANDWIDTH_PASSWORD"] = str(row.config["password"])
        elif row.token == SIMULATOR_TOKEN:
            found["DEMO_SIMULATOR"] = show("con", row.id)
    found["DEMO_ENDPOINT_SECRET"] = endpoint.secrets[0]
    return found


def _connection(
    ids: IdSequence,
    tenant: Tenant,
    provider: str,
    name: str,
    token: str,
    config: dict[str, object],
) -> stored.StoredConnection:
    now = datetime.now(UTC)
    return stored.StoredConnection(
        0, ids.next(), tenant.no, Mode.TEST, provider, name, token, config, now, now
    )


def _write_demo_file(mine: profile.Profile, demo: dict[str, str]) -> Path:
    """Write what the commands of the README need as shell variables, for their owner only."""
    values = {"RINGBACK_URL": mine.url, "RINGBACK_API_KEY": mine.api_key, **demo}
    text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in values.items())
    file = profile.config_dir() / "demo.env"
    with profile.explained(file):
        if file.exists() and text.split("\n", 1)[0] not in file.read_text(encoding="utf-8"):
            file = file.with_name(f"demo-{mine.name}.env")  # that one is another's
        profile.write_private(file, text)
    return file
