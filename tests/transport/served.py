"""A server in the test's own event loop, and a caller who writes raw bytes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from ringback.domain.http import Callback, HttpResponse
from ringback.transport.asgi import App, Receive, Scope, Send
from ringback.transport.incoming import HotRoute, Times
from ringback.transport.server import Server

PUBLIC_URL = "https://hooks.example.com"
OK = HttpResponse(200, (("content-type", "text/plain"),), b"ok")
Handle = Callable[[str, Callback], Awaitable[HttpResponse]]


class Answer(NamedTuple):
    """An answer as it came; header names in lower case."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Return the values of a header field."""
        return [value for key, value in self.fields if key == name]


class Caller:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the connection."""
        self.reader = reader
        self.writer = writer

    async def say(self, *pieces: bytes) -> None:
        """Send bytes, each piece by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self, *, head_only: bool = False) -> Answer:
        """Read one answer to its end. Raises IncompleteReadError when there is none."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            pairs = [line.split(": ", 1) for line in lines if line]
            answer = Answer(int(first.split(" ")[1]), [(n.lower(), v) for n, v in pairs], b"")
            if answer.header("transfer-encoding"):
                return answer._replace(body=await self._chunks())
            length = int((answer.header("content-length") or ["0"])[0])
            return answer._replace(body=await self.reader.readexactly(0 if head_only else length))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    async def ended(self) -> bytes:
        """Wait until the server ends the connection; return what came before."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


class Served:
    """A server that runs; `taken` is what its hot route `/in/` was called with."""

    def __init__(self, server: Server, port: int, taken: list[tuple[str, Callback]]) -> None:
        """Take what runs."""
        self.server = server
        self.port = port
        self.taken = taken

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        """Connect."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Caller(reader, writer)
        finally:
            writer.close()

    async def took(self, count: int) -> None:
        """Wait until the handler has been called so often."""
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                await asyncio.sleep(0.005)
        assert count == len(self.taken)

    async def send(self, *pieces: bytes, head_only: bool = False) -> Answer:
        """Send a request on a connection of its own and read the answer."""
        async with self.caller() as caller:
            await caller.say(*pieces)
            return await caller.answer(head_only=head_only)


def request(
    path: str = "/in/token", *lines: bytes, method: str = "POST", body: bytes | None = b"{}"
) -> bytes:
    """Write a request; one with a body of None says nothing of its length."""
    head = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: x", *lines]
    if body is not None:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + (body or b"")


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"nobody"})


@asynccontextmanager
async def served(
    handle: Handle | None = None,
    *,
    app: App = _nobody,
    times: Times | None = None,
    answer: HttpResponse = OK,
    **limits: int,
) -> AsyncIterator[Served]:
    """Run a server with a hot route `/in/` that answers `answer`, or what `handle` does."""
    taken: list[tuple[str, Callback]] = []

    async def take(name: str, callback: Callback) -> HttpResponse:
        taken.append((name, callback))
        return answer if handle is None else await handle(name, callback)

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port: int = listening.getsockname()[1]
    server = Server(app, [HotRoute("/in/", take, f"{PUBLIC_URL}/")], times=times, **limits)
    server.start(listening)
    try:
        yield Served(server, port, taken)
    finally:
        await server.close()
