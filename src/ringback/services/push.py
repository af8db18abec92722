"""Sending deliveries that this worker owns: slots per endpoint, signature, one attempt each.

Everything here is in memory and bounded; what finds no room stays in the database and is claimed
when slots get free. A slow endpoint fills its own slots and nobody else's: of the places that all
share, and of the memory, it gets a share of what the others leave. How fast each is sent to is
decided by pace.py.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from ringback import __version__
from ringback.domain.endpoint_fields import masked
from ringback.domain.endpoints import Endpoint
from ringback.domain.ids import IdSequence, show, time_of
from ringback.domain.retry import SCHEDULE_S, Verdict, put_off
from ringback.services import failpoints
from ringback.services.clock import Clock
from ringback.services.conclude import CONCLUDE_S, conclude
from ringback.services.guards import OPEN, Advice, Guards
from ringback.services.held import Held
from ringback.services.outcome import judged, outcome
from ringback.services.record import Bodies
from ringback.services.slots import QUEUED_PER_ENDPOINT, Job, Rooms, Slots
from ringback.services.snapshot import Snapshot
from ringback.services.tally import Attempts
from ringback.storage.hot import Finished, Owned
from ringback.storage.uuids import quick
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

CONCURRENT = 512
# Of these, what endpoints that fail may hold together: one each asks whether it is well again.
PROBES_MAX = 128
QUEUED_MAX = 16_384
QUEUED_BYTES = 64 * 1024 * 1024
# Beyond this, an endpoint gets one at a time, and only what can be sent at once.
QUEUED_BYTES_HIGH = 2 * QUEUED_BYTES
# Requests to one host, by as many endpoints as there are on it.
PER_HOST = 256
# Who found no place is looked at again when one gets free; so many of them each time.
_LOOKS = 8
# How long nothing is begun for an endpoint that a limit of ours kept from being asked.
_REST_S = 1.0
# Beyond so many results that are not known to be recorded, nothing is started: a crash would
# repeat them all.
UNRECORDED_MAX = 500
USER_AGENT = f"Ringback/{__version__}"
# Errors of ours after which nothing was sent: no attempt was made.
_NOT_TRIED = frozenset(("withdrawn", "busy"))
log = structlog.get_logger()


def _now() -> float:
    return asyncio.get_running_loop().time()


class Push:
    """Attempts deliveries.

    `finished` takes each result, `release` what is given back without an attempt; `leased` says
    whether a worker's lease is ours and stands.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        finished: Callable[[Finished], None],
        release: Callable[[Owned], None],
        kept: Bodies,
        held: Held,
        leased: Callable[[int], bool],
        entropy: Callable[[int], bytes],
        ending: Callable[[Endpoint, Job, Verdict, int | None, Callable[[], bool]], Awaitable[None]],
        unrecorded: Callable[[], int],
        concurrent: int = CONCURRENT,
        guards: Guards = OPEN,
        schedule_s: tuple[int, ...] = SCHEDULE_S,
        per_host: int = PER_HOST,
    ) -> None:
        """Take the edges; `ending` is waited for before a delivery that failed for good ends.

        It is told whether the endpoint is still enabled as it was when the request began.
        `unrecorded` says how many results wait to be recorded; whoever records them calls `fill`.
        `concurrent` is how many requests may be under way at once, `per_host` how many of them to
        one host; `guards` say what may be reached, and `schedule_s` when retries come where an
        endpoint does not say.
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
        self._unrecorded = unrecorded
        self._ids: IdSequence | None = None
        self._concurrent = concurrent
        self._schedule_s = schedule_s
        self._guards = guards
        self._per_host = per_host
        self._slots: dict[int, Slots] = {}
        self._suspended: set[int] = set()
        self._crew = (0, 1)
        # Endpoints that have work and slots, but found no place among all requests; in turn.
        self._crowded: dict[int, Slots] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._queued = 0
        # How often what this worker owned went to others.
        self._drops = 0
        self.tally = Attempts()
        self.held_back = 0
        self.stopping = False

    def configure(self, snapshot: Snapshot) -> None:
        """Follow a new configuration; what waits for endpoints that went is given back."""
        self.tally.configure(snapshot.endpoints)
        self._suspended = snapshot.suspended()
        for number, endpoint in snapshot.reachable().items():
            slots = self._slots.get(number)
            if slots is None:
                slots = self._slots[number] = Slots(endpoint, self._guards)
                slots.share(*self._crew)
            elif slots.endpoint != endpoint:
                if slots.endpoint.disabled and not endpoint.disabled:
                    slots.pace.resume(_now())
                    slots.enablings += 1
                slots.aim(endpoint)
                self._share(slots)
        for number in [n for n in self._slots if n not in snapshot.endpoints]:
            self._give_back(self._slots.pop(number))
        for slots in self._slots.values():
            if slots.endpoint.disabled:
                self._give_back(slots)

    def crew(self, rank: int, count: int) -> None:
        """Follow which of how many workers this one is: they share what an endpoint may get."""
        self._crew = rank, count
        for slots in self._slots.values():
            self._share(slots)

    def _share(self, slots: Slots) -> None:
        slots.share(*self._crew)
        if not slots.pace.most:
            self._give_back(slots)

    def _give_back(self, slots: Slots) -> None:
        for job in slots.queue:
            self._release(job.owned)
        self._clear(slots)

    def _clear(self, slots: Slots) -> None:
        self._bytes -= slots.bytes
        self._queued -= len(slots.queue)
        slots.bytes = 0
        slots.queue.clear()

    def resume(self) -> None:
        """Begin slowly with every endpoint: this worker starts, and much may have been waiting."""
        for slots in self._slots.values():
            slots.pace.resume(_now())

    def keep(self, event: UUID, body: bytes) -> None:
        """Remember the body of an event that waits behind another."""
        self._kept.keep(event, body)

    def fresh(self) -> Rooms:
        """Say how many deliveries of new events an endpoint may take into memory."""
        return Rooms(self._room(self._fresh_room))

    def free(self) -> dict[int, int]:
        """Say how many deliveries that are due each enabled endpoint may take into memory."""
        probing = sum(slots.pace.failing and slots.active > 0 for slots in self._slots.values())
        rooms = self._rooms(self._due_room)
        failing = [number for number in rooms if self._slots[number].pace.failing]
        # Whom there is no place for is left out by lot, so that each has its turn.
        too_many = max(0, probing + len(failing) - PROBES_MAX)
        for number in random.sample(failing, min(too_many, len(failing))):
            del rooms[number]
        return rooms

    def _rooms(self, slow: Callable[[Slots], int]) -> dict[int, int]:
        """Say how much room there is for each that has any."""
        room = self._room(slow)
        return {number: found for number in self._slots if (found := room(number)) > 0}

    def _room(self, slow: Callable[[Slots], int]) -> Callable[[int], int]:
        """Return what says how much room an endpoint has; `slow` says it of those held back.

        What hangs fills the memory up to a share of what is left, so something always is.
        """
        spare = (QUEUED_MAX - self._queued) // 4
        spare_bytes = (QUEUED_BYTES - self._bytes) // 4

        def room(number: int) -> int:
            slots = self._slots.get(number)
            if slots is None or slots.endpoint.disabled or slots.resting or self.stopping:
                return 0
            found = slots.room(spare, spare_bytes)
            if self._bytes >= QUEUED_BYTES_HIGH:
                found = int(not slots.there and not self._full)
            return found if slots.pace.easy else min(found, slow(slots))

        return room

    def takes(self, number: int) -> bool:
        """Whether a delivery that was claimed may be taken into memory, whatever its size."""
        slots = self._slots.get(number)
        if slots is None or self._bytes < QUEUED_BYTES:
            return True
        if self._bytes < QUEUED_BYTES_HIGH:
            return slots.there < slots.pace.limit
        return not slots.there and not self._full

    @staticmethod
    def _fresh_room(slots: Slots) -> int:
        """Say how many new events an endpoint takes that is held back: they go behind the rest."""
        pace = slots.pace
        if not pace.rate:
            return QUEUED_PER_ENDPOINT
        return 0 if pace.failing or slots.queue else int(pace.rate / 4) - slots.active

    @staticmethod
    def _due_room(slots: Slots) -> int:
        """Say how many due deliveries an endpoint takes that is held back."""
        pace = slots.pace
        wait_s = pace.wait_s(_now())
        there = slots.there
        if pace.failing:
            return 1 if not there and wait_s <= 0 else 0
        # What it may be sent until the next claim, and as much again should that be late.
        return int(pace.rate * 2) + 1 - there if pace.rate else QUEUED_PER_ENDPOINT

    @property
    def active(self) -> int:
        """How many requests are under way."""
        return len(self._tasks)

    @property
    def queued(self) -> int:
        """How many deliveries wait in memory for a slot."""
        return self._queued

    @property
    def slow(self) -> list[int]:
        """The endpoints that are held to a rate, rest, or are suspended: what is due waits."""
        return [
            number for number, slots in self._slots.items()
            if slots.pace.rate or slots.resting or number in self._suspended
        ]  # fmt: skip

    @property
    def slowed(self) -> tuple[int, int]:
        """How many endpoints are failing, and how many others are held back."""
        failing = sum(slots.pace.failing for slots in self._slots.values())
        return failing, sum(not slots.pace.easy for slots in self._slots.values()) - failing

    def start(self, owned: Owned, body: bytes, worker: int) -> None:
        """Attempt a delivery that we own as `worker`, now or as soon as a slot is free."""
        if not self._held.add(owned):
            return
        slots = self._slots.get(owned.endpoint)
        if slots is None or slots.endpoint.disabled or self.stopping or not slots.pace.most:
            self._release(owned)
            return
        if slots.pace.failing and (slots.queue or slots.active):
            self.held_back += 1
            self._release(owned)
            return
        slots.queue.append(Job(owned, body, worker))
        self._queued += 1
        self._bytes += len(body)
        slots.bytes += len(body)
        self._fill(slots)

    def _fill(self, slots: Slots, most: int = CONCURRENT) -> None:
        while slots.ready and most and not self.stopping:
            most -= 1
            if self._full or not self._has_place(slots):
                self._crowded[slots.endpoint.no] = slots
                return
            if not (slots.pace.easy or self._in_time(slots)):
                return
            self._begin(slots)

    def _has_place(self, slots: Slots) -> bool:
        """Whether an endpoint may hold one more of the places that all share.

        As many as half of what all leave free: those that hang leave something, however many.
        """
        places = self._concurrent - len(self._tasks)
        return slots.active < places >> 1 or (places > 0 and not slots.active)

    def _in_time(self, slots: Slots) -> bool:
        """Whether the pace of an endpoint lets a request begin now; if not, wait for it."""
        now = _now()
        wait_s = slots.pace.wait_s(now)
        if wait_s <= 0:
            slots.pace.begun(now)
            return True
        if slots.timer is None:
            slots.timer = asyncio.get_running_loop().call_later(wait_s, self._waited, slots)
        return False

    def _waited(self, slots: Slots) -> None:
        slots.timer = None
        self._fill(slots)

    def _begin(self, slots: Slots) -> None:
        job = slots.queue.popleft()
        self._queued -= 1
        self._bytes -= len(job.body)
        slots.bytes -= len(job.body)
        slots.active += 1
        self._tasks.add(asyncio.create_task(self._attempt(slots, job)))

    def _may_send(self, slots: Slots, job: Job) -> bool:
        known = self._slots.get(slots.endpoint.no) is slots
        return known and not slots.endpoint.disabled and self._leased(job.worker)

    async def _attempt(self, slots: Slots, job: Job) -> None:
        try:
            if self._may_send(slots, job):
                await self._send(slots, job)
            else:
                self._release(job.owned)
        except Exception:
            log.exception("push.defect", endpoint=slots.endpoint.no)
            self._release(job.owned)
        finally:
            slots.active -= 1
            task = asyncio.current_task()
            assert task is not None
            self._tasks.discard(task)
            self._next(_LOOKS)
            self._fill(slots, 1)

    @property
    def _full(self) -> bool:
        return len(self._tasks) >= self._concurrent or self._unrecorded() >= UNRECORDED_MAX

    def fill(self) -> None:
        """Use all places again, after results were recorded."""
        self._next(self._concurrent)

    def _next(self, looks: int) -> None:
        """Let endpoints that found no place take turns, a request each."""
        while self._crowded and looks and not self._full and not self.stopping:
            number = next(iter(self._crowded))
            slots = self._crowded.pop(number)
            if not slots.ready:
                continue
            if not self._has_place(slots):
                self._crowded[number] = slots
            elif slots.pace.easy or self._in_time(slots):
                self._begin(slots)
                if slots.ready:
                    self._crowded[number] = slots
            looks -= 1

    async def _send(self, slots: Slots, job: Job) -> None:
        endpoint, owned = slots.endpoint, job.owned
        enablings, drops = slots.enablings, self._drops
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
        attempt_id = self._attempt_id(started_ms)
        exchange = await self._exchange(slots, headers + endpoint.headers, job)
        if endpoint.headers:
            # They are often credentials: what was sent is kept without them.
            headers += tuple((name, masked(value)) for name, value in endpoint.headers)
        if exchange.error in _NOT_TRIED:
            if exchange.error == "busy":
                self._rest(slots)
            self._release(owned)
            return
        self._learn(slots, exchange)
        if failpoints.reach is not None:
            await failpoints.reach("after_send_before_result")
        ended_ms = self._clock.now_ms()
        verdict = judged(
            owned, exchange, ended_ms, endpoint.policy, self._schedule_s,
            random.random(),  # noqa: S311 - jitter
        )  # fmt: skip
        if verdict.final == "exhausted":
            after = await conclude(
                lambda: self._ending(
                    endpoint, job, verdict, exchange.status,
                    lambda: slots.enablings == enablings and not slots.endpoint.disabled,
                ),
                lambda: self.stopping,
                lambda: self._drops != drops,
                CONCLUDE_S,
            )  # fmt: skip
            if after == "lost":
                self._release(owned)
                return
            if after == "unstored" and owned.retry:
                verdict = put_off(verdict, random.random())  # noqa: S311 - jitter
        self.tally.made(
            endpoint.no, exchange.status, exchange.error, verdict.final, exchange.timings.total,
            ended_ms - time_of(owned.event),
        )  # fmt: skip
        request = {"method": "POST", "url": endpoint.url, "headers": headers}
        advice = self._advice(slots, exchange)
        self._finished(outcome(owned, attempt_id, request, exchange, verdict, advice))

    def _attempt_id(self, at_ms: int) -> UUID:
        """Return the id of an attempt that begins now; those of one millisecond are in a row."""
        if self._ids is None or self._ids.at_ms != at_ms:
            self._ids = IdSequence(at_ms, self._entropy(10), quick)
        return self._ids.next()

    def _learn(self, slots: Slots, exchange: Exchange) -> None:
        """Learn from an attempt how fast the endpoint may be sent to."""
        was_failing = slots.pace.failing
        slots.pace.result(exchange.status, exchange.error, _now())
        if slots.pace.failing and not was_failing:
            self.held_back += len(slots.queue)
            self._give_back(slots)

    def _rest(self, slots: Slots) -> None:
        """Leave an endpoint alone for a second: a limit of ours says nothing of how it is."""
        if not slots.resting:
            slots.resting = True
            asyncio.get_running_loop().call_later(_REST_S, self._rested, slots)

    def _rested(self, slots: Slots) -> None:
        slots.resting = False
        self._fill(slots)

    async def _exchange(
        self, slots: Slots, headers: tuple[tuple[str, str], ...], job: Job
    ) -> Exchange:
        if slots.target is None:
            return Exchange(error="invalid_request", detail="The endpoint's URL cannot be used.")
        return await self._client.send(
            Outgoing(method="POST", target=slots.target, headers=headers, body=job.body),
            policy=slots.guard,
            deadline_s=slots.endpoint.policy.timeout_s,
            connections=max(slots.endpoint.policy.concurrency, self._per_host),
            may_send=lambda: self._may_send(slots, job),
        )

    def _advice(self, slots: Slots, exchange: Exchange) -> Advice:
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
        self._drops += 1
        for slots in self._slots.values():
            for job in slots.queue:
                self._held.discard(job.owned.lane, job.owned.endpoint, job.owned.ord)
            self._clear(slots)
