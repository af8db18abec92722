"""What a start makes when it is missing: the first tenant, its key, and the demo's connections.

Run by the supervisor before the workers start; running it again changes nothing.
"""

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from ringback.domain.endpoints import Endpoint, Mode, Tenant
from ringback.domain.ids import IdSequence, show
from ringback.domain.signing import SECRET_BYTES, new_secret
from ringback.services import profile
from ringback.services.clock import Clock
from ringback.services.demo.install import Installer, names_of_keys, script_of
from ringback.services.demo.plan import DEFAULT, DemoSet
from ringback.services.demo.start import Played
from ringback.services.keys import new_key
from ringback.services.sign_in import new_link
from ringback.storage import configuration as stored
from ringback.storage import messages
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope, Window
from ringback.storage.vault import Vault

WHATSAPP_TOKEN = "demo-whatsapp"  # noqa: S105 - a name in a URL of the demo
BANDWIDTH_TOKEN = "demo-bandwidth"  # noqa: S105 - a name in a URL of the demo
SIMULATOR_TOKEN = "demo-simulator"  # noqa: S105 - a name in a URL of the demo
_PLACE = "/inspect/demo"


class Started(msgspec.Struct, frozen=True):
    """What there is after a start: the profile, whether its key is new, and the demo's secrets.

    `operator_key` is one that was asked for, `sign_in` what is in a link for the owner, while
    nobody has a password, or with the demo; both are kept nowhere. `played` is what the demo's own
    process is told, when its data set has anything to play.
    """

    profile: profile.Profile
    fresh_key: bool
    operator_key: str | None
    demo: dict[str, str]
    demo_file: Path | None
    played: Played | None = None
    sign_in: str | None = None


class Demo(NamedTuple):
    """Which data set, where its receivers are, and where its callbacks go, without a slash."""

    plan: DemoSet
    receivers: str = ""
    door: str = ""


async def prepare(
    dsn: str, vault: Vault, base_url: str, *, demo: Demo | None = None, operator: bool = False,
    sign_in_link: bool = False,
) -> Started:  # fmt: skip
    """Make what is missing and return what there is.

    With `operator` also an operator's key, with `sign_in_link` a link in any case.

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
            mine, fresh = await _key(
                connection, everything, tenant, base_url, ids, demo=demo is not None
            )
            operator_key = new_key("operator") if operator else None
            if operator_key is not None:
                await stored.add_key(connection, ids.next(), 0, 0, operator_key, "at a start")
            always = sign_in_link or demo is not None
            link = await _link(connection, everything, always=always)
            if demo is None:
                return Started(mine, fresh, operator_key, {}, None, sign_in=link)
            installer = Installer(connection, vault, ids, everything, (base_url, demo.receivers))
            endpoint = await _add_endpoint(connection, vault, tenant, base_url, ids, everything)
            file = _demo_file(mine)
            names = await names_of_keys(database, everything, demo.plan)
            tenants = await installer.tenants(demo.plan, tenant)
            rows = await installer.connections(demo.plan.connections, tenants)
            keys = await _keys(installer, tenants, mine, _written(file))
            endpoints = await installer.endpoints(demo.plan, tenants)
            await installer.types(demo.plan, tenants)
            await installer.keys(demo.plan, tenants, names)
        told = _told(rows, endpoint) | {
            _variable(uid): key for uid, key in keys.items() if uid != DEFAULT
        }
        _write_demo_file(file, mine, told)
        script = script_of(demo.plan, demo.door, rows, keys, endpoints)
        newest = await _newest_ms(database, tenant)
    finally:
        await database.close()
    played = Played(script, newest) if demo.plan.courses else None
    return Started(mine, fresh, operator_key, told, file, played, link)


async def _link(
    connection: Connection, everything: stored.Everything, *, always: bool
) -> str | None:
    """Make a link for the owner while nobody has chosen a password, or always."""
    if not always and any(one.secured for one in everything.everybody.people.values()):
        return None
    return await new_link(connection, "first_run", None)


def _variable(uid: str) -> str:
    """Name the shell variable that has the key of a tenant."""
    return f"DEMO_KEY_{uid.upper().replace('-', '_')}"


async def _keys(
    installer: Installer, tenants: dict[str, Tenant], mine: profile.Profile, known: dict[str, str]
) -> dict[str, str]:
    """Return a key of each tenant: of the first the profile's, of others what the file has."""
    return {
        uid: mine.api_key
        if uid == DEFAULT
        else await installer.key_of(tenant, known.get(_variable(uid)))
        for uid, tenant in tenants.items()
    }


async def _newest_ms(database: Database, tenant: Tenant) -> int:
    """Return when the newest test message of a tenant became known, 0 if there is none."""
    found = await messages.newest(database, Scope(tenant.no, Mode.TEST), Window(1))
    # The first 48 bits of an id are its time.
    return found.rows[0].id.int >> 80 if found.rows else 0


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
            moved = await stored.move_endpoint(connection, vault, old, url)
            if moved is not None:
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


def _demo_file(mine: profile.Profile) -> Path:
    """Return the file for what the commands of the README need; another's is left alone."""
    file = profile.config_dir() / "demo.env"
    with profile.explained(file):
        theirs = file.exists() and _first_line(mine) not in file.read_text(encoding="utf-8")
    return file.with_name(f"demo-{mine.name}.env") if theirs else file


def _first_line(mine: profile.Profile) -> str:
    return f"export RINGBACK_URL={shlex.quote(mine.url)}"


def _written(file: Path) -> dict[str, str]:
    """Read the variables that an earlier start wrote."""
    with profile.explained(file):
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = (shlex.split(line)[1].partition("=") for line in lines if line.startswith("export "))
    return {name: value for name, _, value in found}


def _write_demo_file(file: Path, mine: profile.Profile, demo: dict[str, str]) -> None:
    """Write what the commands of the README need as shell variables, for their owner only."""
    values = {"RINGBACK_API_KEY": mine.api_key, **demo}
    lines = [f"export {key}={shlex.quote(value)}" for key, value in values.items()]
    with profile.explained(file):
        profile.write_private(file, "\n".join([_first_line(mine), *lines, ""]))
