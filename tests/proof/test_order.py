"""R3, the order test: four workers race for the same messages, and are killed or stand still.

Four installations of one worker each share a database. The four facts of a message are posted at
once, each to up to three of them; 5 % of attempts at one endpoint fail. Afterwards every event is
there once, came in the order of its message, and nothing is open or stuck.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from ringback.domain.endpoints import DeliveryPolicy
from ringback.services.workers import BEAT_S, LEASE_S, RETIRE_S
from tests.sizes import SIZES

from .checker import Evidence, Verdict, check
from .database import CUT
from .faults import Fault, killed, paused
from .installation import SCHEDULE_S, SETTLED_S, Installation
from .journal import Record, Result
from .oracle import Oracle
from .race import FACTS, RacePlan
from .receiver import EndpointScript
from .report import keep

SEED = 20261122
WORKERS = 4
CONCURRENCY = 8
ENDPOINTS = ("steady", "failing")
# An endpoint's is shared by all workers: no worker has more under way at the moment of its fault.
IN_FLIGHT = CONCURRENCY * len(ENDPOINTS)
RATE = 20.0
SHORT_S = 5.0
LONG_S = RETIRE_S + 6
_DRAIN_S = 120.0
_RUN_S = 1_200.0


class Fleet:
    """The installations on one database, and the oracle that posts to all of them."""

    def __init__(self, sites: list[Installation], oracle: Oracle) -> None:
        """Take the parts, prepared but not started."""
        self.sites = sites
        self.first = sites[0]
        self.oracle = oracle
        self.dice = random.Random(SEED)
        self.kills = 0
        self.cuts = 0
        # What excuses repeats: kills, and pauses that outlast the lease. No others.
        self.faults: list[Fault] = []

    async def start(self) -> None:
        """Start everything and begin to post."""
        for site in self.sites:
            site.start()
        await asyncio.gather(*(site.ready() for site in self.sites))
        ports = [site.port for site in self.sites]
        self.oracle.load(RacePlan(ports, self.first.app_secret, RATE, SEED))

    @property
    def raced(self) -> bool:
        """Whether enough facts have been taken."""
        return len(_accepted(self.oracle.records())) >= len(FACTS) * SIZES.raced_messages

    async def settle(self) -> Verdict:
        """Stop posting, wait until nothing is open, and judge."""
        await self.oracle.rest()
        for site in self.sites:
            await site.ready()
        await self.first.emptied(_DRAIN_S)
        await asyncio.sleep(1)
        return check(
            Evidence(
                SEED, self.oracle.records(), ENDPOINTS, await self.first.exhausted(),
                await self.first.stored(), faults=tuple(self.faults),
            )
        )  # fmt: skip


@asynccontextmanager
async def _fleet(dsn: str, home: Path) -> AsyncIterator[Fleet]:
    # A time limit for requests that outlasts the short pauses: none of them costs an attempt.
    policy = DeliveryPolicy(schedule_s=SCHEDULE_S, concurrency=CONCURRENCY)
    first = Installation(dsn, home, workers=1)
    secrets = await first.prepare(dict.fromkeys(ENDPOINTS, "http://127.0.0.1:9/hook"), policy)
    scripts = [EndpointScript(name, name, secrets[name]) for name in ENDPOINTS]
    oracle = Oracle(home / "journal", SEED, scripts)
    sites = [first, *(first.beside(home / str(number)) for number in range(1, WORKERS))]
    try:
        oracle.start()
        await first.move(
            {name: f"http://127.0.0.1:{oracle.ports[name]}/hook" for name in ENDPOINTS}
        )
        yield Fleet(sites, oracle)
    finally:
        for site in sites:
            site.stop()
        oracle.stop()


def _accepted(records: list[Record]) -> set[str]:
    return {one.fact for one in records if isinstance(one, Result) and one.outcome == "accepted"}


async def _strike(fleet: Fleet) -> None:
    """Kill a worker or cut a few of the database's connections."""
    for site in fleet.sites:
        site.ensure()
    if fleet.dice.random() < 0.5:
        candidates = [worker for site in fleet.sites for worker in site.workers(SETTLED_S)]
        if candidates:
            fleet.faults += killed(time.time(), IN_FLIGHT)
            fleet.dice.choice(candidates).send_signal(signal.SIGKILL)
            fleet.kills += 1
    else:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            fleet.cuts += len(await fleet.first.rows(f"{CUT} limit 3"))


