"""The API behind the server that it has in real life, and a reader of its streams."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from ringback.transport.server import Server
from tests.api.house import KEY, House

ALL = {"after": "earliest"}


class Told(NamedTuple):
    """One message of a stream."""

    id: str
    event: str
    data: bytes


class Stream:
    """A stream that is being read."""

    def __init__(self, response: httpx.Response) -> None:
        """Take the answer, of which only the head has been read."""
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self) -> Told:
        """Return the next message that has data. Raises StopAsyncIteration at the end."""
        while True:
            told = await self.any()
            if told.data:
                return told

    async def some(self, count: int) -> list[Told]:
        """Return so many messages."""
        return [await self.next() for _ in range(count)]

    async def any(self) -> Told:
        """Return the next message, with data or without."""
        event, data, seen = "", [], False
        async with asyncio.timeout(10):
            while line := await anext(self._lines):
                name, _, value = line.partition(": ")
                seen = True
                if name == "id":
                    self.last_id = value
                elif name == "event":
                    event = value
                elif name == "data":
                    data.append(value)
        assert seen
        return Told(self.last_id, event, "\n".join(data).encode())

    async def ended(self) -> None:
        """Wait for the proper end of the answer. Raises httpx.RemoteProtocolError at any other."""
        async with asyncio.timeout(10):
            async for _ in self._lines:
                pass


class Front:
    """The API on a port."""

    def __init__(self, house: House, server: Server, port: int) -> None:
        """Take what runs."""
        self.house = house
        self.server = server
        self.port = port
        limits = httpx.Limits(max_connections=None)
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=15, limits=limits, trust_env=False
        )

    @asynccontextmanager
    async def stream(
        self, path: str = "/v1/events", key: str = KEY, last: str | None = None, **params: str
    ) -> AsyncIterator[Stream]:
        """Open a stream; `last` is the id of the last message that was seen."""
        headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
        if last is not None:
            headers["last-event-id"] = last
        request = self.client.stream("GET", path, headers=headers, params=params)
        async with request as response:
            assert 200 == response.status_code, await response.aread()
            assert "text/event-stream; charset=utf-8" == response.headers["content-type"]
            yield Stream(response)


@asynccontextmanager
async def front_of(house: House) -> AsyncIterator[Front]:
    """Serve a house's API on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    port: int = listening.getsockname()[1]
    server = Server(house.app)
    server.start(listening)
    front = Front(house, server, port)
    try:
        yield front
    finally:
        await front.client.aclose()
        await server.close()
