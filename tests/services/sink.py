"""A real receiver on loopback: it records what it is sent and answers as it was told."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple


class Received(NamedTuple):
    """One request as it arrived; `at` is the event loop's time."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class Sink:
    """An HTTP/1.1 server; `answers` are given in turn, then 200 for ever.

    With a `gate` it answers nobody before that is open. `most` is how many waited at once.
    """

    def __init__(self) -> None:
        """Start with nothing received."""
        self.received: list[Received] = []
        self.answers: deque[tuple[int, str]] = deque()
        self.delay_s = 0.0
        self.gate: asyncio.Event | None = None
        self.waiting = self.most = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def answer(self, _now: float) -> tuple[int, str]:
        """Return the status, and more header lines, for a request that came at `_now`."""
        return self.answers.popleft() if self.answers else (200, "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.partition(": ") for line in head[1:] if line)
                headers = {name.lower(): value for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                now = asyncio.get_running_loop().time()
                self.received.append(Received(head[0].split(" ")[1], headers, body, now))
                await self._hold()
                status, extra = self.answer(now)
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{extra}\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _hold(self) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.waiting -= 1


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to become true; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
