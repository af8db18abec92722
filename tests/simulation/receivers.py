"""Endpoints' servers and the network to them: latencies, outages, throttling, lost answers.

A request that has left its worker arrives whatever happens to the worker; its answer may not.
"""

import asyncio
import random
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Literal, NamedTuple, Protocol

from ringback.domain.endpoints import Endpoint
from ringback.transport.client import Client
from ringback.transport.exchange import ErrorClass, Exchange, Outgoing, Timings
from tests.simulation.timeloop import Process, TimeLoop

Habit = Literal["steady", "flaky", "slow", "throttling", "hanging", "lossy", "gone"]
HABITS: tuple[Habit, ...] = (
    *(("steady",) * 9), "flaky", "flaky", "slow", "throttling", "throttling", "hanging", "lossy",
    "gone",
)  # fmt: skip
CONNECT_S = 5.0
RETRY_AFTER = (0, 1, 7, 60, 600, 7_200, 86_400, 200_000)


class Outage(NamedTuple):
    """A time in which nothing is taken; in seconds of the world's clock."""

    begin: float
    end: float
    how: Literal["refuses", "fails", "hangs"]


class Reply(NamedTuple):
    """What a server does with a request: `taken` when it has had its effect there."""

    after_s: float
    taken: bool = False
    status: int | None = None
    error: ErrorClass | None = None
    retry_after: str | None = None


class Receiver:
    """One endpoint's server."""

    def __init__(
        self,
        endpoint: Endpoint,
        habit: Habit,
        outages: list[Outage],
        chance: random.Random,
        retry_after: tuple[int, ...] = RETRY_AFTER,
        *,
        dates: bool = True,
    ) -> None:
        """Take its habits, and the seconds that it asks others to wait, as dates too or not."""
        self.endpoint = endpoint
        self.habit = habit
        self.outages = outages
        # Whether it takes everything, as fast as it can, whatever its habits are.
        self.well = False
        self._chance = chance
        self._seconds = retry_after
        self._dates = dates

    def _outage(self, now: float) -> Outage | None:
        if self.well:
            return None
        return next((o for o in self.outages if o.begin <= now < o.end), None)

    def connecting_s(self) -> float:
        """Return how long it takes until a connection stands; mostly there is one already."""
        if self._chance.random() < 0.9:
            return 0.0
        slow = not self.well and self._chance.random() < 0.1
        return self._chance.uniform(0, self.endpoint.policy.timeout_s if slow else 0.05)

    def refuses(self, now: float) -> bool:
        """Whether nobody listens."""
        outage = self._outage(now)
        return outage is not None and outage.how == "refuses"

    def reply(self, now: float) -> Reply:
        """Decide on a request that has arrived."""
        chance = self._chance.random()
        quick = self._chance.uniform(0.004, 0.05)
        outage = self._outage(now)
        if outage is not None:
            return Reply(quick, status=503) if outage.how == "fails" else Reply(1e9)
        if self.well or self.habit == "steady":
            return Reply(quick, True, 200)
        if self.habit == "gone" and chance < 0.02:
            return Reply(quick, status=410)
        if self.habit == "flaky" and chance < 0.25:
            return Reply(quick, status=self._chance.choice((500, 502, 404, 301, 400)))
        if self.habit == "throttling" and chance < 0.4:
            return Reply(quick, status=429, retry_after=self._retry_after(now))
        if self.habit == "hanging" and chance < 0.1:
            return Reply(1e9)
        if self.habit == "lossy" and chance < 0.1:
            return Reply(quick, True, error="reset")
        return Reply(quick * (50 if self.habit == "slow" else 1), True, 200)

    def _retry_after(self, now: float) -> str:
        seconds = self._chance.choice(self._seconds)
        kind = self._chance.random()
        if kind < 0.1:
            return "soon"
        date = self._dates and kind > 0.6
        return formatdate(now + seconds, usegmt=True) if date else str(seconds)


class Watcher(Protocol):
    """Who is told what is sent, and may let something go wrong at each point."""

    def asked(self, process: Process, endpoint: int, request: Outgoing) -> None:
        """Learn that the last look at the lease has allowed a request."""

    def sent(self, process: Process, endpoint: int, event: str, attempt: int) -> None:
        """Learn that a request has left its worker."""

    def arrived(self, endpoint: int, event: str, reply: Reply) -> None:
        """Learn that a request has reached its server, and what becomes of it there."""

    def answered(self, process: Process, endpoint: int, event: str, exchange: Exchange) -> None:
        """Learn what the worker is told, of a request that was sent or could not be."""

    def meet(self, point: str, process: Process) -> None:
        """Let a fault happen that waits for this point."""


class Network(Client):
    """The engine's client as the engine sees it, without a network behind it."""

    def __init__(
        self,
        loop: TimeLoop,
        process: Process,
        receivers: dict[str, Receiver],
        watcher: Watcher,
        now: Callable[[], float],
    ) -> None:
        """Belong to a process; `receivers` are known by their host names."""
        self._loop = loop
        self._process = process
        self._receivers = receivers
        self._watcher = watcher
        self._now = now

    async def send(
        self,
        request: Outgoing,
        *,
        deadline_s: float,
        may_send: Callable[[], bool] | None = None,
        **_: Any,
    ) -> Exchange:
        """Send a request to its receiver and wait for the answer."""
        receiver = self._receivers[request.target.host]
        headers = dict(request.headers)
        event, number = headers["webhook-id"], receiver.endpoint.no
        until = self._loop.time() + deadline_s
        self._watcher.meet("connect", self._process)
        await asyncio.sleep(receiver.connecting_s())
        if receiver.refuses(self._now()) or self._loop.time() >= until:
            refused = Exchange(error="connect")
            self._watcher.answered(self._process, number, event, refused)
            return refused
        if may_send is not None and not may_send():
            return Exchange(error="withdrawn")
        self._watcher.asked(self._process, number, request)
        self._watcher.meet("checked", self._process)
        await self._stand_still()
        answer: asyncio.Future[Exchange] = self._loop.create_future()
        self._watcher.sent(self._process, number, event, int(headers["ringback-attempt"]))
        self._loop.outside(0.001, self._arrive, receiver, event, until, answer)
        self._watcher.meet("sent", self._process)
        exchange = await answer
        self._watcher.answered(self._process, number, event, exchange)
        self._watcher.meet("answered", self._process)
        await self._stand_still()
        return exchange

    async def _stand_still(self) -> None:
        """Stop here if the process was stopped just now, until it goes on."""
        if self._process.paused or self._process.died:
            await asyncio.sleep(0)

    def _arrive(
        self, receiver: Receiver, event: str, until: float, answer: asyncio.Future[Exchange]
    ) -> None:
        reply = receiver.reply(self._now())
        self._watcher.arrived(receiver.endpoint.no, event, reply)
        left = max(until - self._loop.time(), 0)
        exchange = Exchange(
            status=reply.status, error=reply.error, sent=True,
            timings=Timings(total=reply.after_s * 1000),
        )  # fmt: skip
        if reply.after_s > left:
            exchange = Exchange(error="timeout", sent=True)
        elif reply.retry_after is not None:
            exchange.raw_headers = [(b"Retry-After", reply.retry_after.encode())]
        self._loop.outside(min(reply.after_s, left), self._answer, answer, exchange)

    @staticmethod
    def _answer(answer: asyncio.Future[Exchange], exchange: Exchange) -> None:
        if not answer.done():
            answer.set_result(exchange)
