"""The whole installation's numbers, for whoever watches it: all workers together, and the backlog.

Read from the database only, also what this worker counted itself: so what is told never goes back,
whichever worker is asked and whoever dies in between.
"""

import asyncio
from uuid import UUID

import msgspec

from ringback.domain.ids import show
from ringback.errors import DatabaseUnavailable
from ringback.providers.registry import PROVIDERS
from ringback.services.configuration import Configuration
from ringback.services.meters import Meters
from ringback.services.numbers import Totals, gathered, summed
from ringback.services.silence import HeardOf, Silence
from ringback.services.workers import Workers
from ringback.storage import held
from ringback.storage import workers as stored
from ringback.storage.database import Connection, Database

# However often somebody asks, the database is asked once in so many seconds.
EVERY_S = 1.0
# A database that takes longer counts as one that does not answer.
PATIENCE_S = 3.0
# What is held is counted of so many connections, and so much of each.
HELD_OF_MAX = 50
HELD_COUNTED = 10_000
# Told from the start: an alert on what must not happen sees a count rise, and none being born.
_NEVER_YET: Totals = {
    name: 0
    for provider in PROVIDERS
    for name in (f"callbacks {provider} defect", f"unknown_codes {provider}")
}


class Paused(msgspec.Struct, frozen=True):
    """How many connections are paused; how many callbacks are held, and how old the oldest is."""

    intake: int = 0
    processing: int = 0
    callbacks: int = 0
    oldest_s: float = 0.0


class Figures(msgspec.Struct, frozen=True):
    """What is known of the installation at one moment.

    `totals` and `now` are as in numbers.py; `endpoints` are the ids of those that are counted by
    themselves, by number; `heard` is how connections are heard. Without the `database` there is
    only `now`, of this worker alone.
    """

    database: bool
    totals: Totals
    now: Totals
    workers: int = 0
    due: int = 0
    oldest_due_s: float = 0.0
    held: int = 0
    paused: Paused = Paused()
    endpoints: dict[str, str] = {}
    heard: tuple[HeardOf, ...] = ()


class Watch:
    """Reads the figures, once a second at most for all who ask."""

    def __init__(
        self,
        database: Database,
        configuration: Configuration,
        workers: Workers,
        meters: Meters,
        silence: Silence,
    ) -> None:
        """Take the edges, and what says how connections are heard."""
        self._database = database
        self._configuration = configuration
        self._workers = workers
        self._meters = meters
        self._silence = silence
        self._lock = asyncio.Lock()
        self._figures: Figures | None = None
        self._read_at = 0.0

    async def figures(self) -> Figures:
        """Return the figures; at most a second old, other workers' a beat older."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._figures is None or loop.time() - self._read_at >= EVERY_S:
                self._figures = await self._read()
                self._read_at = loop.time()
            return self._figures

    async def _read(self) -> Figures:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._workers.told()
                async with self._database.acquire() as connection:
                    rows, kept = await stored.told(connection)
                    slow = self._meters.push.slow
                    waiting = await stored.waiting(connection, slow)
                    paused = await self._paused(connection)
                    heard = await self._silence.heard(connection)
        except (DatabaseUnavailable, TimeoutError):
            return Figures(database=False, totals={}, now=self._meters.now())
        known = self._configuration.snapshot.endpoints
        named = {no: known[no].id for no in self._meters.named if no in known}
        # A thousand endpoints at many workers take a while: not in the event loop.
        return await asyncio.to_thread(_figures, rows, kept, named, waiting, paused, heard)

    async def _paused(self, session: Connection) -> Paused:
        """Say how much is paused; the database is only asked if something may be held."""
        connections = [*self._configuration.snapshot.connections.values()]
        pauses = [one.pauses for one in connections if one.pauses.any]
        numbers = [one.no for one in connections if one.pauses.may_hold][:HELD_OF_MAX]
        found = [*(await held.count(session, numbers, HELD_COUNTED)).values()]
        return Paused(
            sum(one.intake is not None for one in pauses),
            sum(one.processing is not None for one in pauses),
            sum(one.n for one in found), max((one.age_s for one in found), default=0.0),
        )  # fmt: skip


def _figures(
    rows: list[stored.Told],
    kept: bytes | None,
    named: dict[int, UUID],
    waiting: tuple[float, int, int],
    paused: Paused,
    heard: tuple[HeardOf, ...],
) -> Figures:
    found = summed(rows, kept)
    return Figures(
        database=True, totals=_NEVER_YET | gathered(found.totals, named), now=found.now,
        workers=found.living, oldest_due_s=waiting[0], due=waiting[1], held=waiting[2],
        paused=paused, endpoints={str(no): show("end", id_) for no, id_ in named.items()},
        heard=heard,
    )  # fmt: skip
