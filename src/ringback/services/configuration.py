"""Configuration in memory: one snapshot a worker, replaced within moments of a change anywhere.

A change is committed with a new version and announced; whoever made it answers only when every
living worker has seen it, so that what it says is true everywhere from then on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import structlog

from ringback.domain.endpoints import Connection, Tenant
from ringback.domain.ids import show
from ringback.providers import registry
from ringback.providers.base import ProviderConfig
from ringback.providers.config import ConfigError, load_config
from ringback.services.snapshot import Snapshot
from ringback.services.trouble import Trouble
from ringback.services.workers import LEASE_S
from ringback.storage import configuration as stored
from ringback.storage.database import Connection as DatabaseConnection
from ringback.storage.database import Database
from ringback.storage.vault import Vault

_RECONNECT_S = 1.0
log = structlog.get_logger()


class Configuration:
    """Holds the current snapshot and the full rows that people look at."""

    def __init__(
        self, database: Database, vault: Vault, hung_s: float = LEASE_S, base_url: str = ""
    ) -> None:
        """Take what it is read from; `reload` reads it.

        A worker that shows no sign of a change for `hung_s` seconds hangs, and has no lease left.
        """
        self._database = database
        self._hung_s = hung_s
        self._base_url = base_url
        self.vault = vault
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._everything: stored.Everything | None = None
        self._version = 0
        self._on_reload: list[Callable[[Snapshot], None]] = []

    @property
    def snapshot(self) -> Snapshot:
        """What the hot path goes by."""
        assert self._snapshot is not None
        return self._snapshot

    @property
    def everything(self) -> stored.Everything:
        """What the API shows."""
        assert self._everything is not None
        return self._everything

    @property
    def version(self) -> int:
        """The version that all who follow the configuration go by; 0 before the first load."""
        return self._version

    def on_reload(self, hook: Callable[[Snapshot], None]) -> None:
        """Call `hook` with every new snapshot.

        While one fails, the version does not count as seen: a beat reads it again, and if that is
        in vain this worker loses its lease, instead of acting on what is no longer true.
        """
        self._on_reload.append(hook)

    async def reload(self, at_least: int = 0) -> None:
        """Read everything again, unless the version in memory is new enough already."""
        async with self._lock:
            if at_least and self.version >= at_least:
                return
            everything = await stored.load(self._database, self.vault)
            self._take(everything)

    async def reload_over(self, connection: DatabaseConnection) -> None:
        """Read a newer version over a connection of the caller's.

        That waits for nobody: not for the pool, and not for a reload that does.
        """
        everything = await stored.read(connection, self.vault)
        if everything.version > self.version:
            self._take(everything)

    def _take(self, everything: stored.Everything) -> None:
        if self._snapshot is not None and everything.version < self._snapshot.version:
            return
        self._everything = everything
        self._snapshot = arrange(everything)
        self._snapshot.base_url = self._base_url
        for hook in self._on_reload:
            hook(self._snapshot)
        self._version = self._snapshot.version

    @asynccontextmanager
    async def change(self) -> AsyncIterator[DatabaseConnection]:
        """Make a change in one transaction; on leaving, every living worker has seen it.

        A worker that hangs is waited for until its lease has ended: from then on it does nothing.
        """
        async with self._database.acquire() as connection, connection.transaction():
            yield connection
            version = await stored.changed(connection)
        await self.reload(version)
        await self._until_seen(version)

    async def _until_seen(self, version: int) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._hung_s
        while await stored.lagging(self._database, version) and loop.time() < deadline:
            await asyncio.sleep(0.05)

    async def listen(self, seen: Callable[[], None]) -> None:
        """Follow announcements for ever; `seen` is called after each reload."""
        trouble = Trouble("configuration")
        while True:
            with trouble:
                async for _ in stored.announcements(self._database.dsn):
                    await self.reload()
                    seen()
                    trouble.over()
            await asyncio.sleep(_RECONNECT_S)


def arrange(everything: stored.Everything) -> Snapshot:
    """Arrange configuration for the hot path; leave out a connection that cannot be understood."""
    connections: dict[str, Connection] = {}
    for row in everything.connections:
        try:
            provider = registry.get(row.provider)
            config = load_config(provider.Config, row.config)
            previous = tuple(_earlier(provider.Config, row))
        except (registry.UnknownProviderError, ConfigError) as error:
            log.warning("connection.unusable", connection=str(row.id), reason=str(error))
            continue
        connections[row.token] = Connection(
            row.no, row.id, row.tenant, row.mode, row.provider, row.name, row.token, config,
            row.public_url, row.quarantines, previous, row.pauses,
        )  # fmt: skip
    return Snapshot(
        version=everything.version,
        hash_key=everything.hash_key,
        tenants={tenant.no: tenant for tenant in everything.tenants},
        keys=everything.keys,
        connections=connections,
        endpoints={row.engine.no: row.engine for row in everything.endpoints},
        tenants_by_name=by_name(everything.tenants),
        endpoints_by_name=dict(_names(everything.endpoints)),
        people=everything.everybody.people,
        sessions=everything.everybody.sessions,
        own_types={(*one.scope, one.own.name): one.own for one in everything.event_types},
    )


def _earlier(
    kind: type[ProviderConfig], row: stored.StoredConnection
) -> Iterator[tuple[ProviderConfig, int]]:
    """Go through earlier configs that can still be understood."""
    for raw, until in row.previous:
        with contextlib.suppress(ConfigError):
            yield load_config(kind, raw), until


def _names(endpoints: list[stored.StoredEndpoint]) -> Iterator[tuple[tuple[int, int, str], int]]:
    """Go through what endpoints are called: by their owners, and by us."""
    for row in endpoints:
        engine = row.engine
        if row.uid is not None:
            yield (engine.tenant, engine.mode, row.uid), engine.no
        yield (engine.tenant, engine.mode, show("end", engine.id)), engine.no


def by_name(tenants: list[Tenant]) -> dict[str, Tenant]:
    """Arrange the tenants that there are by their ids and by their own."""
    there = [tenant for tenant in tenants if not tenant.deleted]
    own = {tenant.uid: tenant for tenant in there if tenant.uid is not None}
    return own | {show("ten", tenant.id): tenant for tenant in there}
