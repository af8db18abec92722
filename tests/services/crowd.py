"""Many endpoints of one engine, each with its own type of event, and traffic for each of them."""

import asyncio
import os
import uuid
from collections import deque
from datetime import UTC, datetime

import msgspec

from ringback.app import Engine
from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.ids import show, uuid7
from ringback.domain.publishing import NewEvent
from ringback.services.batch import Scope
from ringback.services.publications import Publication
from ringback.storage import configuration as stored
from tests.services.sink import Sink
from tests.services.stage import Stage

_TICK_S = 0.02
_PUBLISHED_AT_ONCE = 100


class Limited(Sink):
    """A receiver that takes so many requests a second and answers 503 to the others.

    Asked for twice as many it falls over: it answers 503 to everybody for five seconds. While it
    is `down` it does the same.
    """

    def __init__(self, per_second: int) -> None:
        """Start down."""
        super().__init__()
        self.per_second = per_second
        self.down = True
        self.collapses = 0
        self.taken: list[float] = []
        self.offered: list[float] = []
        self._last: tuple[deque[float], deque[float]] = (deque(), deque())
        self._fallen_until = 0.0

    def answer(self, now: float) -> tuple[int, str]:
        """Take a request or not."""
        taken, offered = self._last
        offered.append(now)
        for times in self._last:
            while times and times[0] <= now - 1:
                times.popleft()
        if self.down:
            return 503, ""
        self.offered.append(now)
        if now < self._fallen_until:
            return 503, ""
        if len(offered) > 2 * self.per_second:
            self.collapses += 1
            self._fallen_until = now + 5
        if now < self._fallen_until or len(taken) >= self.per_second:
            return 503, "retry-after: 1\r\n"
        taken.append(now)
        self.taken.append(now)
        return 200, ""


def peak(times: list[float]) -> int:
    """Return how many of ascending times lie within one second at most."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


async def add_endpoints(
    stage: Stage, urls: list[str], word: str, policy: DeliveryPolicy | None = None
) -> list[str]:
    """Add an endpoint for each URL, all at once; return the type of event that each wants."""
    configuration = stage.engine.configuration
    tenant = next(iter(configuration.snapshot.tenants))
    now = datetime.now(UTC)
    types = [f"{word}{number}.happened" for number in range(len(urls))]
    async with configuration.change() as connection:
        for url, type_ in zip(urls, types, strict=True):
            id_ = uuid7(stage.engine.clock.now_ms(), os.urandom(10))
            engine = Endpoint(
                0, id_, tenant, Mode.TEST, url, (type_,), (), policy=policy or DeliveryPolicy()
            )
            new = stored.StoredEndpoint(engine, [stage.secret], "", now, now, None, None, None)
            await stored.add_endpoint(connection, configuration.vault, new)
    return types


class Traffic:
    """Publishes events; `published` is when each was, by its id on the wire."""

    def __init__(self, stage: Stage, data: bytes = b"{}", engine: Engine | None = None) -> None:
        """Take every event's data and the engine, by default the stage's; nothing is published."""
        self._engine = engine or stage.engine
        self._data = msgspec.Raw(data)
        self._tenant = next(iter(stage.engine.configuration.snapshot.tenants))
        self.published: dict[str, float] = {}

    async def publish(self, types: list[str]) -> None:
        """Publish an event of each of these types."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(types), _PUBLISHED_AT_ONCE):
            chosen = types[start : start + _PUBLISHED_AT_ONCE]
            events = [NewEvent(type_, self._data, None, None, "schedule") for type_ in chosen]
            at = loop.time()
            work = Publication(Scope(self._tenant, Mode.TEST), events, self._engine.clock.now_ms())
            await self._engine.committer.submit(work)
            ids: list[uuid.UUID | None] = work.ids
            self.published |= {show("evt", id_): at for id_ in ids if id_ is not None}

    async def flow(self, rates: dict[str, float], seconds: float) -> None:
        """Publish so many events a second of each type, spread evenly, for so many seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        flying: set[asyncio.Task[None]] = set()
        counts = dict.fromkeys(rates, 0)
        while (passed := loop.time() - began) < seconds:
            due = []
            for place, (type_, rate) in enumerate(rates.items()):
                wanted = int(passed * rate + place / len(rates))
                due += [type_] * (wanted - counts[type_])
                counts[type_] = wanted
            if due:
                task = asyncio.create_task(self.publish(due))
                flying.add(task)
                task.add_done_callback(flying.discard)
            await asyncio.sleep(_TICK_S)
        await asyncio.gather(*flying)


def p99(times: list[float]) -> float:
    """Return the 99th percentile."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
