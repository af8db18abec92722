"""The feed as it is asked for: from where on, in a page, as a long poll or as a stream.

Its cursors belong to a tenant and mode, and to no filter: who changes what it wants goes on where
it stands. Reading and waiting are in services/feed.py.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import Request

from ringback.api.auth import Caller, identified
from ringback.api.cursors import Cursors
from ringback.api.problems import Problem, wrong_parameter
from ringback.api.spans import moment_of
from ringback.api.streams import (
    HEARTBEAT_S,
    MEDIA_TYPE,
    RETRY_MS,
    EventStream,
    comment,
    message,
    until_gone,
)
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.scopes import OPERATIONS
from ringback.services.access import Denied
from ringback.services.feed import Crowded, Feed, Removed, Seat
from ringback.storage import events
from ringback.storage.feed import FeedEvent, Place, Stretch, Wanted
from ringback.storage.listening import behind

# What one read brings at most; a stream has as much in hand for a reader who is slow.
PAGE_BYTES_MAX = 4 * 1024 * 1024
STREAM_BYTES_MAX = 128 * 1024
STREAM_EVENTS_MAX = 100
AFTER_MAX = 128
# A clock may be a little ahead of ours.
_AHEAD_MS = 60_000
_PLACE = struct.Struct(">QQ")
CROWDED_S = "5"
LAST_ID = "last-event-id"


class Reading(NamedTuple):
    """How much a reader asks for at a time, and how long it waits for it."""

    limit: int
    wait_s: float


class FeedReader:
    """Reads the feed for one request."""

    # The number of the endpoint that is read for.
    endpoint_no: int | None = None

    def __init__(self, request: Request, caller: Caller, wanted: Wanted) -> None:
        """Take the request, who makes it, and which events it is about."""
        self.wanted = wanted
        self._request = request
        self._caller = caller
        self._feed: Feed = caller.context.feed
        snapshot = caller.context.configuration.snapshot
        self._cursors = Cursors(snapshot.hash_key, ["feed", *caller.scope])

    async def page(self, place: Place, reading: Reading) -> tuple[Stretch, str]:
        """Return what comes after a place, and the cursor behind it.

        Where there is nothing yet it waits for the first, at most `reading.wait_s` seconds.
        """
        with _telling_why():
            stretch = await self._read(place, reading)
            if not stretch.events and reading.wait_s:
                stretch = await self._wait(stretch, reading)
        return stretch, self._write(stretch.place)

    async def _read(self, place: Place, reading: Reading) -> Stretch:
        return await self._some(place, reading.limit, PAGE_BYTES_MAX)

    async def _wait(self, stretch: Stretch, reading: Reading) -> Stretch:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + reading.wait_s
        gone = asyncio.create_task(until_gone(self._request.receive))
        try:
            with self._feed.seat(self._caller.asker.key.id, self.allowed) as seat:
                gone.add_done_callback(lambda _: seat.end())
                while not stretch.events and not seat.ended.is_set():
                    left = deadline - loop.time()
                    if left <= 0:
                        break
                    if not stretch.more:
                        await seat.wait(self._caller.scope, stretch.place, left)
                    stretch = await self._read(stretch.place, reading)
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        # Whoever may not read any more is told so.
        identified(self._caller.context, self._request)
        return stretch

    async def stream(self, place: Place) -> EventStream:
        """Return what comes after a place as it comes, until somebody goes."""
        with _telling_why():
            # Whatever is wrong is an answer of its own, and not a stream that ends at once.
            await self._some(place, 1, 1)
            seat = self._feed.sit(self._caller.asker.key.id, self.allowed)
        seat.endpoint = self.endpoint_no
        return EventStream(self._told(seat, place), seat, self._feed.leave)

    async def _some(self, place: Place, limit: int, size: int) -> Stretch:
        return await self._feed.read(
            self._caller.scope, place, self.wanted, limit, size, self.endpoint_no
        )

    async def _told(self, seat: Seat, place: Place) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        yield b"retry: %d\n" % RETRY_MS + message(id_=self._write(place))
        last = loop.time()
        while not seat.ended.is_set():
            await self.still_here()
            stretch = await self._some(place, STREAM_EVENTS_MAX, STREAM_BYTES_MAX)
            if stretch.events:
                yield b"".join([
                    self.told(event, self._write(behind(event, place)))
                    for event in stretch.events
                ])  # fmt: skip
                last = loop.time()
            place = stretch.place
            if loop.time() - last >= HEARTBEAT_S:
                yield comment("nothing new") + message(id_=self._write(place))
                last = loop.time()
            if not stretch.more:
                left = max(last + HEARTBEAT_S - loop.time(), 0.01)
                await seat.wait(self._caller.scope, place, left)

    # What a stream for an endpoint does in another way.

    def told(self, event: FeedEvent, cursor: str) -> bytes:
        """Write an event as a message of the stream."""
        return message(id_=cursor, event=event.type, data=event.body)

    async def still_here(self) -> None:
        """Somebody still reads the stream."""

    def allowed(self) -> bool:
        """Say whether the caller may still read."""
        try:
            asker = identified(self._caller.context, self._request)
            asker.allow(OPERATIONS[self._request.scope["route"].name])
        except (Problem, Denied):
            return False
        return True

    def next_link(self, cursor: str, filters: dict[str, str]) -> str:
        """Return the URL of the next page, for the Link header."""
        base = self._caller.context.public_url + self._request.url.path
        return f'<{base}?{urlencode({**filters, "after": cursor})}>; rel="next"'

    # --- from where on ---

    async def begin(self, after: str) -> Place:
        """Find the place where a stream begins: behind `Last-Event-ID`, or else where it says.

        Raises Problem.
        """
        last = self._request.headers.get(LAST_ID)
        # A client that comes again asks for what it asked for at first; this is how far it got.
        return self.read_cursor(last, "Last-Event-ID") if last else await self.start(after)

    async def start(self, after: str) -> Place:
        """Find the place that a reader names. Raises Problem."""
        scope = self._caller.scope
        if after == "now":
            return await self._feed.now(scope)
        if after == "earliest":
            return await self._feed.earliest()
        if (event_id := ids.read("evt", after)) is not None:
            event = await events.get(self._caller.context.database, scope, event_id)
            if event is None:
                detail = "There is no such event, or retention has removed it."
                raise wrong_parameter("after", detail)
            return Place(event.pos, ids.time_of(event.id))
        at_ms = self._moment(after)
        if at_ms is None:
            return self.read_cursor(after, "after")
        return await self._feed.since(scope, at_ms)

    def _moment(self, after: str) -> int | None:
        now_ms = self._caller.context.clock.now_ms()
        at_ms = moment_of(after, now_ms, "after")
        if at_ms is not None and at_ms > now_ms + _AHEAD_MS:
            raise wrong_parameter("after", "This time lies ahead; after=now begins at present.")
        return at_ms

    def read_cursor(self, cursor: str, parameter: str) -> Place:
        """Read a cursor of this tenant's and mode's feed. Raises Problem."""
        return Place(*_PLACE.unpack(self._cursors.read(cursor, parameter)))

    def _write(self, place: Place) -> str:
        return self._cursors.write(_PLACE.pack(*place))


@contextlib.contextmanager
def _telling_why() -> Iterator[None]:
    """Make problems of what a reader can run into."""
    try:
        yield
    except Removed as error:
        since = rfc3339(round(error.kept_from.timestamp() * 1000))
        raise Problem(
            "cursor_expired",
            f"Events from before {since} have been removed, some of them after this place. Read "
            "on from the oldest that is kept with after=earliest, or begin anew with after=now.",
        ) from None
    except Crowded as error:
        raise Problem("busy", str(error), headers={"retry-after": CROWDED_S}) from None


def wants_stream(request: Request) -> bool:
    """Say whether a reader asks for server-sent events."""
    return MEDIA_TYPE in request.headers.get("accept", "")
