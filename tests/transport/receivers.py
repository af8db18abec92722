"""Receivers for tests: real servers on loopback that do exactly what a test tells them."""

import asyncio
import errno
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ringback.domain.targets import Target
from ringback.transport.exchange import Outgoing

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """A listening server; `heads` are the request heads that were read, in order."""

    def __init__(self, handler: Handler | None, host: str) -> None:
        self._handler = handler or self.answer
        self._tasks: set[asyncio.Task[None]] = set()
        self.host = host
        self.port = 0
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.reply = OK

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """Return a URL of this receiver."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}{path}"

    def post(self, path: str = "/", body: bytes = b"{}", scheme: str = "http") -> Outgoing:
        """Make a request to this receiver."""
        return Outgoing("POST", Target.parse(self.url(path, scheme)), (("X-Test", "1"),), body)

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request; remember and return its head. Raises IncompleteReadError at the end."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line[15:])
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(size))
        return head

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request with `reply`, until the client ends the connection."""
        while True:
            await self.read(reader)
            writer.write(self.reply)
            await writer.drain()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the handler; what happens to the connection is its business."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._handler(reader, writer)
        self._tasks.discard(task)
        writer.transport.abort()

    async def stop(self) -> None:
        """End the handlers that still run."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def receiving(
    handler: Handler | None = None,
    *,
    host: str = "127.0.0.1",
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port of `host` while the block runs."""
    receiver = Receiver(handler, host)
    server = await asyncio.start_server(receiver.accept, host, 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.stop()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    sock = socket.socket(fileno=socket.dup(writer.get_extra_info("socket").fileno()))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    sock.close()


class Spy:
    """A connector that records where it was sent and goes nowhere, unless `inner` is given."""

    def __init__(self, inner: Callable[..., Awaitable[object]] | None = None) -> None:
        self.calls: list[tuple[str, int]] = []
        self._inner = inner

    async def __call__(
        self, factory: Callable[[], asyncio.Protocol], ip: str, port: int
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Record, then refuse or connect for real."""
        self.calls.append((ip, port))
        if self._inner is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused by the test")
        return await self._inner(factory, ip, port)  # type: ignore[return-value]


async def no_names(host: str, port: int) -> list[tuple[int, str]]:
    """A resolver that no test may reach."""
    raise AssertionError(f"{host}:{port} was resolved")


async def eventually(condition: Callable[[], bool], within_s: float = 2.0) -> None:
    """Wait until `condition` holds; fails after `within_s` seconds."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
