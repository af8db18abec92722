"""What a start makes when it is missing: the first tenant, its key, and the demo's connections.

Run by the supervisor before the workers start; running it again changes nothing.
"""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ringback.domain.endpoints import Endpoint, Mode, Tenant
from ringback.domain.ids import IdSequence, show
from ringback.domain.signing import SECRET_BYTES, new_secret
from ringback.services import profile
from ringback.services.clock import Clock
from ringback.storage import configuration as stored
from ringback.storage.database import Connection, Database
from ringback.storage.vault import Vault

WHATSAPP_TOKEN = "demo-whatsapp"  # noqa: S105 - a name in a URL of the demo
BANDWIDTH_TOKEN = "demo-bandwidth"  # noqa: S105 - a name in a URL of the demo
SIMULATOR_TOKEN = "demo-simulator"  # noqa: S105 - a name in a URL of the demo
INSPECTOR = "demo"


class Started(msgspec.Struct, frozen=True):
    """What there is after a start: the profile, whether its key is new, and the demo's secrets."""

    profile: profile.Profile
    fresh_key: bool
    demo: dict[str, str]
    demo_file: Path | None


async def prepare(dsn: str, vault: Vault, base_url: str, *, demo: bool) -> Started:
    """Make what is missing and return what there is.

    Raises:
        SettingsError: the secret key is not the one of this database.
        StartupError: the profile cannot be read or written.

    """
    database = Database(dsn)
    await database.open()
    try:
        await stored.check_vault(database, vault)
        everything = await stored.load(database, vault)
        ids = IdSequence(Clock().now_ms(), os.urandom(10))
        async with database.acquire() as connection, connection.transaction():
            tenant = await stored.add_tenant(connection, ids.next(), "default", "Default")
            mine, fresh = await _key(connection, everything, tenant, base_url, ids, demo=demo)
            known = _demo(everything)
            if demo:
                known = await _add_demo(connection, vault, tenant, base_url, ids, known)
            await stored.changed(connection)
    finally:
        await database.close()
    file = _write_demo_file(mine, known) if demo else None
    return Started(mine, fresh, known, file)


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
    mine = profile.read(base_url)
    if mine is not None:
        known = everything.keys.get(stored.key_hash(mine.api_key))
        if known is not None and (known.mode == mode or not demo):
            return mine, False
    key = f"rk_{mode.word}_{secrets.token_urlsafe(32)}"
    await stored.add_key(connection, ids.next(), tenant.no, mode, key, "first start")
    return profile.write(base_url, key), True


def _demo(everything: stored.Everything) -> dict[str, str]:
    """Collect the demo's secrets from connections that an earlier start made."""
    found: dict[str, str] = {}
    for row in everything.connections:
        if row.token == WHATSAPP_TOKEN:
            found["DEMO_WHATSAPP_SECRET"] = str(row.config["app_secret"])
        elif row.token == BANDWIDTH_TOKEN:
            found["DEMO_BANDWIDTH_USER"] = str(row.config["username"])
            found["DEMO_BANDWIDTH_PASSWORD"] = str(row.config["password"])
        elif row.token == SIMULATOR_TOKEN:
            found["DEMO_SIMULATOR"] = show("con", row.id)
    for endpoint in everything.endpoints:
        if endpoint.engine.url.endswith(f"/inspect/{INSPECTOR}"):
            found["DEMO_ENDPOINT_SECRET"] = endpoint.secrets[0]
    return found


async def _add_demo(
    connection: Connection,
    vault: Vault,
    tenant: Tenant,
    base_url: str,
    ids: IdSequence,
    known: dict[str, str],
) -> dict[str, str]:
    made = dict(known)
    if "DEMO_WHATSAPP_SECRET" not in made:
        made["DEMO_WHATSAPP_SECRET"] = secrets.token_hex(16)
        config: dict[str, object] = {
            "app_secret": made["DEMO_WHATSAPP_SECRET"],
            "verify_token": secrets.token_hex(8),
        }
        new = _connection(ids, tenant, "whatsapp", "Demo WhatsApp", WHATSAPP_TOKEN, config)
        await stored.add_connection(connection, vault, new)
    if "DEMO_BANDWIDTH_USER" not in made:
        made["DEMO_BANDWIDTH_USER"] = "demo"
        made["DEMO_BANDWIDTH_PASSWORD"] = secrets.token_hex(12)
        config = {
            "username": made["DEMO_BANDWIDTH_USER"],
            "password": made["DEMO_BANDWIDTH_PASSWORD"],
        }
        new = _connection(ids, tenant, "bandwidth", "Demo Bandwidth", BANDWIDTH_TOKEN, config)
        await stored.add_connection(connection, vault, new)
    if "DEMO_SIMULATOR" not in made:
        config = {"secret": secrets.token_hex(16)}
        new = _connection(ids, tenant, "simulator", "Demo simulator", SIMULATOR_TOKEN, config)
        await stored.add_connection(connection, vault, new)
        made["DEMO_SIMULATOR"] = show("con", new.id)
    if "DEMO_ENDPOINT_SECRET" not in made:
        secret = new_secret(os.urandom(SECRET_BYTES))
        made["DEMO_ENDPOINT_SECRET"] = secret
        url = f"{base_url}/inspect/{INSPECTOR}"
        engine = Endpoint(0, ids.next(), tenant.no, Mode.TEST, url, ("*",), ())
        now = datetime.now(UTC)
        endpoint = stored.StoredEndpoint(
            engine, [secret], "The built-in inspector", now, now, None, None, None
        )
        await stored.add_endpoint(connection, vault, endpoint)
    return made


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
    port = mine.url.rpartition(":")[2]
    name = "demo.env" if mine.name == "default" else f"demo-{port}.env"
    file = profile.config_dir() / name
    values = {"RINGBACK_URL": mine.url, "RINGBACK_API_KEY": mine.api_key, **demo}
    text = "".join(f"export {key}='{value}'\n" for key, value in values.items())
    profile.write_private(file, text)
    return file
