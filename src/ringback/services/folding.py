"""The sweep that folds what was committed into the roll-ups that figures are read from.

One worker at a time, chunk by chunk: each chunk is one short transaction that moves its place
together with its counts, so whatever is killed, everything is counted once (ADR 40).
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from ringback.domain.endpoints import Mode, Tenant
from ringback.services.clock import Clock
from ringback.services.trouble import Trouble
from ringback.storage import rollups
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope

EVERY_S = 5.0
# Where looking for what waits takes long, because there are many tenants, it is done less often: it
# takes a hundredth of the time, and half a minute passes at most.
SELDOM = 100
RARELY_S = 25.0
# What waits is folded once it is so much, or has waited for so long.
LEAST = 2_000
AT_LEAST_EVERY_S = 55.0
# Attempts and callbacks.
IDS_EVERY_S = 30.0
CHUNK = 5_000
# Between two chunks, so that catching up takes no more than half a core.
PAUSE_S = 0.03
EXPIRE_EVERY_S = 600.0
log = structlog.get_logger()


class Folding:
    """Folds for all tenants, again and again."""

    def __init__(
        self, database: Database, clock: Clock, tenants: Callable[[], Iterable[Tenant]]
    ) -> None:
        """Take the edges, and what says which tenants there are."""
        self._database = database
        self._clock = clock
        self._tenants = tenants
        # When each had nothing to fold: what came earlier need not be looked through again.
        self._looked: dict[Scope, int] = {}
        self._look_s = 0.0
        self._expired_at: float | None = None

    async def run(self) -> None:
        """Fold every few seconds, for ever; what stops it once is tried again."""
        trouble = Trouble("folding")
        while True:
            await asyncio.sleep(EVERY_S + min(SELDOM * self._look_s, RARELY_S))
            with trouble:
                await self.once()

    async def once(
        self,
        *,
        least: int = LEAST,
        after_s: float = AT_LEAST_EVERY_S,
        ids_after_s: float = IDS_EVERY_S,
        grace_s: float = rollups.GRACE_S,
    ) -> None:
        """Fold what is due; nothing while another worker is at it."""
        async with self._database.acquire() as connection:
            async with connection.transaction():
                if not await rollups.alone(connection):
                    return
                scopes = await self._due(connection, least, after_s)
                kinds = await rollups.due(connection, ids_after_s)
            for scope in scopes:
                await self._messages(connection, scope)
            for kind in kinds:
                await self._ids(connection, kind, self._clock.now_ms() - round(grace_s * 1000))
            await self._expire(connection)

    async def _due(self, connection: Connection, least: int, after_s: float) -> list[Scope]:
        looked = {
            scope: self._looked.get(scope, 0)
            for tenant in self._tenants()
            if not tenant.deleted
            for scope in (Scope(tenant.no, mode) for mode in Mode)
        }
        now_ms, began = self._clock.now_ms(), asyncio.get_running_loop().time()
        waiting = await rollups.waiting(connection, looked, now_ms, least, after_s)
        self._look_s = asyncio.get_running_loop().time() - began
        self._looked = {
            scope: at_ms if scope in waiting else now_ms for scope, at_ms in looked.items()
        }
        return [scope for scope, due in waiting.items() if due]

    async def _messages(self, connection: Connection, scope: Scope) -> None:
        while True:
            async with connection.transaction():
                if not await rollups.alone(connection):
                    return
                folded = await rollups.fold_messages(connection, scope, CHUNK)
            if folded < max(CHUNK - rollups.CUT_MAX, 1):
                return
            await asyncio.sleep(PAUSE_S)

    async def _ids(self, connection: Connection, kind: int, before_ms: int) -> None:
        more = True
        while more:
            async with connection.transaction():
                if not await rollups.alone(connection):
                    return
                more = await rollups.fold_ids(connection, kind, before_ms, CHUNK)
                late = 0 if more else await rollups.check_minutes(connection, kind)
            if late:
                log.info("folding.late", items=late)
            if more:
                await asyncio.sleep(PAUSE_S)

    async def _expire(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if self._expired_at is not None and now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        async with connection.transaction():
            if await rollups.alone(connection):
                await rollups.expire(connection)
