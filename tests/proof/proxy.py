"""A TCP proxy that spoils connections: from a worker to an endpoint, or to PostgreSQL.

Each connection gets the fault that `plan` has for its number, or none. What an endpoint answered
and its client did not get whole is counted, and when: only that excuses a repeat.
"""

import asyncio
import contextlib
import random
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

_CHUNK = 16 * 1024
_HEAR_S = 1.0
# What is done with a connection, from its first byte to its last: see FAULTS.
Fault = Callable[["Passage"], Awaitable[None]]
Plan = Callable[[int], Fault | None]


class Measures(msgspec.Struct, frozen=True):
    """How strong the faults are; times in seconds, rates in bytes a second, sizes in bytes."""

    latency_s: float = 0.2
    rate: int = 4096
    slice: int = 7
    slice_pause_s: float = 0.001
    close_after_s: float = 0.5
    reset_after_s: float = 0.05
    limit: int = 20
    seed: int = 1


class Passage:
    """One connection through the proxy: two ends, and what has passed."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        measures: Measures,
        number: int,
    ) -> None:
        """Take both ends, connected."""
        self.client_reader, self.client_writer = client
        self.server_reader, self.server_writer = server
        self.measures = measures
        self.dice = random.Random(f"{measures.seed}/{number}")
        # Bytes that the server was sent, that it sent, and that went on to the client.
        self.sent = 0
        self._was_cut = False
        self.answered = 0
        self.passed = 0
        # When the server last spoke.
        self.spoke_at = 0.0

    async def up(self) -> AsyncIterator[bytes]:
        """Go through what the client sends."""
        while data := await self.client_reader.read(_CHUNK):
            yield data

    async def down(self) -> AsyncIterator[bytes]:
        """Go through what the server sends."""
        while data := await self.server_reader.read(_CHUNK):
            self._spoke(data)
            yield data

    def _spoke(self, data: bytes) -> None:
        self.answered += len(data)
        self.spoke_at = time.time()

    async def to_server(self, data: bytes) -> None:
        """Pass bytes on to the server."""
        self.server_writer.write(data)
        await self.server_writer.drain()
        self.sent += len(data)

    async def to_client(self, data: bytes) -> None:
        """Pass bytes on to the client."""
        self.client_writer.write(data)
        await self.client_writer.drain()
        self.passed += len(data)

    async def send_on(self) -> None:
        """Pass on all that the client sends, unchanged."""
        async for data in self.up():
            await self.to_server(data)
        if self.server_writer.can_write_eof():
            self.server_writer.write_eof()

    async def answer_on(self) -> None:
        """Pass on all that the server sends, unchanged."""
        async for data in self.down():
            await self.to_client(data)

    async def first(self, *ways: Awaitable[None]) -> None:
        """Run several ways at once until the first of them ends."""
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def lost_answer(self) -> bool:
        """Whether the server spoke and the client may not have heard all of it."""
        return self.answered > 0 and (self._was_cut or self.passed < self.answered)

    async def heard_out(self) -> None:
        """Hear what the server answers to a client that did not wait for it."""
        if self.sent and not self.answered:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(_HEAR_S):
                    self._spoke(await self.server_reader.read(_CHUNK))

    def cut(self) -> None:
        """End the client's side with RST: what it has not read by then, it may never read."""
        self._was_cut = True
        _reset(self.client_writer)

    def close(self) -> None:
        """End both sides at once."""
        self.client_writer.transport.abort()
        self.server_writer.transport.abort()


