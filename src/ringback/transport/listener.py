"""One connection of a caller: requests are read within limits, one is answered after the other.

The parser is llhttp (httptools). Everything that a hostile caller can stretch has a bound: head,
lines, URL, body, what is sent ahead, and by the server's sweep the time for each of them. Requests
for hot routes are handed on when they are whole, all others to the ASGI application as they come.
"""

import asyncio
import math
from collections import deque
from collections.abc import Coroutine
from typing import Protocol, cast

import httptools

from ringback.domain.http import HttpResponse
from ringback.transport import asgi, incoming
from ringback.transport.incoming import HotRoute, Request, Times
from ringback.transport.request_line import RequestLine

# Requests that a caller may send before the first of them is answered.
AHEAD_MAX = 64
# Read and thrown away after a refusal, so that the caller can read the answer before the end.
LINGER_BYTES_MAX = 8 * 1024 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Hall(Protocol):
    """What all connections of a server share."""

    times: Times
    app: asgi.App
    draining: bool

    def now(self) -> float:
        """Return the time of the event loop, in seconds."""

    def date(self) -> bytes:
        """Return the date field of an answer."""

    def route(self, method: str, path: bytes) -> HotRoute | None:
        """Return the hot route of a request."""

    def came(self, listener: "Listener") -> None:
        """A connection stands."""

    def left(self, listener: "Listener") -> None:
        """A connection has ended."""

    def admit(self, request: Request) -> bool:
        """Say whether one more request may be under way, and count it."""

    def done(self, request: Request) -> None:
        """A request that was admitted is answered, or given up."""

    def hold(self, request: Request, size: int) -> bool:
        """Say whether a body may grow to so many bytes, and count them."""

    def refused(self, request: Request | None, status: int) -> None:
        """Count a refusal."""


