"""Driving the simulator: posting provider-shaped, signed callbacks over HTTP at our own door.

First cut: the callbacks of messages that this installation did not send; they are observed.
"""

import asyncio
import os
import secrets

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.domain.networks import Policy
from ringback.domain.targets import Target
from ringback.providers import registry
from ringback.providers.base import OutboundMessage
from ringback.services.clock import Clock
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

TASKS_MAX = 256
STATUSES_MAX = 16
DELAY_MAX_MS = 60_000
_DEADLINE_S = 15.0
_POLICY = Policy(allow_loopback=True, allow_http=True)
log = structlog.get_logger()


class Plan(msgspec.Struct, frozen=True):
    """What to simulate: the statuses in order, and how far the network is from perfect.

    `delay_ms` lies between two callbacks; `duplicate` and `loss` are probabilities from 0 to 1;
    `reorder` shuffles.
    """

    to: str
    from_: str
    channel: str
    statuses: tuple[Status, ...]
    reference: str | None = None
    text: str = ""
    delay_ms: int = 0
    duplicate: float = 0.0
    loss: float = 0.0
    reorder: bool = False


class Simulator:
    """Posts the callbacks that a provider would."""

    def __init__(self, client: Client, clock: Clock, base_url: str) -> None:
        """Take the client; callbacks go to `base_url`/in/{token}."""
        self._client = client
        self._clock = clock
        self._base_url = base_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = secrets.SystemRandom()

    def simulate(self, connection: Connection, plan: Plan) -> str:
        """Start posting a plan's callbacks; return the provider's id of the simulated message.

        Raises:
            BlockingIOError: 256 plans are under way already.

        """
        if len(self._tasks) >= TASKS_MAX:
            raise BlockingIOError("Too many simulations are under way; wait for some to end.")
        message_id = f"sim-{os.urandom(10).hex()}"
        requests = self._requests(connection, plan, message_id)
        task = asyncio.create_task(self._post_all(requests))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return message_id

    def _requests(
        self, connection: Connection, plan: Plan, message_id: str
    ) -> list[tuple[float, HttpRequest]]:
        provider = registry.get(connection.provider)
        url = f"{self._base_url}/in/{connection.token}"
        now = self._clock.now_ms()
        scheduled: list[tuple[float, HttpRequest]] = []
        for place, status in enumerate(plan.statuses):
            at_ms = now + place * max(plan.delay_ms, 1)
            message = OutboundMessage(
                to=plan.to, from_=plan.from_, channel=plan.channel, text=plan.text,
                message_id=message_id, reference=plan.reference, at_ms=at_ms,
            )  # fmt: skip
            request = provider.simulate(message, status, connection.config, url)
            if self._random.random() < plan.loss:
                continue
            copies = 2 if self._random.random() < plan.duplicate else 1
            scheduled += [(place * plan.delay_ms / 1000, request)] * copies
        if plan.reorder:
            times = [after for after, _ in scheduled]
            requests = [request for _, request in scheduled]
            self._random.shuffle(requests)
            scheduled = list(zip(times, requests, strict=True))
        return scheduled

    async def _post_all(self, scheduled: list[tuple[float, HttpRequest]]) -> None:
        passed = 0.0
        for after, request in scheduled:
            await asyncio.sleep(after - passed)
            passed = after
            exchange = await self._post(request)
            if not exchange.ok:
                log.warning("simulate.refused", status=exchange.status, error=exchange.error)

    async def _post(self, request: HttpRequest) -> Exchange:
        outgoing = Outgoing(
            method="POST", target=Target.parse(request.url), headers=request.headers,
            body=request.body,
        )  # fmt: skip
        return await self._client.send(
            outgoing, policy=_POLICY, deadline_s=_DEADLINE_S, connections=8
        )

    def close(self) -> None:
        """Stop everything under way."""
        for task in self._tasks:
            task.cancel()
