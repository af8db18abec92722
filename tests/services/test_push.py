"""Sending, with the real client and real receivers: slots, turns, what is kept or taken back."""

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator

import msgspec
import pytest

from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.ids import uuid7
from ringback.domain.retry import JITTER, SCHEDULE_S, Verdict
from ringback.errors import DatabaseUnavailable
from ringback.services.clock import Clock
from ringback.services.held import Held
from ringback.services.outcome import RESPONSE_KEPT
from ringback.services.pace import RESUMED_RATE
from ringback.services.push import QUEUED_BYTES, UNRECORDED_MAX, Push
from ringback.services.record import Bodies
from ringback.services.slots import QUEUED_PER_ENDPOINT, Job
from ringback.services.snapshot import Snapshot
from ringback.storage.hot import Finished, Owned
from ringback.transport.client import Client
from tests.services.sink import Sink, until
from tests.transport.receivers import receiving

MIB = 1024 * 1024
CONCURRENCY = DeliveryPolicy().concurrency


class Desk:
    """A Push with its edges in sight: what it finished, what it gave back, whether it may send."""

    def __init__(self, concurrent: int = 512, per_host: int = 256) -> None:
        """Build it; `configure` gives it endpoints."""
        self.finished: list[Finished] = []
        self.released: list[Owned] = []
        self.ended: list[int | None] = []
        self.leased = True
        self.worker = 1
        self.refusal: Exception | None = None
        self.refused = 0
        self.unrecorded = 0
        self.client = Client()
        self.held = Held()
        self.push = Push(
            self.client, Clock(), self._finish, self._release, Bodies(), self.held,
            lambda worker: self.leased and worker == self.worker, os.urandom, self._ending,
            lambda: self.unrecorded, concurrent, per_host=per_host,
        )  # fmt: skip
        self._made = 0

    def _finish(self, result: Finished) -> None:
        self.finished.append(result)
        self.held.discard(result.lane, result.endpoint, result.ord)

    def _release(self, owned: Owned) -> None:
        self.released.append(owned)
        self.held.discard(owned.lane, owned.endpoint, owned.ord)

    async def _ending(
        self, _endpoint: Endpoint, _job: Job, _verdict: Verdict, status: int | None, *_: object
    ) -> None:
        if self.refusal is not None:
            self.refused += 1
            raise self.refusal
        self.ended.append(status)

    def configure(self, *endpoints: Endpoint) -> None:
        """Let these be all endpoints that there are."""
        known = {endpoint.no: endpoint for endpoint in endpoints}
        self.push.configure(Snapshot(1, b"", {}, {}, {}, known))

    def start(
        self, number: int, count: int = 1, body: bytes = b"{}", n: int = 0, *, retry: bool = True
    ) -> list[Owned]:
        """Hand over so many deliveries for an endpoint."""
        made = []
        for _ in range(count):
            self._made += 1
            event = uuid7(int(time.time() * 1000), os.urandom(10))
            made.append(Owned(uuid.uuid4(), number, self._made, event, n, retry))
            self.push.start(made[-1], body, self.worker)
        return made

    async def done(self, count: int, seconds: float = 10.0) -> None:
        """Wait until so many have been finished."""
        await until(lambda: len(self.finished) >= count, seconds)


