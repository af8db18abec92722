"""T26: whatever a server does, the outcome has a class, a bounded time and a bounded size."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing
from tests.sizes import SIZES

from .hostile import BEHAVIOURS, KEPT
from .receivers import eventually, receiving

BOTH_LOOPS = True
DEADLINE_S = 1.0
OVERRUN_S = 0.5
CONCURRENT = 64
# For servers that do not read: what we hold for them is our own size, not theirs.
BODY = b"x" * 32 * 1024


def resident_kib() -> int:
    """Return the memory of this process that is in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@contextmanager
def hostile() -> Iterator[int]:
    """Run the hostile servers in a process of their own; gives their port."""
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-m", "tests.transport.hostile"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


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
    if len(exchange.raw_headers) > (64 if exchange.status else 0):
        wrong.append(f"{name}: {len(exchange.raw_headers)} header lines kept")
    if bool(exchange.error) != bool(exchange.detail) or took_s > DEADLINE_S + 10 * OVERRUN_S:
        wrong.append(f"{name}: {took_s:.2f} s, {exchange.detail!r}")
    return wrong


async def test_hostile_servers() -> None:
    """Each behaviour ends as its class says, in time, and the next delivery is not affected."""
    assert len(BEHAVIOURS) >= 55
    client = Client()
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    todo = iter([name for name in BEHAVIOURS for _ in range(SIZES.hostile_repeats)])

    async def meet_all(port: int, good: Outgoing) -> None:
        for name in todo:
            body = b"{}" if BEHAVIOURS[name].reads_first else BODY
            request = Outgoing("POST", Target.parse(f"http://127.0.0.1:{port}/{name}"), (), body)
            started = time.monotonic()
            exchange = await client.send(
                request, policy=TEST, deadline_s=DEADLINE_S, connections=CONCURRENT
            )
            wrong.extend(judge(name, exchange, time.monotonic() - started))
            after = await client.send(good, policy=TEST, deadline_s=5, connections=CONCURRENT)
            if not after.ok:
                wrong.append(f"after {name}: {after.error} {after.detail}")
            seen[name] += 1

    with hostile() as port:
        async with receiving() as fine:
            before = resident_kib()
            await asyncio.gather(*(meet_all(port, fine.post()) for _ in range(CONCURRENT)))
            grown = resident_kib() - before
            await client.close()
    assert [] == wrong
    assert dict.fromkeys(BEHAVIOURS, SIZES.hostile_repeats) == dict(seen)
    assert grown <= 30 * 1024


async def test_hostile_answers_end_on_time() -> None:
    """What only the deadline can end, ends at the deadline, and not long before it."""
    slow = [name for name, one in BEHAVIOURS.items() if one.error == "timeout" and one.reads_first]
    assert len(slow) >= 7
    client = Client()
    with hostile() as port:

        async def meet(name: str) -> tuple[float, float]:
            target = Target.parse(f"http://127.0.0.1:{port}/{name}")
            request = Outgoing("POST", target, (), b"{}")
            started = time.monotonic()
            exchange = await client.send(request, policy=TEST, deadline_s=0.3)
            return time.monotonic() - started, exchange.timings.total / 1000

        times = await asyncio.gather(*map(meet, slow))
        await client.close()
    for took, told in times:
        assert 0.25 <= took <= 0.3 + 10 * OVERRUN_S
        assert abs(took - told) < 0.1


async def test_large_body_that_nobody_reads() -> None:
    """A request that does not fit into the sockets' buffers ends with its deadline too."""
    client = Client()
    with hostile() as port:
        target = Target.parse(f"http://127.0.0.1:{port}/never_reads")
        request = Outgoing("POST", target, (), b"x" * 12_000_000)
        exchange = await client.send(request, policy=TEST, deadline_s=0.3)
        await eventually(lambda: client.open_connections == 0)
        await client.close()
    assert ("timeout", True) == (exchange.error, exchange.sent)
