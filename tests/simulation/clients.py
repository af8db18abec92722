"""Publishers and a provider: who asks the workers for something, and what they are answered."""

import asyncio
import random
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import msgspec

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import Callback
from ringback.domain.ids import show
from ringback.domain.messages import Status
from ringback.domain.publishing import NewEvent
from ringback.providers.base import Parsed, Report
from ringback.services.arrivals import Arrival
from ringback.services.batch import Scope
from ringback.services.publications import Publication
from ringback.services.work import Work
from tests.simulation.oracle import Oracle
from tests.simulation.script import TENANTS
from tests.simulation.server import Server
from tests.simulation.timeloop import Process, TimeLoop
from tests.simulation.worker import Worker

TRIES_MAX = 200
STATUSES: tuple[Status, ...] = ("submitted", "sent", "delivered")
Answer = Literal["yes", "no", "unknown"]


class NoConfig(msgspec.Struct):
    """A provider's configuration without fields."""


class Clients:
    """Everybody outside who asks. `judging` catches what the oracle finds wrong."""

    def __init__(
        self,
        loop: TimeLoop,
        server: Server,
        oracle: Oracle,
        chance: random.Random,
        serving: Callable[[], list[Worker]],
        judging: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Take whom they can ask: the workers that serve."""
        self._loop = loop
        self._server = server
        self._oracle = oracle
        self._chance = chance
        self._serving = serving
        self._judging = judging
        self._asking: dict[asyncio.Future[Answer], Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._messages = 0

    def __len__(self) -> int:
        """How many of them are not done."""
        return len(self._tasks)

    def burst(self, count: int) -> None:
        """Let so many come at about the same time."""
        for number in range(count):
            work = self._report() if number % 4 == 0 else self._publish()
            client = self._loop.create_task(work)
            self._tasks.add(client)
            client.add_done_callback(self._ended)

    def _ended(self, client: asyncio.Task[None]) -> None:
        self._tasks.discard(client)
        if not client.cancelled() and (error := client.exception()) is not None:
            self._loop.failed.append(error)
            self._loop.stop()

    def abandoned(self, process: Process) -> None:
        """Let those whose worker died know nothing of their answers."""
        for future, asked in list(self._asking.items()):
            if asked is process:
                self._loop.outside(0.001, _answer, future, "unknown")

    def cancel(self) -> list[asyncio.Task[None]]:
        """Send everybody home; return who has to be waited for."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks

    async def _ask(self, work: Work) -> Answer:
        serving = self._serving()
        if not serving:
            return "no"
        worker = self._chance.choice(serving)
        process = worker.process
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._asking[future] = process

        def answer(taken: bool) -> None:
            if taken and not process.died:
                with self._judging():
                    self._acknowledged(process, work)
            if not process.died:
                self._loop.outside(0.0005, _answer, future, "yes" if taken else "no")

        process.start(worker.take(work, answer))
        try:
            return await future
        finally:
            del self._asking[future]

    def _acknowledged(self, process: Process, work: Work) -> None:
        if isinstance(work, Publication):
            self._oracle.acknowledge(process, [show("evt", id_) for id_ in work.ids if id_])
        elif isinstance(work, Arrival):
            stored = work.id in self._server.store.callbacks
            self._oracle.demand(stored, "a callback was acknowledged and is not stored")

    async def _publish(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, 5))
        tenant = self._chance.randint(1, TENANTS)
        events = []
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            subject = self._chance.choice((None, f"order-{self._chance.randint(1, 4)}"))
            type_ = self._chance.choice(("shop.paid", "shop.sent"))
            retry: Literal["none", "schedule"] = (
                "none" if self._chance.random() < 0.03 else "schedule"
            )
            events.append(NewEvent(type_, msgspec.Raw(b"{}"), subject, None, retry))
        received = self._server.now() // 1000
        await self._ask(Publication(Scope(tenant, Mode.LIVE), events, received))

    async def _report(self) -> None:
        """Report the life of a message, in any order, with repeats, until each is taken."""
        self._messages += 1
        message, tenant = f"m{self._messages}", self._chance.randint(1, TENANTS)
        await asyncio.sleep(self._chance.uniform(0, 4))
        posts = [*STATUSES, *self._chance.choices(STATUSES, k=self._chance.randint(0, 2))]
        self._chance.shuffle(posts)
        await asyncio.gather(*(self._post(tenant, message, status) for status in posts))

    async def _post(self, tenant: int, message: str, status: Status) -> None:
        connection = Connection(
            tenant, uuid.UUID(int=tenant), tenant, Mode.LIVE, "simulator", "", "", NoConfig()
        )
        report = Report(message, status, f"{message}+{status}", to="+15550100")
        for _ in range(TRIES_MAX):
            await asyncio.sleep(self._chance.choice((0.0, 0.01, 0.5)))
            arrival = Arrival(
                connection, Callback("POST", "/in/x", (), b"{}"), self._server.now() // 1000,
                Parsed((report,)),
            )  # fmt: skip
            if await self._ask(arrival) == "yes":
                self._oracle.reports.add((message, status))
                return
            await asyncio.sleep(self._chance.uniform(0.5, 2))


def _answer(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
