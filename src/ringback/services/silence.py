"""When each connection of the installation was last heard, and whose silence is unusual.

For whoever watches from outside, by the same measure as the overview (domain/figures.py). Read from
the database only when somebody asks, so that any worker can tell, and seldom: what can be silent
has been so for minutes.
"""

import asyncio

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.figures import QUIET_S, Hearing, heard
from ringback.domain.ids import floor7, show
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.hearing import by_connection, quarters
from ringback.storage import rollups
from ringback.storage.database import Connection as Session
from ringback.storage.lists import SKEW_MS

# So many connections are told of by themselves: the oldest.
CONNECTIONS_MAX = 1000
# The database is asked once in so many seconds, and so long at most.
EVERY_S = 30.0
PATIENCE_S = 2.0
# Looked at together: what one look finds out until then is known to the next.
TOGETHER = 50
log = structlog.get_logger()


class HeardOf(msgspec.Struct, frozen=True):
    """How a connection is heard: when last (ms since 1970), and whether that is unusually long ago.

    `id` and `mode` are as people write them. A connection that takes nothing in, because its intake
    is paused, is not called silent.
    """

    id: str
    provider: str
    mode: str
    last_ms: int | None
    silent: bool


class Silence:
    """Says how connections are heard; what was found is kept for a while."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        """Take the edges."""
        self._configuration = configuration
        self._clock = clock
        self._found: tuple[HeardOf, ...] = ()
        self._found_at: float | None = None
        # When each was looked at, and when its newest callback came (ms), by number.
        self._looked_ms: dict[int, int] = {}
        self._last_ms: dict[int, int] = {}

    async def heard(self, session: Session) -> tuple[HeardOf, ...]:
        """Return how the oldest connections are heard; nothing when finding out takes too long.

        Raises DatabaseUnavailable.
        """
        now = asyncio.get_running_loop().time()
        if self._found_at is None or now - self._found_at >= EVERY_S:
            # First: who asks may give up before we do, and the next is not to meet the same.
            self._found_at = now
            try:
                async with asyncio.timeout(PATIENCE_S):
                    self._found = await self._look(session)
            except TimeoutError:
                log.warning("silence.too_slow", seconds=PATIENCE_S)
                self._found = ()
        return self._found

    async def _look(self, session: Session) -> tuple[HeardOf, ...]:
        every = sorted(self._configuration.snapshot.connections.values(), key=lambda one: one.no)
        known = {one.no: one for one in every[:CONNECTIONS_MAX]}
        now_ms = self._clock.now_ms()
        self._looked_ms = {no: at for no, at in self._looked_ms.items() if no in known}
        self._last_ms = {no: at for no, at in self._last_ms.items() if no in known}
        # Those first that the last look did not come to.
        waiting = sorted(known, key=lambda no: self._looked_ms.get(no, 0))
        for place in range(0, len(waiting), TOGETHER):
            await self._look_at(session, waiting[place : place + TOGETHER], now_ms)
        silent = await self._silent(session, known, now_ms)
        return tuple(
            HeardOf(
                show("con", one.id), one.provider, one.mode.word, self._last_ms.get(no),
                no in silent,
            )
            for no, one in known.items()
        )  # fmt: skip

    async def _look_at(self, session: Session, numbers: list[int], now_ms: int) -> None:
        """Learn when the newest callback of each of these connections came."""
        # What was looked through once need not be again: a day or two are searched, not all.
        since = {no: max(self._looked_ms.get(no, 0) - SKEW_MS, 0) for no in numbers}
        newest = await rollups.newest(session, {no: floor7(at) for no, at in since.items()})
        self._looked_ms |= dict.fromkeys(numbers, now_ms)
        self._last_ms |= {no: round(at.timestamp() * 1000) for no, at in newest.items()}

    async def _silent(
        self, session: Session, known: dict[int, Connection], now_ms: int
    ) -> set[int]:
        """Return which connections are silent; of those heard just now, nothing is read."""
        quiet = {
            no: at
            for no, at in self._last_ms.items()
            if now_ms - at >= QUIET_S * 1000 and known[no].pauses.intake is None
        }
        windows = quarters(quiet, now_ms)
        usual = by_connection(await rollups.usual(session, windows)) if windows else {}
        found = {
            no: heard(Hearing(at, 0, 0, usual.get(no, [])), now_ms) for no, at in quiet.items()
        }
        return {no for no, one in found.items() if one.state == "silent"}
