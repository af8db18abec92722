"""The proxy does what its faults are called, seen from both sides of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from .proxy import FAULTS, Measures, Proxy

REQUEST = b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\nhello world"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
MEASURES = Measures(latency_s=0.1, rate=500, close_after_s=0.2, reset_after_s=0)


class Server:
    """Reads one request on each connection and answers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        data = b""
        with suppress(OSError):
            while len(data) < len(REQUEST) and (more := await reader.read(1024)):
                data += more
            self.heard.append(data)
            if len(data) == len(REQUEST):
                writer.write(ANSWER)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def passing(fault: str | None) -> AsyncIterator[tuple[Proxy, Server]]:
    """Run a server, and a proxy in front of it whose every connection has a fault."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    proxy = Proxy(
        listening.sockets[0].getsockname()[1], lambda _: FAULTS.get(fault or ""), MEASURES
    )
    await proxy.start()
    try:
        yield proxy, server
    finally:
        await proxy.stop()
        listening.close()


async def ask(proxy: Proxy, seconds: float = 1.0) -> bytes | str:
    """Post once; return the answer, or how it ended: "reset", "nothing" or b"" for an end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(REQUEST)
        async with asyncio.timeout(seconds):
            return await reader.read()
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "nothing"
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("fault", "answer", "heard", "lost"),
    [
        (None, ANSWER, True, 0),
        ("latency", ANSWER, True, 0),
        ("bandwidth", ANSWER, True, 0),
        ("slicing", ANSWER, True, 0),
        ("slow_close", ANSWER, True, 0),
        ("timeout", b"", True, 1),
        ("reset", "reset", None, None),
        ("limited", ANSWER[:20], True, 1),
        ("black_hole", "nothing", False, 0),
        ("half_close", b"", True, 1),
        ("bit_flip", ANSWER, None, 0),
        ("read_then_reset", "reset", True, 1),
        ("tls_stall", "nothing", False, 0),
    ],
)
async def test_a_fault(
    fault: str | None, answer: bytes | str, heard: bool | None, lost: int | None
) -> None:
    """What the client gets, whether the server got the request whole, and what is counted."""
    async with passing(fault) as (proxy, server):
        assert answer == await ask(proxy)
        await asyncio.sleep(0.05)
    assert heard is None or heard == (server.heard == [REQUEST])
    assert lost is None or lost == proxy.lost_answers
    assert (1, int(fault is not None)) == (proxy.connections, proxy.spoiled)


@pytest.mark.parametrize(
    ("fault", "least"),
    [("latency", 0.2), ("bandwidth", 0.2), ("slow_close", 0.2), ("timeout", 0.2)],
)
async def test_slow_faults_take_their_time(fault: str, least: float) -> None:
    """Latency both ways, a rate, a late end and a late refusal can be measured."""
    async with passing(fault) as (proxy, _):
        began = time.monotonic()
        await ask(proxy)
        assert time.monotonic() - began >= least


async def test_a_flipped_bit_is_one_bit() -> None:
    """Head and length are as they were; the body differs in one bit."""
    async with passing("bit_flip") as (proxy, server):
        await ask(proxy)
    (got,) = server.heard
    assert got[:-11] == REQUEST[:-11]
    changed = int.from_bytes(got[-11:], "big") ^ int.from_bytes(REQUEST[-11:], "big")
    assert 1 == changed.bit_count()


async def test_faults_follow_the_plan() -> None:
    """Only the connections that the plan names are spoiled; refusing ends all at once."""
    async with passing(None) as (proxy, _):
        proxy.plan = lambda number: FAULTS["read_then_reset"] if number == 2 else None
        assert [ANSWER, "reset", ANSWER] == [await ask(proxy) for _ in range(3)]
        proxy.refusing = True
        assert await ask(proxy) in {b"", "reset"}
    assert (3, 1) == (proxy.connections, proxy.spoiled)


def test_there_are_twelve_faults() -> None:
    """Every kind that the proofs promise."""
    assert 12 == len(FAULTS)
