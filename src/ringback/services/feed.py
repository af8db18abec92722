"""The feed: events read in the order of their commits, and readers who wait for the next one.

Who waits costs nothing by itself: one look at the newest positions every 100 ms is for all of them,
and those who stand at one place share one read. Not here: how a feed is written (api/feed.py).
"""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog

from ringback.errors import RingbackError
from ringback.services.clock import Clock
from ringback.storage import feed as stored
from ringback.storage import listening
from ringback.storage.database import Database
from ringback.storage.events import moment
from ringback.storage.feed import Place, Stretch, Wanted
from ringback.storage.listening import Waiting
from ringback.storage.lists import SKEW_MS, Scope

# Readers who wait, long polls and streams.
READERS_MAX = 512
READERS_PER_KEY_MAX = 64
POLL_S = 0.1
# Reads of the feed under way, so that its readers leave connections to everybody else.
READS_MAX = 3
# What lies so near the end of what is kept is looked at twice.
_EDGE = timedelta(days=2)
_KNOWN_FOR_S = 60.0
_PAUSE_S = 1.0
_RECHECK_EVERY = 10
log = structlog.get_logger()


class Crowded(RingbackError):
    """There are as many readers waiting as there may be."""


class Removed(RingbackError):
    """Retention has removed events that come after a place; `kept_from` is what is left."""

    def __init__(self, kept_from: datetime) -> None:
        """Take the moment from which on events are kept."""
        super().__init__("Events after this place have been removed.")
        self.kept_from = kept_from


