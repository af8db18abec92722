"""Running every check, one after the other, whatever some of them meet."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ringback.errors import RingbackError, SettingsError
from ringback.services.doctor import (
    address,
    clock,
    configured,
    database,
    disk,
    egress,
    sealed,
    serving,
    versions,
)
from ringback.services.doctor.finding import Check, Finding, Found, Ground, Group, problem, skipped
from ringback.services.embedded.server import default_data_dir, embedded_dsn
from ringback.settings import load
from ringback.transport.client import Client

PATIENCE_S = 30.0
GROUPS: tuple[Group, ...] = (
    versions.GROUP, configured.GROUP, database.GROUP, clock.GROUP, disk.GROUP, sealed.GROUP,
    serving.GROUP, address.GROUP, egress.GROUP,
)  # fmt: skip
_WITHOUT = {
    "settings": "the settings cannot be read",
    "connection": "the database could not be asked",
    "server": "the database could not be asked",
    "migrated": "no database of this version could be asked",
    "secret_key": "there is no secret key",
    "everything": "the configuration was not read",
}


async def examine(begins: Callable[[Check], None]) -> AsyncIterator[tuple[Group, Finding]]:
    """Run every check and give what each finds; `begins` is called before each."""
    client = Client()
    ground = Ground(os.environ, client)
    _prepare(ground)
    try:
        for group in GROUPS:
            for check in group.checks:
                begins(check)
                for found in await _look(check, ground):
                    yield group, Finding(check.name, found.state, found.says, found.fix)
    finally:
        await client.close()
        if ground.connection is not None:
            ground.connection.terminate()


async def _look(check: Check, ground: Ground) -> list[Found]:
    for need in check.needs:
        if not getattr(ground, need):
            return [skipped(f"Not looked at, {_WITHOUT[need]}: {check.looks.replace('`', '')}.")]
    try:
        async with asyncio.timeout(PATIENCE_S):
            return list(await check.look(ground))
    except TimeoutError:
        fix = "Try again; if it stays, what it asks hangs."
        return [problem(f"No answer within {PATIENCE_S:.0f} s.", fix)]
    except Exception as error:
        # A broken installation breaks checks in ways that nobody thought of; the others go on.
        # The text of an error could hold anything: only errors of ours are known to be clean.
        words = str(error) if isinstance(error, RingbackError) else type(error).__name__
        return [problem(f"The check itself failed: {words}", "Report it, with this line.")]


def _prepare(ground: Ground) -> None:
    """Find out what is to be looked at; it opens nothing but small files."""
    try:
        ground.settings = settings = load()
    except SettingsError as error:
        ground.fault = str(error)
        return
    if settings.database_url:
        ground.dsn, ground.secret_key = settings.database_url, settings.secret_key
        return
    ground.embedded = True
    try:
        ground.data_dir = (settings.data_dir or default_data_dir()).expanduser().resolve()
        ground.dsn = embedded_dsn(ground.data_dir)
    except (RingbackError, OSError):
        ground.dsn = None
    ground.secret_key = settings.secret_key or _kept_key(ground.data_dir)


def _kept_key(directory: Path | None) -> str | None:
    try:
        text = (directory / "secret_key").read_text(encoding="ascii") if directory else ""
    except (OSError, ValueError):
        return None
    return text.strip() or None
