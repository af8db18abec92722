"""Telling a story to the intake over HTTP: the last ten minutes at speed, then as it happens.

Steps of one lane go one after the other, each after the answer to the one before; lanes go side by
side. Nothing is kept: what cannot be told now is told no more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Self
from zlib import crc32

import msgspec
import structlog

from ringback.domain.http import HttpRequest
from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.services.demo import wire
from ringback.services.demo.install import Script
from ringback.services.demo.plan import DemoSet
from ringback.services.demo.story import Step, Story
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

FILLED_S = 600
LANES = 8
# Steps that wait in one lane: who tells faster than the intake takes is slowed.
LANE_MAX = 32
_DEADLINE_S = 10.0
_AGAIN_S = 1.0
_AGAIN_MAX = 20
# Endpoints that are tested once the ten minutes are in, so that somebody has.
_TESTED = 3
log = structlog.get_logger()


class Player:
    """Tells one data set. `fill` first, then `live`."""

    def __init__(
        self, plan: DemoSet, script: Script, client: Client, now_ms: Callable[[], int]
    ) -> None:
        """Take what is to be told, where, and the edges of the world."""
        self._plan = plan
        self._script = script
        self._client = client
        self._now_ms = now_ms
        self._lines = {line.token: line for line in script.lines}
        self._base_url = script.base_url
        self._story: Iterator[Step] = iter(())
        self._ahead: Step | None = None
        self.told = 0

    async def fill(self, seed: int, pace: float, since_ms: int) -> int:
        """Tell what happened from `since_ms` until now, as fast as it is taken.

        `pace` is in messages a second, in this and in `live`. Return how many steps it took.
        """
        providers = {line.token: line.provider for line in self._script.lines}
        self._story = Story(self._plan, providers, seed, since_ms, pace)
        async with _Lanes(self._tell) as lanes:
            while (step := self._next()).at_ms <= self._now_ms():
                self._ahead = None
                await lanes.put(step)
        return self.told

    async def live(self) -> None:
        """Tell what happens from now on, when it happens. It does not end by itself."""
        async with _Lanes(self._tell) as lanes:
            while True:
                step = self._next()
                await asyncio.sleep(max(step.at_ms - self._now_ms(), 0) / 1000)
                self._ahead = None
                await lanes.put(step)

    async def test_endpoints(self) -> None:
        """Send test events to the first endpoints of the set, as somebody would who tries them."""
        for one in self._plan.endpoints[:_TESTED]:
            path = f"/v1/endpoints/{self._script.endpoints[one.uid]}/test"
            await self._send(self._api(one.tenant, path, {}))

    def _next(self) -> Step:
        if self._ahead is None:
            self._ahead = next(self._story)
        return self._ahead

    async def _tell(self, step: Step) -> None:
        request = self._request(step)
        if request is None:
            return
        for _ in range(_AGAIN_MAX):
            exchange = await self._send(request)
            # What has a key is refused with 429 while deliveries are behind.
            if exchange.ok or step.trouble or exchange.status not in (None, 429, 503):
                break
            await asyncio.sleep(_AGAIN_S)
        self.told += 1
        if not exchange.ok and not step.trouble:
            log.warning("demo.refused", status=exchange.status, error=exchange.error)

    def _request(self, step: Step) -> HttpRequest | None:
        now = self._now_ms()
        if step.event is not None:
            name, data = step.event
            tenant = step.lane.partition(" ")[0]
            body = {"type": name, "data": data, "subject": next(iter(data.values()))}
            return self._api(tenant, "/v1/events", body)
        line = self._lines.get(step.connection)
        if line is None:
            return None  # somebody has deleted it
        if step.send is not None:
            path = f"/v1/connections/{line.id}/simulate"
            return self._api(line.tenant, path, {**step.send, "from": line.sender})
        if step.items:
            return wire.items(line, list(step.items), self._base_url, now)
        assert step.fact is not None
        if step.trouble:
            return wire.troubled(line, step.trouble, step.fact, self._base_url, now)
        return wire.callback(line, step.fact, self._base_url, now)

    def _api(self, tenant: str, path: str, body: object) -> HttpRequest:
        headers = (
            ("Authorization", f"Bearer {self._script.keys[tenant]}"),
            ("Content-Type", "application/json"),
        )
        return HttpRequest("POST", self._base_url + path, headers, msgspec.json.encode(body))

    async def _send(self, request: HttpRequest) -> Exchange:
        outgoing = Outgoing(
            request.method, Target.parse(request.url), request.headers, request.body
        )
        return await self._client.send(
            outgoing, policy=TEST, deadline_s=_DEADLINE_S, connections=LANES
        )


class _Lanes:
    """Carries steps out: those of a lane in order, lanes side by side."""

    def __init__(self, tell: Callable[[Step], Awaitable[None]]) -> None:
        self._tell = tell
        self._queues = [asyncio.Queue[Step](LANE_MAX) for _ in range(LANES)]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._carry(queue)) for queue in self._queues]
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        if failed is None:
            for queue in self._queues:
                await queue.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def put(self, step: Step) -> None:
        """Hand a step over; wait while its lane is full."""
        await self._queues[crc32(step.lane.encode()) % LANES].put(step)

    async def _carry(self, queue: asyncio.Queue[Step]) -> None:
        while True:
            step = await queue.get()
            try:
                await self._tell(step)
            except Exception:  # one step is no reason to end the others
                log.exception("demo.step_failed")
            finally:
                queue.task_done()
