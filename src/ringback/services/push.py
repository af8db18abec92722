"""Sending deliveries that this worker owns: slots per endpoint, signature, one attempt each.

Everything here is in memory and bounded; what finds no room stays in the database and is claimed
when slots get free. A slow endpoint fills its own slots and nobody else's.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from ringback import __version__
from ringback.domain.endpoint_fields import masked
from ringback.domain.endpoints import Endpoint
from ringback.domain.hosts import InvalidUrl
from ringback.domain.ids import IdSequence, show, time_of
from ringback.domain.retry import SCHEDULE_S, Verdict, judge, retry_after
from ringback.domain.signing import Signer
from ringback.domain.targets import Target
from ringback.errors import DatabaseUnavailable
from ringback.services.clock import Clock
from ringback.services.guards import OPEN, Advice, Guards
from ringback.services.held import Held
from ringback.services.record import Bodies
from ringback.services.snapshot import Snapshot
from ringback.services.tally import Attempts
from ringback.storage.hot import Finished, Owned
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

CONCURRENT = 512
QUEUED_PER_ENDPOINT = 2048
QUEUED_BYTES = 64 * 1024 * 1024
# Results that wait to be recorded: beyond this nothing more is taken, whoever it is for.
RESULTS_MAX = 4096
RESPONSE_KEPT = 64 * 1024
USER_AGENT = f"Ringback/{__version__}"
FINAL = {"delivered": 1, "exhausted": 2, "cancelled": 3}
_detail = msgspec.json.Encoder().encode
log = structlog.get_logger()


class Job(NamedTuple):
    """A delivery to be attempted now, with the event's body."""

    owned: Owned
    body: bytes


