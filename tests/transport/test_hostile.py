# ruff: noqa: SIM300 - expected first, actual second
"""T26: whatever a server does, the outcome has a class, a bounded time and a bounded size."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing
from sizes import SIZES

from .hostile import BEHAVIOURS, KEPT
from .receivers import receiving

BOTH_LOOPS = True
DEADLINE_S = 1.0
OVERRUN_S = 0.5
CONCURRENT = 64
# Large enough not to fit into the socket buffers of a server that does not read.
BODY = b"x" * 8_000_000


def resident_kib() -> int:
    """Return the memory of this process that is in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


async def misbehave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the name of a behaviour from the request's path and follow its script."""
    head = await reader.readuntil(b"\r\n\r\n")
    chosen = BEHAVIOURS[head.split(b" ")[1][1:].decode()]
    if chosen.reads_first:
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    await chosen.script(reader, writer)


def judge(name: str, exchange: Exchange, took_s: float) -> list[str]:
    """Compare one outcome with what it must be; return what is wrong."""
    expected = BEHAVIOURS[name]
    wrong = []
    if (expected.error, expected.status) != (exchange.error, exchange.status):
        wrong.append(f"{name}: {exchange.error} {exchange.status} {exchange.detail}")
    if expected.size is not None and expected.size != len(exchange.body):
        wrong.append(f"{name}: {len(exchange.body)} bytes")
    if expected.truncated != exchange.truncated or len(exchange.body) > KEPT:
        wrong.append(f"{name}: truncated={exchange.truncated}, {len(exchange.body)} bytes")
    if sum(len(key) + len(value) for key, value in exchange.raw_headers) > 16 * 1024:
        wrong.append(f"{name}: head kept")
    if bool(exchange.error) != bool(exchange.detail) or took_s > DEADLINE_S + 10 * OVERRUN_S:
        wrong.append(f"{name}: {took_s:.2f} s, {exchange.detail!r}")
    return wrong


async def test_hostile_servers() -> None:
    """Each behaviour ends as its class says, in time, and the next delivery is not affected."""
    assert len(BEHAVIOURS) >= 55
    client = Client()
    gate = asyncio.Semaphore(CONCURRENT)
    wrong: list[str] = []
    seen: Counter[str] = Counter()

    async def meet(name: str, port: int, good: Outgoing) -> None:
        body = b"{}" if BEHAVIOURS[name].reads_first else BODY
        request = Outgoing("POST", Target.parse(f"http://127.0.0.1:{port}/{name}"), (), body)
        async with gate:
            started = time.monotonic()
            exchange = await client.send(
                request, policy=TEST, deadline_s=DEADLINE_S, connections=CONCURRENT
            )
            wrong.extend(judge(name, exchange, time.monotonic() - started))
            after = await client.send(good, policy=TEST, deadline_s=5, connections=CONCURRENT)
            if not after.ok:
                wrong.append(f"after {name}: {after.error} {after.detail}")
            seen[name] += 1

    async with receiving(misbehave) as bad, receiving() as fine:
        before = resident_kib()
        names = [name for name in BEHAVIOURS for _ in range(SIZES.hostile_repeats)]
        await asyncio.gather(*(meet(name, bad.port, fine.post()) for name in names))
        grown = resident_kib() - before
        await client.close()
    assert [] == wrong
    assert dict.fromkeys(BEHAVIOURS, SIZES.hostile_repeats) == dict(seen)
    # The hostile servers run in this process too, with buffers of their own.
    assert grown <= 60 * 1024


async def test_hostile_answers_end_on_time() -> None:
    """What only the deadline can end, ends at the deadline, and not long before it."""
    slow = [name for name, one in BEHAVIOURS.items() if one.error == "timeout" and one.reads_first]
    assert len(slow) >= 7
    client = Client()
    async with receiving(misbehave) as bad:

        async def meet(name: str) -> tuple[float, float]:
            request = Outgoing("POST", Target.parse(bad.url(f"/{name}")), (), b"{}")
            started = time.monotonic()
            exchange = await client.send(request, policy=TEST, deadline_s=0.3)
            return time.monotonic() - started, exchange.timings.total / 1000

        times = await asyncio.gather(*map(meet, slow))
        await client.close()
    for took, told in times:
        assert 0.25 <= took <= 0.3 + 10 * OVERRUN_S
        assert abs(took - told) < 0.1
