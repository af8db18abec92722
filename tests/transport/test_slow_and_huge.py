"""T06 and T07: who floods and who drips, beside callers who behave. Full sizes in `make proof`."""

import asyncio
import contextlib
import time

from tests.sizes import FULL, SIZES
from tests.transport.callers import Server, read_answer, request, serving

GOOD_PER_S = 200
# The bars are held in `make proof`; `make test` shares its machine and gets ten times as much.
EASE = 1 if SIZES is FULL else 10
GOOD_S = 0.25 * EASE
LAG_S = 0.05 * EASE
MIB = 1024 * 1024


async def good_traffic(server: Server, done: asyncio.Event) -> list[float]:
    """Send 200 requests a second, on connections of their own, until done; return how long each
    took. Raises AssertionError for one that is not answered 200.
    """
    took: list[float] = []

    async def one() -> None:
        began = time.monotonic()
        assert (await server.send(request("good", body=b"{}")))[0] == 200
        took.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        while not done.is_set():
            group.create_task(one())
            await asyncio.sleep(1 / GOOD_PER_S)
    return sorted(took)


async def drip(server: Server, start: bytes) -> tuple[int | None, float]:
    """Send the start of a request, then a byte a second; return the answer, and after how long."""
    reader, writer = await server.open()
    began = time.monotonic()
    answer = asyncio.create_task(_answered(reader))
    try:
        writer.write(start)
        while not answer.done():
            await asyncio.wait([answer], timeout=1)
            if not answer.done() and not writer.is_closing():
                writer.write(b"x")
        return await answer, time.monotonic() - began
    finally:
        writer.close()


async def _answered(reader: asyncio.StreamReader) -> int | None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        async with asyncio.timeout(SIZES.slow_s + 30):
            await reader.readuntil(b" ")
            return int(await reader.readexactly(3))
    return None


async def test_those_who_drip_harm_nobody() -> None:
    """T07: all slow ones are closed a second after their time; the others are all answered."""
    starts = (
        b"POST /in/slow HTTP/1.1\r\nHost: x\r\nX-A: ",
        request("slow", "Content-Length: 4000"),
    )
    with serving(SIZES.slow_s) as server:
        done = asyncio.Event()
        good = asyncio.create_task(good_traffic(server, done))
        slow = await asyncio.gather(
            *(drip(server, starts[number % 2]) for number in range(SIZES.slow_callers))
        )
        done.set()
        took = await good
        assert {status for status, _ in slow} <= {408, None}
        assert max(seconds for _, seconds in slow) < SIZES.slow_s + EASE
        assert took[int(len(took) * 0.99)] < GOOD_S
        # None of the slow ones got through to the handler.
        assert (await server.last()).name == "good"


async def test_those_who_flood_harm_nobody() -> None:
    """T06: a gibibyte declared, or sent in pieces of a byte, is 413 or 408, and costs no memory."""
    with serving() as server:
        await server.send(request("good"))
        before = server.worker.memory_info().rss
        done = asyncio.Event()
        watched = asyncio.create_task(_lag(server, done))
        declared = request("x", f"Content-Length: {2**30}")
        chunks = request("x", "Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 1_000
        answers = await asyncio.gather(
            *(server.send(declared) for _ in range(100)), *(server.send(chunks) for _ in range(100))
        )
        done.set()
        lags = await watched
        assert {413, 408} == {status for status, _, _ in answers}
        assert server.worker.memory_info().rss - before < 20 * MIB
        assert lags[int(len(lags) * 0.99)] < LAG_S
        assert (await server.last()).name == "good"


async def _lag(server: Server, done: asyncio.Event) -> list[float]:
    """Ask again and again on one connection; return how long each answer took."""
    reader, writer = await server.open()
    took: list[float] = []
    try:
        while not done.is_set():
            began = time.monotonic()
            writer.write(request("good"))
            assert (await read_answer(reader))[0] == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.002)
    finally:
        writer.close()
    return sorted(took)