class Proxy:
    """A proxy in front of `target`: a port of this machine, or the path of a Unix socket."""

    def __init__(self, target: int | Path, plan: Plan, measures: Measures | None = None) -> None:
        """Take what is behind it and which fault each connection gets, counted from 1."""
        self.target = target
        self.plan = plan
        self.measures = measures or Measures()
        self.port = 0
        self.connections = 0
        self.spoiled = 0
        # When the answers were given that have been lost.
        self.lost_at: list[float] = []
        self.refusing = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def lost_answers(self) -> int:
        """How many answers have been lost."""
        return len(self.lost_at)

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        self.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop(self) -> None:
        """End every connection that stands."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass(reader, writer)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            return
        self.connections += 1
        number = self.connections
        server = await self._connect()
        passage = Passage((reader, writer), server, self.measures, number)
        fault = self.plan(number)
        self.spoiled += fault is not None
        try:
            await (fault or plain)(passage)
        finally:
            writer.transport.abort()
            await passage.heard_out()
            if passage.lost_answer:
                self.lost_at.append(passage.spoke_at)
            passage.server_writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, int):
            return await asyncio.open_connection("127.0.0.1", self.target)
        return await asyncio.open_unix_connection(str(self.target))


async def plain(passage: Passage) -> None:
    """No fault: everything passes."""
    await passage.first(passage.send_on(), passage.answer_on())


async def latency(passage: Passage) -> None:
    """Everything arrives late, both ways."""
    pause = passage.measures.latency_s

    async def up() -> None:
        async for data in passage.up():
            await asyncio.sleep(pause)
            await passage.to_server(data)

    async def down() -> None:
        async for data in passage.down():
            await asyncio.sleep(pause)
            await passage.to_client(data)

    await passage.first(up(), down())


async def bandwidth(passage: Passage) -> None:
    """Everything arrives slowly, both ways."""
    step = max(1, passage.measures.rate // 50)

    async def up() -> None:
        async for data in passage.up():
            for at in range(0, len(data), step):
                await asyncio.sleep(0.02)
                await passage.to_server(data[at : at + step])

    async def down() -> None:
        async for data in passage.down():
            for at in range(0, len(data), step):
                await asyncio.sleep(0.02)
                await passage.to_client(data[at : at + step])

    await passage.first(up(), down())


async def slicing(passage: Passage) -> None:
    """Everything arrives in tiny pieces, both ways."""
    size, pause = passage.measures.slice, passage.measures.slice_pause_s

    async def up() -> None:
        async for data in passage.up():
            for at in range(0, len(data), size):
                await passage.to_server(data[at : at + size])
                await asyncio.sleep(pause)

    async def down() -> None:
        async for data in passage.down():
            for at in range(0, len(data), size):
                await passage.to_client(data[at : at + size])
                await asyncio.sleep(pause)

    await passage.first(up(), down())


async def slow_close(passage: Passage) -> None:
    """Everything passes; the end of the connection is told late."""
    await passage.first(passage.send_on(), passage.answer_on())
    await asyncio.sleep(passage.measures.close_after_s)


async def timeout(passage: Passage) -> None:
    """The request arrives, nothing comes back, and after a while the connection is closed."""

    async def swallow() -> None:
        async for _ in passage.down():
            pass
        await asyncio.Event().wait()

    try:
        async with asyncio.timeout(passage.measures.close_after_s):
            await passage.first(passage.send_on(), swallow())
    except TimeoutError:
        pass


async def reset(passage: Passage) -> None:
    """The connection is reset a moment after it was opened, whatever is under way."""

    async def later() -> None:
        await asyncio.sleep(passage.dice.uniform(0, passage.measures.reset_after_s))

    await passage.first(passage.send_on(), passage.answer_on(), later())
    passage.cut()


async def limited(passage: Passage) -> None:
    """The answer ends after a few bytes."""

    async def down() -> None:
        left = passage.measures.limit
        async for data in passage.down():
            await passage.to_client(data[:left])
            left -= len(data[:left])
            if not left:
                return

    await passage.first(passage.send_on(), down())


async def black_hole(passage: Passage) -> None:
    """The connection stands, takes everything, and gives nothing to anybody."""
    async for _ in passage.up():
        pass


async def half_close(passage: Passage) -> None:
    """The request arrives; instead of its answer comes the end, while we go on listening."""
    await passage.to_server(await passage.client_reader.read(_CHUNK))
    await anext(passage.down(), b"")
    passage.client_writer.write_eof()
    async for _ in passage.up():
        pass


async def bit_flip(passage: Passage) -> None:
    """One bit of the request's body arrives changed."""

    async def up() -> None:
        head = await passage.client_reader.readuntil(b"\r\n\r\n")
        body = bytearray(await passage.client_reader.read(_CHUNK))
        body[passage.dice.randrange(len(body))] ^= 1 << passage.dice.randrange(8)
        await passage.to_server(head + bytes(body))
        await passage.send_on()

    await passage.first(up(), passage.answer_on())


async def read_then_reset(passage: Passage) -> None:
    """The request arrives and is answered; instead of the answer comes a reset."""

    async def down() -> None:
        async for _ in passage.down():
            return

    await passage.first(passage.send_on(), down())
    passage.cut()


async def tls_stall(passage: Passage) -> None:
    """The client's first bytes are taken and never answered: a handshake that does not go on."""
    await passage.client_reader.read(1)
    async for _ in passage.up():
        pass


FAULTS: dict[str, Fault] = {
    one.__name__: one
    for one in (
        latency, bandwidth, slicing, slow_close, timeout, reset, limited, black_hole, half_close,
        bit_flip, read_then_reset, tls_stall,
    )
}  # fmt: skip


def _reset(writer: asyncio.StreamWriter) -> None:
    taken = writer.get_extra_info("socket")
    if taken is None or writer.transport.is_closing():
        return
    sock = socket.socket(fileno=socket.dup(taken.fileno()))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    sock.close()
