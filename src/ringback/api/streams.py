"""Answers that do not end by themselves: server-sent events, until one of both sides has gone.

Who reads slowly is written to slowly: no more is fetched before the last piece has left. Not here:
what is told (api/feed.py), and who may listen (services/feed.py).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from starlette.responses import Response

from ringback.api.frame import Receive, Scope, Send
from ringback.errors import RingbackError
from ringback.services.feed import Seat

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
# After a lost connection, clients come again in so many milliseconds.
RETRY_MS = 1000
# For what is being written when a stream has to end.
_LAST_WORD_S = 0.1
_HEADERS = {
    "cache-control": "no-store",
    # Some proxies collect an answer before they pass it on.
    "x-accel-buffering": "no",
}


class EventStream(Response):
    """Server-sent events for one reader, who has a seat."""

    media_type = MEDIA_TYPE

    def __init__(
        self, pieces: AsyncGenerator[bytes], seat: Seat, leave: Callable[[Seat], None]
    ) -> None:
        """Take what is told, the reader's seat, and what gives it back in the end."""
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._pieces = pieces
        self._seat = seat
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell until there is nothing more, the caller has gone, or the seat ends."""
        del scope
        telling = asyncio.create_task(self._tell(send))
        gone = asyncio.create_task(until_gone(receive))
        ended = asyncio.create_task(self._seat.ended.wait())
        try:
            await asyncio.wait({telling, gone, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                await asyncio.wait({telling}, timeout=_LAST_WORD_S)
            # Where the last piece has not left yet the answer is not ended: it breaks off.
            if telling.done() and not gone.done():
                telling.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._leave(self._seat)
            for task in (telling, gone, ended):
                task.cancel()
            await asyncio.gather(telling, gone, ended, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        try:
            async with aclosing(self._pieces) as pieces:
                async for piece in pieces:
                    if self._seat.ended.is_set():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except RingbackError:
            # The database has gone, or what was to come next: whoever comes again is told which.
            return


async def until_gone(receive: Receive) -> None:
    """Wait until the caller has hung up; the request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def message(
    *, id_: str | None = None, event: str | None = None, data: bytes | None = None
) -> bytes:
    """Write one message of a stream. Without data it only moves the reader's last id on.

    The format ends lines at a carriage return as well, and cannot carry one.
    """
    lines = []
    if id_ is not None:
        lines.append(b"id: " + id_.encode("ascii"))
    if event is not None:
        lines.append(b"event: " + event.encode("ascii"))
    if data is not None:
        whole = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines += [b"data: " + line for line in whole.split(b"\n")]
    return b"\n".join([*lines, b"", b""])


def comment(text: str) -> bytes:
    """Write a line that readers pass over: it keeps a connection open."""
    return f": {text}\n".encode("ascii")