def _endpoint(number: int, url: str, *, disabled: bool = False, **policy: int) -> Endpoint:
    return Endpoint(
        number, uuid.UUID(int=number), 1, Mode.TEST, url, ("*",), (b"k" * 24,), disabled,
        DeliveryPolicy(**policy),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk without endpoints."""
    desk = Desk()
    yield desk
    await desk.client.close()


@pytest.fixture
async def sinks() -> AsyncIterator[tuple[Sink, Sink]]:
    """Two receivers; the first has a gate that is shut."""
    pair = Sink(), Sink()
    pair[0].gate = asyncio.Event()
    for sink in pair:
        await sink.start()
    yield pair
    _open(pair[0])
    for sink in pair:
        await sink.stop()


def _open(sink: Sink) -> None:
    assert sink.gate is not None
    sink.gate.set()


@pytest.mark.parametrize("concurrency", [1, 5, CONCURRENCY])
async def test_an_endpoint_never_gets_more_at_once_than_it_wants(
    desk: Desk, sinks: tuple[Sink, Sink], concurrency: int
) -> None:
    """So many requests under way and no more, while the rest waits; then all of it comes."""
    sink, _ = sinks
    desk.configure(_endpoint(1, sink.url, concurrency=concurrency))
    total = 4 * CONCURRENCY
    desk.start(1, total)
    await until(lambda: len(sink.received) == concurrency)
    assert (concurrency, total - concurrency) == (desk.push.active, desk.push.queued)
    _open(sink)
    await desk.done(total)
    assert concurrency == sink.most
    assert total == len({got.headers["webhook-id"] for got in sink.received})
    assert (0, 0, 0) == (desk.push.active, desk.push.queued, len(desk.held))


async def test_each_retry_is_drawn_by_lot(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """T32: of what fails in one moment no two come again in one moment; none is early, none is
    later than by a fifth.
    """
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    good.answers.extend([(400, "")] * 40)
    desk.start(1, 40)
    await desk.done(40)
    waits = sorted(result.wait_s for result in desk.finished)
    first = SCHEDULE_S[0]
    assert 40 == len(set(waits))
    assert first <= waits[0] < waits[-1] <= first * (1 + JITTER)
    # Not so wide is the spread of forty by lot once in a thousand million.
    assert waits[-1] - waits[0] > first * JITTER / 2


async def test_a_hanging_endpoint_does_not_delay_another(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """One has all its slots taken and more waiting; the other gets everything meanwhile."""
    hanging, good = sinks
    desk.configure(_endpoint(1, hanging.url), _endpoint(2, good.url))
    desk.start(1, 500)
    for _ in range(50):
        desk.start(2, 10)
        await asyncio.sleep(0)
    await desk.done(500)
    assert {2} == {result.endpoint for result in desk.finished}
    assert CONCURRENCY == len(hanging.received)
    assert 500 - CONCURRENCY == desk.push.queued


async def test_who_found_no_room_is_not_forgotten(sinks: tuple[Sink, Sink]) -> None:
    """All places are taken and end in the same moment: those without one begin then."""
    hanging, good = sinks
    desk = Desk(concurrent=8)
    endpoints = [_endpoint(number, hanging.url) for number in range(1, 9)]
    desk.configure(*endpoints, _endpoint(9, good.url))
    for number in range(1, 9):
        desk.start(number)
    await until(lambda: len(hanging.received) == 8)
    desk.start(9, 3)
    await asyncio.sleep(0.1)
    assert (8, []) == (desk.push.active, good.received)
    _open(hanging)
    await desk.done(11)
    assert 3 == len(good.received)
    await desk.client.close()


async def test_places_are_taken_in_turns(sinks: tuple[Sink, Sink]) -> None:
    """With more to do than places there are, a few of one do not wait for a thousand of another."""
    first, second = sinks
    _open(first)
    first.delay_s = 0.01
    desk = Desk(concurrent=4)
    desk.configure(_endpoint(1, first.url), _endpoint(2, second.url))
    desk.start(1, 400)
    desk.start(2, 10)
    await until(lambda: len(second.received) == 10)
    assert len(first.received) < 100
    assert second.most <= 4
    await desk.done(410)
    assert first.most <= 4
    await desk.client.close()


async def test_what_it_takes_is_bounded(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """Room is told for each endpoint, by number; beyond 64 MiB of bodies only what can be sent."""
    hanging, good = sinks
    desk.configure(_endpoint(1, hanging.url), _endpoint(2, good.url))
    assert {1: QUEUED_PER_ENDPOINT, 2: QUEUED_PER_ENDPOINT} == desk.push.free()
    desk.start(1, QUEUED_PER_ENDPOINT - 1)
    assert {1: 1, 2: QUEUED_PER_ENDPOINT} == desk.push.free()
    desk.start(1)
    assert {2: QUEUED_PER_ENDPOINT} == desk.push.free()
    desk.configure(_endpoint(1, hanging.url), _endpoint(2, good.url, disabled=True))
    assert {} == desk.push.free()
    desk.push.drop()
    desk.configure(_endpoint(1, hanging.url), _endpoint(2, good.url))
    desk.start(1, QUEUED_BYTES // MIB, bytes(MIB))
    assert {2: CONCURRENCY} == desk.push.free()
    desk.push.drop()
    # The other was disabled: much may have been waiting for it, so it begins slowly.
    slow = int(RESUMED_RATE * 2) + 1
    assert {1: QUEUED_PER_ENDPOINT - CONCURRENCY, 2: slow} == desk.push.free()
    assert CONCURRENCY == len(desk.held)


async def test_a_slow_start_ends_by_itself(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """A worker starts and nothing is sent to an endpoint: a few claims later it is not slowed."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    desk.push.resume()
    assert ([1], (0, 1)) == (desk.push.slow, desk.push.slowed)
    assert {1: int(RESUMED_RATE * 2) + 1} == desk.push.free()
    assert int(RESUMED_RATE / 4) == desk.push.fresh()[1]
    await until(lambda: desk.push.free() == {1: QUEUED_PER_ENDPOINT})
    assert ([], (0, 0)) == (desk.push.slow, desk.push.slowed)


async def test_results_that_pile_up_stop_it(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """While 500 results wait to be recorded it starts nothing new; afterwards it goes on."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    desk.unrecorded = UNRECORDED_MAX - 1
    desk.start(1)
    await desk.done(1)
    desk.unrecorded = UNRECORDED_MAX
    desk.start(1, 3)
    await asyncio.sleep(0.1)
    assert (3, 0, 1) == (desk.push.queued, desk.push.active, len(desk.finished))
    desk.unrecorded = 0
    desk.push.fill()
    await desk.done(4)


async def test_the_answer_is_kept_up_to_64_kib(desk: Desk) -> None:
    """Status, headers, body, and what was asked, where, how long it took and what follows."""
    async with receiving() as receiver:
        desk.configure(_endpoint(1, receiver.url("/hook")))
        for size in (RESPONSE_KEPT, RESPONSE_KEPT + 1, 300_000):
            head = f"HTTP/1.1 503 Busy\r\nX-A: caf\xe9\r\nContent-Length: {size}\r\n\r\n"
            receiver.reply = head.encode("latin-1") + b"\0\xff" * (size // 2) + b"x" * (size % 2)
            desk.start(1)
            await until(lambda: not desk.push.active + desk.push.queued)
    details = [json.loads(result.detail) for result in desk.finished]
    assert [RESPONSE_KEPT] * 3 == [len(result.response) for result in desk.finished]
    assert b"\0\xff" * (RESPONSE_KEPT // 2) == desk.finished[0].response
    assert [False, True, True] == [detail["response"]["truncated"] for detail in details]
    assert ["X-A", "caf\xe9"] in details[0]["response"]["headers"]
    assert {503} == {result.status for result in desk.finished}
    request = details[0]["request"]
    assert ("POST", receiver.url("/hook")) == (request["method"], request["url"])
    assert "webhook-signature" in {name for name, _ in request["headers"]}
    assert ["127.0.0.1", receiver.port] == details[0]["address"]
    assert details[0]["timings"]["total"] > 0
    assert "503" in details[0]["decision"]


async def test_trouble_is_an_attempt_too(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """Nobody there, no answer in time, no URL: each is recorded with its class, and tried again."""
    hanging, good = sinks
    await good.stop()
    desk.configure(
        _endpoint(1, good.url), _endpoint(2, hanging.url, timeout_s=1), _endpoint(3, "nonsense")
    )
    for number in (1, 2, 3):
        desk.start(number)
    await desk.done(3)
    results = {result.endpoint: result for result in desk.finished}
    assert {1: "connect", 2: "timeout", 3: "invalid_request"} == {
        number: result.error for number, result in results.items()
    }
    assert all(result.status is None and result.final == 0 for result in desk.finished)
    assert all(result.wait_s >= 5 for result in desk.finished)


async def test_what_follows_from_an_end_comes_first(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """A delivery ends as exhausted after what it causes is stored. Until then its answer waits
    here, and the endpoint is not asked again.
    """
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    good.answers.append((410, ""))
    desk.refusal = DatabaseUnavailable("not now")
    desk.start(1)
    await until(lambda: desk.refused > 1)
    assert ([], []) == (desk.finished, desk.released)
    desk.refusal = None
    await desk.done(1)
    assert ([410], 2) == (desk.ended, desk.finished[0].final)
    assert ([], 1) == (desk.released, len(good.received))


async def test_what_can_never_be_stored_does_not_hold_an_end_up(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """A defect in what follows from an end: the delivery ends, and its attempt is recorded."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    good.answers.append((410, ""))
    desk.refusal = ValueError("a defect")
    desk.start(1)
    await desk.done(1)
    assert (1, 2, 1) == (desk.refused, desk.finished[0].final, len(good.received))


async def test_an_end_that_a_stop_overtakes_is_a_short_retry(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """What follows from it cannot be stored any more: the attempt is recorded, and another comes
    soon, even after the last.
    """
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    good.answers.extend([(410, ""), (500, "")])
    desk.refusal = DatabaseUnavailable("not now")
    desk.start(1)
    desk.start(1, n=9)
    await until(lambda: desk.refused > 2)
    await desk.push.drain(10)
    assert [0, 0] == [result.final for result in desk.finished]
    assert {410, 500} == {result.status for result in desk.finished}
    assert all(5 <= result.wait_s <= 6 for result in desk.finished)
    assert all("could not be stored" in json.loads(r.detail)["decision"] for r in desk.finished)
    assert ([], []) == (desk.ended, desk.released)


async def test_an_end_whose_delivery_went_to_others_is_left_to_them(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """We were retired while it waited: whoever owns it now says what becomes of it."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url))
    good.answers.append((410, ""))
    desk.refusal = DatabaseUnavailable("not now")
    (owned,) = desk.start(1)
    await until(lambda: desk.refused > 1)
    desk.push.drop()
    desk.refusal = None
    await until(lambda: desk.released == [owned])
    assert ([], []) == (desk.ended, desk.finished)


async def test_what_is_worth_one_attempt_is_never_given_back_after_it(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """It waits as the others do until what its end causes is stored; at a stop it ends without."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url), _endpoint(2, good.url))
    good.answers.extend([(500, ""), (500, "")])
    desk.refusal = DatabaseUnavailable("not now")
    desk.start(1, retry=False)
    await until(lambda: desk.refused > 1)
    assert ([], []) == (desk.finished, desk.released)
    desk.refusal = None
    await desk.done(1)
    assert ([500], 2) == (desk.ended, desk.finished[0].final)
    desk.refusal = DatabaseUnavailable("not now")
    desk.start(2, retry=False)
    await until(lambda: len(good.received) == 2)
    await desk.push.drain(10)
    assert ([500], [2, 2]) == (desk.ended, [result.final for result in desk.finished])
    assert ([], 2) == (desk.released, len(good.received))


@pytest.mark.parametrize("how", ["disabled", "deleted", "lease", "registration"])
async def test_a_request_that_waits_is_taken_back(
    desk: Desk, sinks: tuple[Sink, Sink], how: str
) -> None:
    """Two endpoints share a host's connections; one is gone before its turn: nothing is sent."""
    sink, _ = sinks
    desk = Desk(per_host=1)
    first, second = (_endpoint(no, f"{sink.url}/{no}", concurrency=1) for no in (1, 2))
    desk.configure(first, second)
    desk.start(1)
    await until(lambda: len(sink.received) == 1)
    waiting = desk.start(2, 3)
    await asyncio.sleep(0.05)
    assert 2 == desk.push.active
    if how == "disabled":
        desk.configure(first, msgspec.structs.replace(second, disabled=True))
    elif how == "deleted":
        desk.configure(first)
    elif how == "lease":
        desk.leased = False
    else:
        # We were retired meanwhile and have a new lease: what waits is with others by now.
        desk.worker = 2
    _open(sink)
    await until(lambda: desk.push.active == 0)
    assert 1 == len(sink.received)
    assert set(waiting) == set(desk.released)
    assert 1 == len(desk.finished)
    # What stood ready was not used up: the next request goes out on it.
    desk.leased = True
    desk.configure(first, second)
    desk.start(2)
    await desk.done(2)
    assert 2 == len(sink.received)
    await desk.client.close()


async def test_a_limit_of_ours_says_nothing_of_an_endpoint(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """Two endpoints share a host that has no free place until the time is over: what waited is
    given back unattempted, its endpoint rests and keeps all its slots.
    """
    sink, _ = sinks
    most = 12
    desk = Desk(per_host=most)
    first = _endpoint(1, f"{sink.url}/1", concurrency=most)
    second = _endpoint(2, f"{sink.url}/2", timeout_s=1, concurrency=most)
    desk.configure(first, second)
    desk.start(1, most)
    await until(lambda: len(sink.received) == most)
    handed = desk.start(2, most + 3)
    await until(lambda: len(desk.released) == most)
    assert set(handed[:most]) == set(desk.released)
    assert ([], 3) == (desk.finished, desk.push.queued)
    assert ((0, 0), [2], [1]) == (desk.push.slowed, desk.push.slow, list(desk.push.free()))
    _open(sink)
    # A second later it is asked, without anything else having happened.
    await desk.done(most + 3)
    assert (0, []) == (desk.push.queued, desk.push.slow)
    await desk.client.close()


async def test_without_a_lease_nothing_begins(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """What is handed over then is given back at once, and nothing is on the wire."""
    _, good = sinks
    desk.configure(_endpoint(1, good.url), _endpoint(2, good.url, disabled=True))
    desk.leased = False
    handed = desk.start(1, 50) + desk.start(2, 5) + desk.start(9, 5)
    await until(lambda: len(desk.released) == len(handed))
    assert set(handed) == set(desk.released)
    assert ([], [], 0) == (good.received, desk.finished, len(desk.held))


async def test_a_delivery_in_memory_is_not_taken_twice(
    desk: Desk, sinks: tuple[Sink, Sink]
) -> None:
    """Handed over again while it is under way or waits, it is sent once."""
    sink, _ = sinks
    desk.configure(_endpoint(1, sink.url, concurrency=1))
    handed = desk.start(1, 3)
    for owned in handed:
        desk.push.start(owned, b"{}", desk.worker)
    await until(lambda: len(sink.received) == 1)
    assert 2 == desk.push.queued
    _open(sink)
    await desk.done(3)
    await asyncio.sleep(0.05)
    assert 3 == len(sink.received)


async def test_a_drain_gives_back_what_has_not_begun(desk: Desk, sinks: tuple[Sink, Sink]) -> None:
    """What is on the wire may end within the time given; nothing new begins."""
    sink, _ = sinks
    desk.configure(_endpoint(1, sink.url))
    desk.start(1, 100)
    await until(lambda: len(sink.received) == CONCURRENCY)
    drain = asyncio.create_task(desk.push.drain(5))
    await until(lambda: len(desk.released) == 100 - CONCURRENCY)
    late = desk.start(1)
    assert late[0] == desk.released[-1]
    _open(sink)
    await drain
    assert (CONCURRENCY, CONCURRENCY) == (len(sink.received), len(desk.finished))
    assert {} == desk.push.free()