class Seat:
    """The place of one reader who may wait; `ended` is set when the reader has to go."""

    def __init__(self, allowed: Callable[[], bool]) -> None:
        """Take what says whether the reader may still read."""
        self.allowed = allowed
        self.ended = asyncio.Event()
        self._woken: asyncio.Future[None] | None = None
        self.scope: Scope | None = None
        self.place: Place | None = None
        # The endpoint that is listened for, by its number.
        self.endpoint: int | None = None

    async def wait(self, scope: Scope, place: Place, seconds: float) -> None:
        """Wait until something may be there beyond a place, the seat ends, or so many seconds."""
        if self.ended.is_set():
            return
        self.scope, self.place = scope, place
        self._woken = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._woken
        except TimeoutError:
            return
        finally:
            self._woken = self.scope = self.place = None

    def wake(self) -> None:
        """Let the reader look again."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def end(self) -> None:
        """Let the reader go."""
        self.ended.set()
        self.wake()


class Feed:
    """Reads the feed, and wakes those who wait for it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Take the edges."""
        self._database = database
        self._clock = clock
        self._seats: dict[Seat, uuid.UUID] = {}
        self._by_key: Counter[uuid.UUID] = Counter()
        self._reading: dict[tuple[object, ...], asyncio.Task[Stretch]] = {}
        self._reads = asyncio.Semaphore(READS_MAX)
        self._kept_from: datetime | None = None
        self._kept_until = 0.0
        self._poll: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def readers(self) -> int:
        """How many readers wait, or may do so any moment."""
        return len(self._seats)

    # --- where to begin ---

    async def now(self, scope: Scope) -> Place:
        """Return the place behind everything that is there."""
        at_ms = self._clock.now_ms()
        return Place(await stored.head(self._database, scope), at_ms)

    async def earliest(self) -> Place:
        """Return the place before everything that is kept."""
        kept_from = await self._kept(fresh=True)
        return Place(0, round(kept_from.timestamp() * 1000) + SKEW_MS)

    async def since(self, scope: Scope, at_ms: int) -> Place:
        """Return the place before what was emitted from a moment on."""
        kept_from = await self._kept(fresh=True)
        if at_ms <= kept_from.timestamp() * 1000 + SKEW_MS:
            return await self.earliest()
        now = await self.now(scope)
        first = await stored.since(self._database, scope, at_ms)
        return now if first is None else Place(min(first - 1, now.pos), at_ms)

    # --- reading ---

    async def read(
        self, scope: Scope, place: Place, wanted: Wanted, limit: int, size: int,
        endpoint: int | None = None,
    ) -> Stretch:  # fmt: skip
        """Return what comes after a place; for an endpoint also what it alone is owed.

        At most `limit` events, and none beyond the first that would make it more than `size` bytes.

        Raises:
            Removed: retention has removed some of what comes after the place.
            DatabaseUnavailable: nobody answers.

        """
        key = (scope, place, wanted, limit, size, endpoint)
        task = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(self._read(*key))
            self._reading[key] = task
            task.add_done_callback(lambda done: self._read_over(key, done))
        return await asyncio.shield(task)

    def _read_over(self, key: tuple[object, ...], task: asyncio.Task[Stretch]) -> None:
        del self._reading[key]
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; perhaps nobody does any more

    async def _read(
        self, scope: Scope, place: Place, wanted: Wanted, limit: int, size: int,
        endpoint: int | None,
    ) -> Stretch:  # fmt: skip
        async with self._reads:
            now_ms = self._clock.now_ms()
            if endpoint is None:
                stretch = await stored.after(
                    self._database, scope, place, wanted, limit, size, now_ms
                )
            else:
                stretch = await listening.after(
                    self._database, Waiting(scope, endpoint), place, wanted, limit, size, now_ms
                )
        # Looked at after reading: what is kept now was kept then.
        kept_from = await self._kept(fresh=False)
        if moment(place.at_ms) < kept_from + _EDGE:
            kept_from = await self._kept(fresh=True)
        if moment(place.at_ms - SKEW_MS) < kept_from:
            raise Removed(kept_from)
        return stretch

    async def _kept(self, *, fresh: bool) -> datetime:
        loop = asyncio.get_running_loop()
        if fresh or self._kept_from is None or loop.time() >= self._kept_until:
            self._kept_from = await stored.kept_from(self._database)
            self._kept_until = loop.time() + _KNOWN_FOR_S
        return self._kept_from

    # --- those who wait ---

    @contextlib.contextmanager
    def seat(self, key: uuid.UUID, allowed: Callable[[], bool]) -> Iterator[Seat]:
        """Take a seat for a reader with this API key. Raises Crowded when there is none.

        `allowed` says whether the reader may still read; when it may not any more, the seat ends
        within a second.
        """
        seat = self.sit(key, allowed)
        try:
            yield seat
        finally:
            self.leave(seat)

    def sit(self, key: uuid.UUID, allowed: Callable[[], bool]) -> Seat:
        """Take a seat that `leave` gives back. Raises Crowded."""
        if len(self._seats) >= READERS_MAX or self._by_key[key] >= READERS_PER_KEY_MAX:
            raise Crowded("Too many readers are waiting already.")
        seat = Seat(allowed)
        self._seats[seat] = key
        self._by_key[key] += 1
        if self._closed:
            seat.end()
        elif self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._run())
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a seat back; once is enough."""
        key = self._seats.pop(seat, None)
        if key is None:
            return
        self._by_key[key] -= 1
        if not self._by_key[key]:
            del self._by_key[key]

    def recheck(self) -> None:
        """Let everybody go who may not read any more."""
        for seat in list(self._seats):
            if not seat.allowed():
                seat.end()

    async def close(self) -> None:
        """Let everybody go: this worker stops."""
        self._closed = True
        for seat in list(self._seats):
            seat.end()
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)

    async def _run(self) -> None:
        """Look for what is new as long as anybody waits."""
        turn = 0
        while self._seats:
            turn += 1
            if turn % _RECHECK_EVERY == 0:
                self.recheck()
            try:
                await self._look()
            except Exception as error:
                # Whatever it is: those who wait have nobody else who looks.
                log.warning("feed.look_failed", error=f"{type(error).__name__}: {error}"[:200])
                await asyncio.sleep(_PAUSE_S)
            await asyncio.sleep(POLL_S)

    async def _look(self) -> None:
        waiting = [
            (seat, seat.scope, seat.place)
            for seat in self._seats
            if seat.scope is not None and seat.place is not None
        ]
        if not waiting:
            return
        lowest: dict[Scope, int] = {}
        for _, scope, place in waiting:
            lowest[scope] = min(place.pos, lowest.get(scope, place.pos))
        oldest = min(place.oldest for _, _, place in waiting)
        heads = await stored.heads(self._database, lowest, oldest)
        told = [Waiting(scope, seat.endpoint) for seat, scope, _ in waiting if seat.endpoint]
        owed = await listening.newest(self._database, set(told)) if told else {}
        for seat, scope, place in waiting:
            if max(heads.get(scope, 0), owed.get(seat.endpoint or 0, 0)) > place.pos:
                seat.wake()
