"""One HTTP/1.1 connection: a request goes out in one write, its answer is read within limits.

The parser is llhttp (httptools). Everything that a hostile server can stretch has a bound here:
head, header lines, interim answers, kept body, bytes on the wire; time is bounded by the caller's
deadline. Who may be connected to, and when a connection is reused, is not decided here: see
`guard` and `pool`.
"""

import asyncio
import select
import ssl
import time
from collections.abc import Callable
from typing import cast

import httptools

from ringback.transport.exchange import ErrorClass, TlsFacts

MAX_HEAD = 16 * 1024
"""Bytes of an answer before its body, interim answers included."""
MAX_LINES = 64
"""Header lines of one head."""
MAX_BODY = 64 * 1024
"""Bytes of an answer's body that are kept, unless the caller wants more; then it is closed."""
MAX_WIRE = 512 * 1024
"""Bytes of one answer on the wire: a 64 KiB body in one-byte chunks fits, endless framing not.

For a caller that wants more than 64 KiB, as much again as it wants comes on top.
"""
MAX_INTERIM = 8
"""1xx answers before the final one."""

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Connection(asyncio.Protocol):
    """A connection to a checked address; the result of the last exchange stands in its fields.

    `on_gone` is called once, when the connection has ended. Times are of `time.monotonic`.
    """

    __slots__ = (
        "_begun",
        "_body_max",
        "_body_size",
        "_done",
        "_head_only",
        "_interim",
        "_on_gone",
        "_parser",
        "_poller",
        "_received",
        "_timer",
        "_waiter",
        "_wire_max",
        "born",
        "closed",
        "detail",
        "error",
        "first_byte",
        "headers",
        "idle_since",
        "ip",
        "keep",
        "parts",
        "port",
        "status",
        "tls",
        "transport",
        "truncated",
        "written",
    )

    def __init__(self, on_gone: Callable[["Connection"], None], ip: str, port: int) -> None:
        self._on_gone = on_gone
        self._parser = httptools.HttpResponseParser(self)
        self._poller: select.poll | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.ip = ip
        self.port = port
        self.tls: TlsFacts | None = None
        self.born = self.idle_since = time.monotonic()
        self.closed = False
        self.written = 0.0
        self.keep = False

    # --- what the pool and the client call ---

    def stirring(self) -> bool:
        """Say whether the idle connection has something to read: an end, or unasked-for bytes.

        Either way no request may go out on it. The event loop would notice on its next turn;
        asking the kernel now is what tells "closed before we wrote" from "closed after".
        """
        if self._poller is None:
            assert self.transport is not None
            self._poller = select.poll()
            self._poller.register(self.transport.get_extra_info("socket").fileno(), _READABLE)
        return bool(self._poller.poll(0))

    def start(
        self, wire: bytes, method: str, timeout_s: float, body_max: int = MAX_BODY
    ) -> asyncio.Future[None]:
        """Write a request; the future is done when the fields hold the outcome. Never fails.

        `timeout_s` is the time until the whole answer must have been read, `body_max` how many
        bytes of its body are kept.
        """
        assert self.transport is not None
        self._body_max = body_max
        self._wire_max = MAX_WIRE + 2 * (body_max - MAX_BODY)
        self._head_only = method == "HEAD"
        self._received = self._body_size = self._interim = 0
        self._done = self._begun = False
        self.status: int | None = None
        self.error: ErrorClass | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.detail = ""
        self.keep = self.truncated = False
        self.first_byte = 0.0
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        self._timer = loop.call_later(max(timeout_s, 0.0), self._expire)
        self.written = time.monotonic()
        self.transport.write(wire)
        return waiter

    def close(self) -> None:
        """End the connection: politely when nothing is left to be written, else at once."""
        self.closed = True
        transport = self.transport
        if transport is not None and not transport.is_closing():
            if self._waiter is None and not transport.get_write_buffer_size():
                transport.close()
            else:
                transport.abort()

    def fail(self, error: ErrorClass, detail: str) -> None:
        """End the exchange, if there is one, and the connection."""
        if self._waiter is not None:
            self.error = error
            self.detail = detail
            self.keep = False
            if not self._begun:
                self.headers = []  # of half a head
            # The parser may be in the middle of its input: it is not listened to any more.
            self._begun = self._done = True
            self._finish()
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    # --- what the event loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, unless nobody wants it any more."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        if self.closed:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the limits."""
        waiter = self._waiter
        if waiter is None:
            self.close()  # nobody asked: a connection that talks while idle is not trusted
            return
        if not self._received:
            self.first_byte = time.monotonic()
        before = self._received
        self._received = before + len(data)
        if self._begun or self._received <= MAX_HEAD:
            self._feed(data)
        else:
            room = MAX_HEAD - before
            if self._feed(data[:room]):
                self._feed(data[room:])
            else:
                self.fail("head_too_large", f"the head is larger than {MAX_HEAD} bytes")
        if self._received > self._wire_max:
            self.fail("protocol", "the answer has far more bytes of framing than of body")

    def eof_received(self) -> None:
        """The server has ended its side: the end of an answer without a length, else too early."""
        if self._waiter is not None:
            self._end()
        self.closed = True  # the transport closes itself on return: nothing may be written now

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: settle the exchange and tell the pool."""
        self.closed = True
        if self._waiter is not None:
            if isinstance(exc, ssl.SSLError):
                self.fail("tls", f"the server ended the TLS session: {exc.reason}")
            elif exc is None:
                self._end()
            else:
                self.fail("reset", f"connection reset {self._place()}")
        # The parser refers back to us; unlinked, a large answer is freed as soon as it was used.
        del self._parser
        self._poller = self.transport = None
        self._on_gone(self)

    # --- what the parser calls ---

    def on_message_begin(self) -> None:
        """A second answer to one request: what it says is ignored, the connection not kept."""
        if self._done:
            self.keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header line; trailers, and lines beyond the limit, are dropped."""
        headers = self.headers
        if not self._begun and len(headers) <= MAX_LINES:
            headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A head is complete: interim ones are counted and dropped."""
        if self._done:
            return
        status = self._parser.get_status_code()
        if len(self.headers) > MAX_LINES:
            self.fail("head_too_large", f"the head has more than {MAX_LINES} lines")
        elif status < 200:
            self._interim += 1
            self.headers = []
            if status < 100 or status == 101 or self._interim > MAX_INTERIM:
                self.fail("protocol", f"interim answer {status}, number {self._interim}")
        else:
            self.status = status
            self._begun = True
            if self._head_only:
                self._done = True

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        if self._done:
            return
        self._body_size += len(data)
        if self._body_size > self._body_max:
            data = data[: len(data) - (self._body_size - self._body_max)]
            self.truncated = self._done = True
        self.parts.append(data)

    def on_message_complete(self) -> None:
        """The answer ends here; interim answers end too, but do not count."""
        if self._begun and not self._done:
            self._done = True
            self.keep = self._parser.should_keep_alive()

    # --- inside ---

    def _feed(self, data: bytes) -> bool:
        """Parse; say whether the head is complete.

        An error or more bytes after the end of the answer only cost the connection.
        """
        if self._waiter is None:
            self.keep = False
            self.close()
            return True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.fail("protocol", "the server wants to speak another protocol")
        except httptools.HttpParserError as error:
            self.keep = False
            if not self._done:
                self.fail("protocol", f"not an HTTP/1.1 answer: {error}")
        if self._done and self._waiter is not None:
            self._finish()
            if not self.keep:
                self.close()
        return self._begun

    def _finish(self) -> None:
        """Wake the sender; the outcome stands in the fields."""
        assert self._timer is not None
        assert self._waiter is not None
        assert self.transport is not None
        self._timer.cancel()
        self._timer = None
        waiter, self._waiter = self._waiter, None
        if self.keep and self.transport.get_write_buffer_size():
            self.keep = False  # answered before it had read the request: the rest is in the way
        if not waiter.done():
            waiter.set_result(None)

    def _end(self) -> None:
        """Take the end of the connection as the end of the answer, where that is allowed."""
        if self._begun and not self._framed():
            self._done = True
            self._finish()
            self.close()
        else:
            self.fail("reset", f"the server closed the connection {self._place()}")

    def _framed(self) -> bool:
        """Say whether the answer announces its end itself."""
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == b"content-length":
                return True
            if lowered == b"transfer-encoding" and value.lower().endswith(b"chunked"):
                return True
        return False

    def _expire(self) -> None:
        """The deadline has passed."""
        self.fail("timeout", f"the deadline passed {self._place()}")

    def _place(self) -> str:
        """Say in words how far the answer had come."""
        if not self._received:
            return "before the first byte of the answer"
        if not self._begun:
            return "inside the head of the answer"
        return f"inside the body of the answer, after {self._body_size} bytes"