class _Slots:
    """What is going on for one endpoint in this worker."""

    __slots__ = (
        "_guards",
        "_signer",
        "_with",
        "active",
        "endpoint",
        "guard",
        "queue",
        "target",
    )

    def __init__(self, endpoint: Endpoint, guards: Guards) -> None:
        self._guards = guards
        self.queue: deque[Job] = deque()
        self.active = 0
        self.target: Target | None = None
        self._with = 0
        self.aim(endpoint)

    @property
    def ready(self) -> bool:
        return bool(self.queue) and self.active < self.endpoint.policy.concurrency

    def room(self, *, full: bool) -> int:
        """Say how many more there is room for; `full` memory takes what can be sent at once."""
        most = self.endpoint.policy.concurrency if full else QUEUED_PER_ENDPOINT
        return most - len(self.queue) - self.active

    def sign(self, event_id: str, now_ms: int, body: bytes) -> str:
        """Sign an attempt made now; while a secret is rotated with the old one as well."""
        keys = self.endpoint.signing_keys(now_ms)
        if len(keys) < self._with:
            self._with, self._signer = len(keys), Signer(keys)
        return self._signer.sign(event_id, now_ms // 1000, body)

    def aim(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        # All that might sign: whose time is over is left out by the first attempt after it.
        everyone = endpoint.signing_keys(0)
        self._with, self._signer = len(everyone), Signer(everyone)
        self.guard = self._guards.policy(endpoint.mode, endpoint.policy)
        try:
            self.target = Target.parse(endpoint.url)
        except InvalidUrl:
            self.target = None


class Push:
    """Attempts deliveries.

    `finished` takes each result, `release` what is given back without an attempt; `leased` says
    whether our lease stands.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        finished: Callable[[Finished], None],
        release: Callable[[Owned], None],
        kept: Bodies,
        held: Held,
        leased: Callable[[], bool],
        entropy: Callable[[int], bytes],
        ending: Callable[[Endpoint, Job, Verdict, int | None], Awaitable[None]],
        concurrent: int = CONCURRENT,
        guards: Guards = OPEN,
        schedule_s: tuple[int, ...] = SCHEDULE_S,
    ) -> None:
        """Take the edges; `ending` is waited for before a delivery that failed for good ends.

        `concurrent` is how many requests may be under way at once; `guards` say what may be
        reached, and `schedule_s` when retries come where an endpoint does not say.
        """
        self._client = client
        self._clock = clock
        self._finished = finished
        self._release = release
        self._kept = kept
        self._held = held
        self._leased = leased
        self._entropy = entropy
        self._ending = ending
        self._concurrent = concurrent
        self._schedule_s = schedule_s
        self._guards = guards
        self._slots: dict[int, _Slots] = {}
        # Endpoints that have work and slots, but found `concurrent` requests under way; in turn.
        self._crowded: dict[int, _Slots] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self.tally = Attempts()
        self.stopping = False

    def configure(self, snapshot: Snapshot) -> None:
        """Follow a new configuration; what waits for endpoints that went is given back."""
        self.tally.configure(snapshot.endpoints)
        for number, endpoint in snapshot.endpoints.items():
            slots = self._slots.get(number)
            if slots is None:
                self._slots[number] = _Slots(endpoint, self._guards)
            elif slots.endpoint != endpoint:
                slots.aim(endpoint)
        for number in [n for n in self._slots if n not in snapshot.endpoints]:
            self._give_back(self._slots.pop(number))
        for slots in self._slots.values():
            if slots.endpoint.disabled:
                self._give_back(slots)

    def _give_back(self, slots: _Slots) -> None:
        for job in slots.queue:
            self._release(job.owned)
        self._clear(slots)

    def _clear(self, slots: _Slots) -> None:
        self._bytes -= sum(len(job.body) for job in slots.queue)
        slots.queue.clear()

    def keep(self, event: UUID, body: bytes) -> None:
        """Remember the body of an event that waits behind another."""
        self._kept.keep(event, body)

    def free(self) -> dict[int, int]:
        """Say how many deliveries each enabled endpoint may still take into memory.

        When the large bodies of one fill it, the others still get what they can send.
        """
        unrecorded = len(self._held) - self.queued - self.active
        if self.stopping or unrecorded >= RESULTS_MAX:
            return {}
        full = self._bytes >= QUEUED_BYTES
        return {
            number: room
            for number, slots in self._slots.items()
            if not slots.endpoint.disabled and (room := slots.room(full=full)) > 0
        }

    @property
    def active(self) -> int:
        """How many requests are under way."""
        return len(self._tasks)

    @property
    def queued(self) -> int:
        """How many deliveries wait in memory for a slot."""
        return sum(len(slots.queue) for slots in self._slots.values())

    def start(self, owned: Owned, body: bytes) -> None:
        """Attempt a delivery that this worker owns, now or as soon as a slot is free."""
        if not self._held.add(owned):
            return
        slots = self._slots.get(owned.endpoint)
        if slots is None or slots.endpoint.disabled or self.stopping:
            self._release(owned)
            return
        slots.queue.append(Job(owned, body))
        self._bytes += len(body)
        self._fill(slots)

    def _fill(self, slots: _Slots) -> None:
        while slots.ready and not self.stopping:
            if len(self._tasks) >= self._concurrent:
                self._crowded[slots.endpoint.no] = slots
                return
            self._begin(slots)

    def _begin(self, slots: _Slots) -> None:
        job = slots.queue.popleft()
        self._bytes -= len(job.body)
        slots.active += 1
        self._tasks.add(asyncio.create_task(self._attempt(slots, job)))

    def _may_send(self, slots: _Slots) -> bool:
        known = self._slots.get(slots.endpoint.no) is slots
        return known and not slots.endpoint.disabled and self._leased()

    async def _attempt(self, slots: _Slots, job: Job) -> None:
        try:
            if self._may_send(slots):
                await self._send(slots, job)
            else:
                self._release(job.owned)
        except DatabaseUnavailable:
            # What should be known before the delivery ends could not be stored: attempt it again.
            self._release(job.owned)
        except Exception:
            log.exception("push.defect", endpoint=slots.endpoint.no)
            self._release(job.owned)
        finally:
            slots.active -= 1
            task = asyncio.current_task()
            assert task is not None
            self._tasks.discard(task)
            self._fill_crowded()
            self._fill(slots)

    def _fill_crowded(self) -> None:
        """Let endpoints that found no room take turns, a request each."""
        while self._crowded and len(self._tasks) < self._concurrent and not self.stopping:
            number = next(iter(self._crowded))
            slots = self._crowded.pop(number)
            if slots.ready:
                self._begin(slots)
            if slots.ready:
                self._crowded[number] = slots

    async def _send(self, slots: _Slots, job: Job) -> None:
        endpoint, owned = slots.endpoint, job.owned
        started_ms = self._clock.now_ms()
        event_id = show("evt", owned.event)
        headers: tuple[tuple[str, str], ...] = (
            ("content-type", "application/json"),
            ("user-agent", USER_AGENT),
            ("webhook-id", event_id),
            ("webhook-timestamp", str(started_ms // 1000)),
            ("webhook-signature", slots.sign(event_id, started_ms, job.body)),
            ("ringback-attempt", str(owned.n + 1)),
        )  # fmt: skip
        exchange = await self._exchange(slots, (*headers, *endpoint.headers), job.body)
        # The owner's headers are often credentials: what was sent is kept without them.
        headers += tuple((name, masked(value)) for name, value in endpoint.headers)
        if exchange.error == "withdrawn":
            self._release(owned)
            return
        ended_ms = self._clock.now_ms()
        verdict = judge(
            status=exchange.status,
            error=exchange.error,
            retry_after_s=retry_after(exchange.header("retry-after"), ended_ms),
            attempt=owned.n + 1,
            schedule_s=self._schedule_of(endpoint),
            chance=random.random(),  # noqa: S311 - jitter
            give_up_on=endpoint.policy.give_up_on,
            retry=owned.retry,
        )
        self.tally.made(
            endpoint.no, exchange.status, exchange.error, verdict.final, exchange.timings.total,
            ended_ms - time_of(owned.event),
        )  # fmt: skip
        if verdict.final == "exhausted":
            await self._ending(endpoint, job, verdict, exchange.status)
        attempt_id = IdSequence(started_ms, self._entropy(10)).next()
        request = {"method": "POST", "url": endpoint.url, "headers": headers}
        advice = self._advice(slots, exchange)
        self._finished(_finished(owned, attempt_id, request, exchange, verdict, advice))

    async def _exchange(
        self, slots: _Slots, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> Exchange:
        if slots.target is None:
            return Exchange(error="invalid_request", detail="The endpoint's URL cannot be used.")
        return await self._client.send(
            Outgoing(method="POST", target=slots.target, headers=headers, body=body),
            policy=slots.guard,
            deadline_s=slots.endpoint.policy.timeout_s,
            connections=slots.endpoint.policy.concurrency,
            may_send=lambda: self._may_send(slots),
        )

    def _schedule_of(self, endpoint: Endpoint) -> tuple[int, ...]:
        own = endpoint.policy.schedule_s
        return self._schedule_s if own is None else own

    def _advice(self, slots: _Slots, exchange: Exchange) -> Advice:
        if slots.target is None or exchange.verdict is None:
            return Advice("")
        return self._guards.advice(slots.target, exchange.verdict, slots.endpoint.policy)

    async def drain(self, seconds: float) -> None:
        """Start nothing new and wait for what is under way, at most so many seconds."""
        self.stopping = True
        for slots in self._slots.values():
            self._give_back(slots)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def drop(self) -> None:
        """Forget what waits: another worker owns it now. Requests on the wire run on."""
        for slots in self._slots.values():
            for job in slots.queue:
                self._held.discard(job.owned.lane, job.owned.endpoint, job.owned.ord)
            self._clear(slots)


def _finished(
    owned: Owned,
    attempt_id: UUID,
    request: Mapping[str, object],
    exchange: Exchange,
    verdict: Verdict,
    advice: Advice,
) -> Finished:
    timings = exchange.timings
    explanation = exchange.detail and ". ".join(filter(None, (exchange.detail, advice.words)))
    detail = {
        "request": request,
        "response": {"headers": exchange.headers, "truncated": exchange.truncated},
        "error": explanation or None,
        "allow": advice.change,
        "address": exchange.address,
        "reused": exchange.reused,
        "tls": exchange.tls,
        "timings": {name: round(ms, 3) for name, ms in msgspec.structs.asdict(timings).items()},
        "decision": verdict.words,
    }
    return Finished(
        lane=owned.lane, endpoint=owned.endpoint, ord=owned.ord, id=attempt_id,
        status=exchange.status, error=exchange.error, ms=timings.total,
        final=FINAL[verdict.final] if verdict.final else 0, wait_s=verdict.wait_s,
        detail=_detail(detail), response=exchange.body[:RESPONSE_KEPT],
    )  # fmt: skip
