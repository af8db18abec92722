"""One request as a call of an ASGI application: the scope, the body as it comes, the answer.

The interface is ASGI 3 (HTTP and WebSocket format 2.4). Not here: WebSockets, which nobody needs.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from ringback.transport import incoming
from ringback.transport.incoming import Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_VERSION = {"version": "3.0", "spec_version": "2.4"}
_GONE: Message = {"type": "http.disconnect"}


class Caller(Protocol):
    """The connection that a request came on."""

    closed: bool
    peer: str

    def keeps(self, request: Request) -> bool:
        """Say whether the connection will be kept after the answer to a request."""

    def finish(self, request: Request, *, keep: bool) -> None:
        """The request is answered."""

    def abort(self) -> None:
        """End the connection at once."""

    def resume(self) -> None:
        """Read on."""

    async def send(self, data: bytes) -> None:
        """Write a part of an answer, and wait while the caller is slow to read."""


class House(Protocol):
    """What a call needs of the server."""

    app: App

    def date(self) -> bytes:
        """Return the date field of an answer."""

    def done(self, request: Request) -> None:
        """A request is answered, or given up."""


class Call:
    """Runs the application for one request."""

    __slots__ = (
        "_caller", "_chunked", "_ended", "_house", "_keep", "_read", "_request", "_start",
        "_started", "_waiter",
    )  # fmt: skip

    def __init__(self, caller: Caller, request: Request, house: House) -> None:
        self._caller = caller
        self._request = request
        self._house = house
        self._start: Message | None = None
        self._started = self._ended = self._read = self._chunked = False
        self._keep = True
        self._waiter: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Run the application until it has answered; its errors end in a 500 or a broken answer."""
        try:
            await self._house.app(self._scope(), self._receive, self._send)
        except Exception as error:
            report(error, self._caller)
        try:
            if not self._started and not self._caller.closed:
                self._keep = False
                response = incoming.answer(
                    incoming.DEFECT, self._request, self._house.date(), keep=False
                )
                await self._caller.send(response)
            elif not self._ended:
                self._caller.abort()
        finally:
            self._house.done(self._request)
            self._caller.finish(self._request, keep=self._keep and self._request.complete)

    def wake(self) -> None:
        """More of the body has come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    lost = wake

    def _scope(self) -> Scope:
        request = self._request
        path, _, query = request.target.partition(b"?")
        return {
            "type": "http", "asgi": _VERSION, "http_version": f"1.{request.minor}",
            "method": request.method, "scheme": "http", "raw_path": path, "query_string": query,
            "path": unquote_to_bytes(path).decode("utf-8", "surrogateescape"), "root_path": "",
            "headers": request.headers, "server": None, "client": (self._caller.peer, 0),
            "state": {}, "extensions": {},
        }  # fmt: skip

    async def _receive(self) -> Message:
        request = self._request
        while not self._caller.closed and not self._ended:
            if not self._read and (request.body or request.complete):
                body = bytes(request.body)
                request.body.clear()
                self._read = request.complete
                self._caller.resume()
                return {"type": "http.request", "body": body, "more_body": not self._read}
            if not self._read:
                self._caller.resume()  # it may have been read ahead in part, and then no further
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return _GONE

    async def _send(self, message: Message) -> None:
        if self._caller.closed or self._ended:
            return
        if message["type"] == "http.response.start":
            self._start = message
            return
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        parts = []
        if not self._started:
            parts.append(self._head(len(body), more=more))
            self._started = True
        if not self._request.head_only:
            if self._chunked and body:
                parts.append(b"%x\r\n%b\r\n" % (len(body), body))
            elif not self._chunked:
                parts.append(body)
            if self._chunked and not more:
                parts.append(b"0\r\n\r\n")
        if not more:
            self._ended = True
            self.wake()
        await self._caller.send(b"".join(parts))

    def _head(self, size: int, *, more: bool) -> bytes:
        """Write the head of the answer, and decide on how its end is told."""
        assert self._start is not None
        request, status = self._request, self._start["status"]
        headers: list[tuple[bytes, bytes]] = list(self._start.get("headers", ()))
        names = {name.lower() for name, _ in headers}
        # Who answers before the whole request has come does not get the rest.
        self._keep = self._caller.keeps(request) and request.complete
        for name, value in headers:
            if name.lower() == b"connection" and value.lower() == b"close":
                self._keep = False
        bare = status < 200 or status in {204, 304}
        if b"content-length" not in names and not bare:
            if not more:
                headers.append((b"content-length", b"%d" % size))
            elif request.minor:
                self._chunked = True
                headers.append((b"transfer-encoding", b"chunked"))
            else:
                self._keep = False
        lines = [b"%b: %b\r\n" % (name, value) for name, value in headers]
        if b"connection" not in names:
            lines.append(incoming.connection_field(request, keep=self._keep))
        return b"".join((incoming.status_line(status), self._house.date(), *lines, b"\r\n"))


def report(error: Exception, where: object) -> None:
    """Tell the event loop's handler of an error that nobody else takes."""
    context = {"message": "a request failed", "exception": error, "protocol": where}
    asyncio.get_running_loop().call_exception_handler(context)