async def _right(fleet: Fleet, verdict: Verdict) -> None:
    """Every fact is one event, all of them came, in order, and nothing is left over."""
    accepted = _accepted(fleet.oracle.records())
    assert [] == verdict.violations, str(verdict)
    assert len(accepted) >= len(FACTS) * SIZES.raced_messages
    counted = await fleet.first.value("select count(*) from event where type like 'message.%'")
    assert len(accepted) == counted
    assert 0 == await fleet.first.stuck()


@pytest.mark.timeout(_RUN_S + 2 * _DRAIN_S)
async def test_the_order_holds_while_workers_die(dsn: str, tmp_path: Path) -> None:
    """Workers are killed and connections cut: 0 lost, 0 stuck, 0 out of order."""
    async with _fleet(dsn, tmp_path) as fleet:
        began = time.monotonic()
        await fleet.start()
        async with asyncio.timeout(_RUN_S):
            while not (
                fleet.kills >= SIZES.raced_kills and fleet.cuts >= SIZES.raced_cuts and fleet.raced
            ):
                await asyncio.sleep(fleet.dice.uniform(0.3, 1.2))
                await _strike(fleet)
        verdict = await fleet.settle()
        keep(
            "R3 order",
            f"{verdict}\n\n{WORKERS} workers, {_repeats(fleet)}; {fleet.kills} workers killed, "
            f"{fleet.cuts} connections cut, {time.monotonic() - began:.0f} s.",
        )
        await _right(fleet, verdict)


def _repeats(fleet: Fleet) -> str:
    posts = [one for one in fleet.oracle.records() if isinstance(one, Result)]
    return f"{len(posts)} posts of {len(_accepted(fleet.oracle.records()))} facts"


async def _pause(fleet: Fleet, sites: list[Installation], times: int, seconds: float) -> None:
    """Let one worker after the other stand still."""
    for _ in range(times):
        # Long enough for one that was retired to notice, and to register anew.
        await asyncio.sleep(fleet.dice.uniform(2, 3) * BEAT_S)
        (worker,) = fleet.dice.choice(sites).workers()
        began = time.time()
        with _standing(worker):
            await asyncio.sleep(seconds)
            ended = time.time()
        if seconds > LEASE_S:
            fleet.faults += paused(began, ended, IN_FLIGHT)


@contextlib.contextmanager
def _standing(worker: psutil.Process) -> Iterator[None]:
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


@pytest.mark.timeout(_RUN_S + 2 * _DRAIN_S)
async def test_the_order_holds_while_workers_stand_still(dsn: str, tmp_path: Path) -> None:
    """Pauses within the lease repeat nothing; one that outlasts it may repeat, never reorder."""
    async with _fleet(dsn, tmp_path) as fleet:
        began = time.monotonic()
        await fleet.start()
        async with asyncio.timeout(_RUN_S):
            await asyncio.gather(
                _pause(fleet, fleet.sites[1:], SIZES.short_pauses, SHORT_S),
                _pause(fleet, fleet.sites[:1], SIZES.long_pauses, LONG_S),
            )
            while not fleet.raced:
                await asyncio.sleep(0.5)
        verdict = await fleet.settle()
        registered = await fleet.first.value("select max(id) from worker")
        assert isinstance(registered, int)
        keep(
            "R3 pauses",
            f"{verdict}\n\n{WORKERS} workers, {_repeats(fleet)}; {SIZES.short_pauses} pauses of "
            f"{SHORT_S:.0f} s, {SIZES.long_pauses} of {LONG_S:.0f} s, "
            f"{time.monotonic() - began:.0f} s.",
        )
        await _right(fleet, verdict)
        assert WORKERS + SIZES.long_pauses <= registered
