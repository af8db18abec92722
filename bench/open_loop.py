"""The open-loop generator: requests at a constant rate, whatever the answers do.

Times count from when a request was due, not from when it left: a server that holds everything up
cannot hide it by slowing the generator down. One thread; the loop waits with `select`, because
the other waits of the system are only as fine as a millisecond.
"""

import asyncio
import contextlib
import gc
import selectors
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

from bench.errors import BenchError

CONNECTIONS = 32
CONNECTIONS_MAX = 512
_ANSWERS_S = 30.0
Request = Callable[[int], bytes]


@dataclass
class Sample:
    """One request: when it was due, when it left, when its answer was there (monotonic s)."""

    number: int
    due: float
    left: float = 0.0
    answered: float = 0.0
    status: int = 0


@dataclass(frozen=True)
class Spread:
    """Percentiles of a list of durations, in milliseconds."""

    p50: float
    p95: float
    p99: float


def spread(seconds: list[float]) -> Spread:
    """Return the percentiles of durations. Raises BenchError when there is none."""
    if not seconds:
        raise BenchError("Nothing was measured.")
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    return Spread(statistics.median(ordered) * 1000, at(0.95), at(0.99))


class _Wire(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, free: Callable[["_Wire"], None]) -> None:
        self._free = free
        self._parser = httptools.HttpResponseParser(self)
        self.sample: Sample | None = None
        self.broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, sample: Sample, request: bytes) -> None:
        self.sample = sample
        self.transport.write(request)
        sample.left = time.monotonic()

    def data_received(self, data: bytes) -> None:
        self._at = time.monotonic()
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        assert self.sample is not None
        self.sample.answered = self._at
        self.sample.status = self._parser.get_status_code()
        self.sample = None
        self._free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.broken = True


@dataclass
class _Pool:
    """Connections to the server; one more is opened when all are busy."""

    port: int
    idle: deque[_Wire] = field(default_factory=deque)
    opened: list[_Wire] = field(default_factory=list)

    async def open(self) -> _Wire:
        if len(self.opened) >= CONNECTIONS_MAX:
            raise BenchError(f"{CONNECTIONS_MAX} requests are without an answer.")
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(
            lambda: _Wire(self.idle.append), "127.0.0.1", self.port
        )
        self.opened.append(wire)
        return wire

    def take(self) -> _Wire | None:
        while self.idle:
            wire = self.idle.pop()
            if not wire.broken:
                return wire
        return None


class OpenLoop:
    """Sends `rate` requests a second; `request` makes the one with a number.

    `between` runs once, in a thread, when the warm-up is over: to read counters.
    """

    def __init__(self, port: int, request: Request, rate: float, first: int = 0) -> None:
        """Take what is sent, and where to."""
        self._port = port
        self._request = request
        self._rate = rate
        self._first = first

    def run(self, warm_s: float, run_s: float) -> list[Sample]:
        """Send for so long, wait for the answers, return the samples after the warm-up.

        Raises:
            BenchError: an answer was missing or no 2xx.

        """
        gc.collect()
        gc.disable()
        try:
            with asyncio.Runner(loop_factory=_fine_loop) as runner:
                samples = runner.run(self._send(warm_s + run_s))
        finally:
            gc.enable()
        wrong = [one for one in samples if not 200 <= one.status < 300]
        if wrong:
            raise BenchError(f"{len(wrong)} of {len(samples)} requests were not answered 2xx.")
        return samples[int(warm_s * self._rate) :]

    async def _send(self, seconds: float) -> list[Sample]:
        pool = _Pool(self._port)
        pool.idle.extend([await pool.open() for _ in range(CONNECTIONS)])
        samples: list[Sample] = []
        late: set[asyncio.Task[None]] = set()
        begin = time.monotonic() + 0.05
        for index in range(int(seconds * self._rate)):
            due = begin + index / self._rate
            request = self._request(self._first + index)
            sample = Sample(self._first + index, due)
            samples.append(sample)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            wire = pool.take()
            if wire is not None:
                wire.send(sample, request)
            else:
                late.add(asyncio.create_task(_send_on_new(pool, sample, request)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWERS_S):
                while any(not sample.status for sample in samples):
                    await asyncio.sleep(0.02)
        for task in late:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error
        for wire in pool.opened:
            wire.transport.abort()
        return samples


async def _send_on_new(pool: _Pool, sample: Sample, request: bytes) -> None:
    wire = await pool.open()
    wire.send(sample, request)


def _fine_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(selectors.SelectSelector())
