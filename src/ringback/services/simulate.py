"""Driving the simulator: posting provider-shaped, signed callbacks over HTTP at our own door.

Messages of the provider `simulator` are sent through it; of the others only the callbacks are
made, as for messages that somebody else has sent.
"""

import asyncio
import os
import re
import secrets
import uuid
from collections.abc import Coroutine
from typing import Any, NamedTuple

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.domain.networks import Policy
from ringback.domain.targets import Target
from ringback.providers import registry
from ringback.providers.base import OutboundMessage
from ringback.services.clock import Clock
from ringback.services.send import Sender
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

TASKS_MAX = 256
STATUSES_MAX = 16
DELAY_MAX_MS = 60_000
_DEADLINE_S = 15.0
# The last part of a header: the signature or the credentials in it.
_PROOF = re.compile(r"[^ =,]+(?==*$)")
# Headers of a callback that prove nothing.
_NO_PROOF = frozenset({"content-type", "user-agent"})
_POLICY = Policy(allow_loopback=True, allow_http=True)
log = structlog.get_logger()


class Plan(msgspec.Struct, frozen=True):
    """What to simulate: the statuses in order, and how far the network is from perfect.

    `delay_ms` lies between two callbacks; `duplicate` and `loss` are probabilities from 0 to 1;
    `reorder` shuffles, so that another order comes out where there is one. `answer_ms` is how long
    the provider's send API takes to answer: reports may come before it. `forged`: nothing is sent,
    and the callbacks are somebody's who does not know the secret. `about` is the provider's id of
    a message that is there already: it is reported on, and nothing is sent.
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
    answer_ms: int = 0
    forged: bool = False
    about: str | None = None


class Simulated(NamedTuple):
    """A simulation under way: the provider's id of the message, and ours when we send it."""

    provider_id: str
    message: uuid.UUID | None


class _Answer(NamedTuple):
    provider_id: str
    after_s: float


class Simulator:
    """Posts the callbacks that a provider would."""

    def __init__(
        self, client: Client, clock: Clock, base_url: str, sender: Sender | None = None
    ) -> None:
        """Take the client; callbacks go to `base_url`/in/{token}.

        With a sender, messages of the provider `simulator` are really sent through it: committed
        before the request, answered, and reported on in whatever order the plan gives.
        """
        self._sender = sender
        self._client = client
        self._clock = clock
        self._base_url = base_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = secrets.SystemRandom()

    async def simulate(self, connection: Connection, plan: Plan) -> Simulated:
        """Start a simulation; return the provider's id of the message, and ours if we send it.

        Raises:
            BlockingIOError: 256 plans are under way already.

        """
        if len(self._tasks) >= TASKS_MAX:
            raise BlockingIOError("Too many simulations are under way; wait for some to end.")
        message_id = plan.about or f"sim-{os.urandom(10).hex()}"
        ours: uuid.UUID | None = None
        # What a person wrote, or somebody made up, was not sent by us.
        new = plan.about is None and not plan.forged
        reported = new and any(status != "received" for status in plan.statuses)
        if self._sender is not None and connection.provider == "simulator" and reported:
            message = self._message(plan, "", self._clock.now_ms())
            ours = await self._sender.begin(connection, message)
            answer = _Answer(message_id, plan.answer_ms / 1000)
            self._start(self._answer(connection, message, ours, answer))
        # Dated only now: no report is older than the message that it is about.
        requests = self._requests(connection, plan, message_id)
        self._start(self._post_all(requests, forged=plan.forged))
        return Simulated(message_id, ours)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, connection: Connection, message: OutboundMessage, ours: uuid.UUID, answer: "_Answer"
    ) -> None:
        """Play the provider: its answer comes when the plan says, maybe after reports."""
        assert self._sender is not None
        await asyncio.sleep(answer.after_s)
        response = HttpResponse(200, (), msgspec.json.encode({"id": answer.provider_id}))
        await self._sender.finish(connection, message, ours, response)

    @staticmethod
    def _message(plan: Plan, message_id: str, at_ms: int) -> OutboundMessage:
        return OutboundMessage(
            to=plan.to, from_=plan.from_, channel=plan.channel, text=plan.text,
            message_id=message_id, reference=plan.reference, at_ms=at_ms,
        )  # fmt: skip

    def _requests(
        self, connection: Connection, plan: Plan, message_id: str
    ) -> list[tuple[float, HttpRequest]]:
        provider = registry.get(connection.provider)
        url = f"{self._base_url}/in/{connection.token}"
        now = self._clock.now_ms()
        scheduled: list[tuple[float, HttpRequest]] = []
        for place, status in enumerate(plan.statuses):
            at_ms = now + place * max(plan.delay_ms, 1)
            message = self._message(plan, message_id, at_ms)
            request = provider.simulate(message, status, connection.config, url)
            if plan.forged:
                request = _forged(request)
            if self._random.random() < plan.loss:
                continue
            copies = 2 if self._random.random() < plan.duplicate else 1
            scheduled += [(place * plan.delay_ms / 1000, request)] * copies
        if plan.reorder:
            times = [after for after, _ in scheduled]
            requests = [request for _, request in scheduled]
            before = list(requests)
            while requests == before and any(one != before[0] for one in before):
                self._random.shuffle(requests)
            scheduled = list(zip(times, requests, strict=True))
        return scheduled

    async def _post_all(self, scheduled: list[tuple[float, HttpRequest]], *, forged: bool) -> None:
        passed = 0.0
        for after, request in scheduled:
            await asyncio.sleep(after - passed)
            passed = after
            exchange = await self._post(request)
            if not exchange.ok and not forged:
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


def _forged(request: HttpRequest) -> HttpRequest:
    """Return a callback with other bytes than were signed, and with other credentials."""
    headers = tuple(
        (name, value if name.lower() in _NO_PROOF else _PROOF.sub(_reversed, value))
        for name, value in request.headers
    )
    return msgspec.structs.replace(request, headers=headers, body=request.body + b" ")


def _reversed(proof: re.Match[str]) -> str:
    return proof[0][::-1]