class Listener(asyncio.Protocol):
    """Reads requests from one connection and writes their answers, in order."""

    __slots__ = (
        "_ahead", "_call", "_current", "_drained", "_hall", "_head_bytes", "_last", "_line",
        "_lingered", "_parser", "_paused", "_reading", "_task", "closed", "deadline", "peer",
        "transport",
    )  # fmt: skip

    def __init__(self, hall: Hall, peer: str) -> None:
        self._hall = hall
        self._parser = httptools.HttpRequestParser(self)
        self._line = RequestLine()
        self._reading: Request | None = None
        self._current: Request | None = None
        self._ahead: deque[Request] = deque()
        self._call: asgi.Call | None = None
        self._task: asyncio.Task[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._head_bytes = 0
        self._lingered = -1  # 0 and more: refused, and only listening to the rest
        self._last = False
        self._paused = False
        self.closed = False
        self.peer = peer
        self.deadline = math.inf
        self.transport: asyncio.Transport | None = None

    # --- what the event loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.deadline = self._hall.now() + self._hall.times.receive_s
        self._hall.came(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the limits."""
        if self._lingered >= 0:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES_MAX:
                self.abort()
            return
        if self._last:
            return
        if self._reading is None:
            self._line.begin()
        if self._line.open:
            data = self._line.readable(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # what follows would be another protocol: we go on speaking this one
        except httptools.HttpParserError:
            self._refuse(incoming.BAD)
        reading = self._reading
        if reading is not None and not reading.method and self._lingered < 0:
            self._head_bytes += len(data)
            if self._head_bytes > incoming.HEAD_MAX + incoming.URL_MAX:
                self._refuse(incoming.HEAD)

    def eof_received(self) -> bool:
        """The caller says no more: one that waits for a hot route's answer still gets it."""
        self._last = True
        return self._current is not None and self._current.route is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what it held. A hot request that is whole is worked on all the same."""
        del exc
        self.closed = True
        self.deadline = math.inf
        for request in (self._reading, *self._ahead):
            if request is not None and request is not self._current:
                self._hall.hold(request, 0)
        self._reading = None
        self._ahead.clear()
        if self._call is not None:
            self._call.lost()
        self.resume_writing()
        self._hall.left(self)

    def pause_writing(self) -> None:
        """The caller does not read as fast as it is written to."""
        self._drained = asyncio.get_running_loop().create_future()
        self.deadline = self._hall.now() + self._hall.times.write_s

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
            idle = math.inf if self._current is not None else self._hall.times.idle_s
            self.deadline = self._hall.now() + idle

    # --- what the parser calls ---

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        self._head_bytes = 0
        if self._last:
            return
        self._reading = Request()
        if self._current is None:
            self.deadline = self._hall.now() + self._hall.times.head_s

    def on_url(self, data: bytes) -> None:
        """Collect what the request line asks for."""
        reading = self._reading
        if reading is not None:
            reading.target += data
            if len(reading.target) > incoming.URL_MAX:
                self._refuse(incoming.LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header line; lines beyond the limit, and trailers, are dropped."""
        reading = self._reading
        if reading is not None and not reading.method:
            headers = reading.headers
            if len(headers) <= incoming.HEADERS_MAX:
                headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head; a request for the application begins here."""
        reading, parser = self._reading, self._parser
        if reading is None:
            return
        method = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        sent = bytes(reading.target)
        target = origin_target(sent, method)
        if target is None or version not in {"1.1", "1.0"}:
            self._refuse(incoming.BAD)
            return
        reading.target = target
        reading.method = method
        reading.minor = 0 if version == "1.0" else 1
        reading.keep = parser.should_keep_alive()
        reading.head_only = method == "HEAD"
        reading.route = self._hall.route(method, target.partition(b"?")[0])
        if self._line.escaped and reading.route is not None:
            # Some signatures cover the URL as it was sent.
            raw, self._line.escaped = self._line.target(sent), False
            reading.target = (raw and origin_target(raw, method)) or b""
        refused = incoming.refusal(reading) if reading.target else incoming.BAD
        if refused is not None:
            self._refuse(refused)
            return
        if self._current is None:
            self.deadline = self._hall.now() + self._hall.times.receive_s
        expect = reading.header(b"expect")
        if expect is not None and expect.lower() == b"100-continue" and self._current is None:
            self._write(_CONTINUE)
        if reading.route is None:
            self._next(reading)

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body; beyond the limits the request is refused, or not read on."""
        reading = self._reading
        if reading is None:
            return
        reading.body += data
        size = len(reading.body)
        if reading.route is None:
            if self._call is not None and reading is self._current:
                self._call.wake()
            if size > incoming.OWN_BODY:
                self._pause()
        elif size > incoming.BODY_MAX:
            self._refuse(incoming.TOO_LARGE)
        elif size > incoming.OWN_BODY and not self._hall.hold(reading, size - incoming.OWN_BODY):
            self._refuse(incoming.CROWDED)

    def on_message_complete(self) -> None:
        """The request is whole: one for a hot route begins here."""
        reading = self._reading
        if reading is None:
            return
        self._reading = None
        reading.complete = True
        if reading.route is not None:
            self._next(reading)
        elif self._call is not None and reading is self._current:
            self._call.wake()

    # --- answering ---

    def _next(self, request: Request) -> None:
        """Answer a request, now or after those before it."""
        if self._current is None:
            self._begin(request)
        elif len(self._ahead) < AHEAD_MAX:
            self._ahead.append(request)
            self._pause()  # what has been read is enough until these are answered
        else:
            self._last = True  # what comes behind is not read any more
            self._hall.hold(request, 0)
            self._reading = None

    def _begin(self, request: Request) -> None:
        self._current = request
        self.deadline = math.inf
        if not self._hall.admit(request):
            self._hall.refused(None, incoming.BUSY.status)
            self._answer(request, incoming.BUSY)
            return
        work: Coroutine[None, None, None]
        if request.route is not None:
            work = self._serve(request, request.route)
        else:
            self._call = asgi.Call(self, request, self._hall)
            work = self._call.run()
        self._task = asyncio.get_running_loop().create_task(work)

    async def _serve(self, request: Request, route: HotRoute) -> None:
        try:
            response = await route.handle(request, self.peer)
        except Exception as error:
            asgi.report(error, self)
            response = incoming.DEFECT
        self._hall.done(request)
        self._answer(request, response)

    def _answer(self, request: Request, response: HttpResponse) -> None:
        keep = request.keep and not self._ending and not incoming.closes(response)
        self._write(incoming.answer(response, request, self._hall.date(), keep=keep))
        self.finish(request, keep=keep)

    @property
    def _ending(self) -> bool:
        """Whether the connection ends with the answer that is being given."""
        return self._hall.draining or (self._last and not self._ahead)

    def keeps(self, request: Request) -> bool:
        """Say whether the connection will be kept after the answer to a request."""
        return request.keep and not self._ending

    def finish(self, request: Request, *, keep: bool) -> None:
        """A request is answered: go on with the next one, or end the connection."""
        self._hall.hold(request, 0)
        self._current = self._call = self._task = None
        if self.closed:
            return
        if not keep:
            self._end(linger=not request.complete)
        elif self._ahead:
            self._begin(self._ahead.popleft())
        else:
            self.resume()
            times = self._hall.times
            if self._drained is None:
                idle = self._reading is None
                self.deadline = self._hall.now() + (times.idle_s if idle else times.receive_s)

    def _refuse(self, response: HttpResponse) -> None:
        """Turn a request away that is not whole, and everything behind it."""
        if self._lingered >= 0 or self._last:
            return
        self._last = True
        reading, self._reading = self._reading or Request(), None
        if reading is self._current:
            self.abort()  # the application is at it already: it hears that the caller has gone
            return
        self._hall.hold(reading, 0)
        if self._current is not None:
            return  # the answers before it go out, and then the connection ends
        if reading.route is None and reading.target:
            method = self._parser.get_method().decode("ascii")
            reading.route = self._hall.route(method, reading.target.partition(b"?")[0])
        self._hall.refused(reading, response.status)
        if reading.route is not None:
            response = reading.route.worded(response)
        self._write(incoming.answer(response, reading, self._hall.date(), keep=False))
        self._end(linger=True)

    def _end(self, *, linger: bool) -> None:
        """End the connection once everything is written.

        A caller that is still sending would lose the answer if it were closed at once.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if not linger:
            self.close()
            return
        self._lingered = 0
        self.resume()
        self.deadline = self._hall.now() + self._hall.times.linger_s
        transport.write_eof()

    # --- what the server and the application's calls use ---

    @property
    def idle(self) -> bool:
        """Whether nothing has been asked that is not answered."""
        return self._current is None and self._reading is None

    def expire(self) -> None:
        """A deadline has passed."""
        closing = self.transport is not None and self.transport.is_closing()
        if closing or self._drained is not None or self._lingered >= 0:
            self.abort()
        elif self._reading is not None:
            times = self._hall.times
            began = bool(self._reading.method)
            self._refuse(incoming.too_slow(times.receive_s if began else times.head_s))
        else:
            self.close()

    def close(self) -> None:
        """End the connection when everything is written."""
        self.deadline = self._hall.now() + self._hall.times.write_s
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.closed:
            self.transport.write(data)

    async def send(self, data: bytes) -> None:
        """Write a part of an answer, and wait while the caller is slow to read."""
        self._write(data)
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def _pause(self) -> None:
        if not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self.transport is not None and not self.closed:
            self._paused = False
            self.transport.resume_reading()


def origin_target(target: bytes, method: str) -> bytes | None:
    """Return path and query of a request, or None when there is nothing of ours to be had."""
    return None if method == "CONNECT" else incoming.origin_form(target)
