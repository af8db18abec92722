"""R3, the kill loop: workers, connections and PostgreSQL die at random under load.

Two workers behind `ringback up`, three endpoints (steady, 5 % failing, slow), publishers and a
provider. Afterwards every promise is checked on what the oracle saw.
"""

import asyncio
import contextlib
import random
import signal
import statistics
import time
from pathlib import Path

import asyncpg
import pytest

from ringback.domain.endpoints import DeliveryPolicy
from ringback.services.failpoints import PLACES
from tests.sizes import SIZES, bars, load

from .checker import Evidence, Verdict, check
from .database import CUT, HOT, Database
from .faults import Fault, held_s, killed
from .installation import SCHEDULE_S, SETTLED_S, Installation
from .journal import Receipt, Record, Result
from .load import Plan
from .oracle import Oracle
from .receiver import EndpointScript
from .report import keep

SEED = 20261121
CONCURRENCY = 8
ENDPOINTS = ("steady", "flaky", "slow")
# An endpoint's is shared by all workers: no worker has more under way at the moment of its kill.
IN_FLIGHT = CONCURRENCY * len(ENDPOINTS)
RATE = 40.0
# R3's, from a start to the first delivery.
RESTART_BAR_S = 2.0
# The slow endpoint takes as much as comes, no more: what piled up in a long run takes its time.
_DRAIN_S = 120 + SIZES.killed_events / 50
_AFTER_ANOTHER = "after_retire_before_adopt"


class KillLoop:
    """The run: what is killed when, and what it took to come back."""

    def __init__(self, site: Installation, database: Database, oracle: Oracle) -> None:
        """Take the parts; everything random follows the seed."""
        self.site = site
        self.database = database
        self.oracle = oracle
        self.dice = random.Random(SEED)
        self.cuts = 0
        self.crashes = 0
        self.restarts = 0
        # When a worker was killed alone, and when with all others; when everything was started
        # anew, and how busy the machine was; from when to when the database was away.
        self.killed_at: list[float] = []
        self.all_killed_at: list[float] = []
        self.started_at: list[float] = []
        self.loads: list[float] = []
        self.outages: list[tuple[float, float]] = []

    @property
    def killed(self) -> int:
        """How many workers have died by our hand."""
        return len(self.killed_at) + len(self.all_killed_at)

    @property
    def kills(self) -> list[float]:
        """When workers have died, by our hand and at failpoints."""
        return [*self.killed_at, *self.all_killed_at, *self.site.failpoint_kills()]

    def faults(self) -> tuple[Fault, ...]:
        """Return what excuses repeats: each kill. A crash of PostgreSQL, or a cut, does not."""
        return tuple(
            fault for at in self.kills for fault in killed(at, IN_FLIGHT, held_s(at, self.outages))
        )

    async def run(self) -> None:
        """Kill until all is killed that was to be, and enough was accepted."""
        async with asyncio.timeout(SIZES.kill_seconds):
            while not self._done():
                await asyncio.sleep(self.dice.uniform(0.3, 1.5))
                self.site.ensure()
                await self._strike()

    def _done(self) -> bool:
        accepted = sum(
            isinstance(one, Result) and one.outcome == "accepted" for one in self.oracle.records()
        )
        return (
            self.killed >= SIZES.random_kills
            and self.crashes >= SIZES.database_crashes
            and self.restarts >= SIZES.restarts
            and not self._missing()
            and accepted >= SIZES.killed_events
        )

    def _missing(self) -> set[str]:
        """Return the places at which too few have died so far."""
        enough = SIZES.kills_per_failpoint
        return {place for place in PLACES if self.site.reached(place) < enough}

    async def _strike(self) -> None:
        roll = self.dice.random()
        if roll < 0.5:
            self._kill_worker()
        elif roll < 0.8:
            await self._cut_connections()
        elif roll < 0.9 and self.crashes < SIZES.database_crashes:
            await self._crash()
        elif self.restarts < SIZES.restarts:
            self.restarts += 1
            at = time.time()
            self.all_killed_at += [at] * self.site.kill_everything()
            self.site.start()
            await self.site.ready()
            self.started_at.append(self.site.started_at)
            self.loads.append(load())

    async def _crash(self) -> None:
        """Crash PostgreSQL: the server at once, or by the end of one of its sessions, in turn."""
        self.crashes += 1
        began = time.time()
        if self.crashes % 2:
            self.database.crash()
            self.database.restart()
        else:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                for row in await self.site.rows(f"{HOT} limit 1"):
                    self.database.kill_backend(row[0])
        self.outages.append((began, time.time()))

    def _kill_worker(self) -> None:
        candidates = self.site.workers(SETTLED_S)
        # One place is reached only when another worker has died.
        needed = self.killed < SIZES.random_kills or self._missing() == {_AFTER_ANOTHER}
        if candidates and needed:
            self.killed_at.append(time.time())
            self.dice.choice(candidates).send_signal(signal.SIGKILL)

    async def _cut_connections(self) -> None:
        try:
            self.cuts += len(await self.site.rows(CUT + " limit 3"))
        except (OSError, asyncpg.PostgresError):
            pass  # it is down itself just now


@pytest.mark.timeout(SIZES.kill_seconds + 2 * _DRAIN_S)
async def test_the_kill_loop(database: Database, tmp_path: Path) -> None:
    """0 lost, 0 bad signatures, in order, repeats within their bound, nothing open or stuck."""
    site = Installation(database.dsn(database.create_migrated()), tmp_path)
    policy = DeliveryPolicy(schedule_s=SCHEDULE_S, timeout_s=5, concurrency=CONCURRENCY)
    site.failpoints = ",".join(
        f"{place}=kill@{_percent(place)}%+{SETTLED_S}x{SIZES.kills_per_failpoint}"
        for place in PLACES
    )
    oracle = await _oracle(site, policy, tmp_path)
    loop = KillLoop(site, database, oracle)
    try:
        site.start()
        await site.ready()
        oracle.load(Plan(site.port, site.api_key, site.app_secret, RATE, SEED))
        await loop.run()
        await oracle.rest()
        await site.emptied(_DRAIN_S)
        await asyncio.sleep(1)
        verdict = check(
            Evidence(
                SEED, oracle.records(), ENDPOINTS, await site.exhausted(), await site.stored(),
                faults=loop.faults(),
            )
        )  # fmt: skip
        records = oracle.records()
        alone, started = (waits(records, at) for at in (loop.killed_at, loop.started_at))
        report(verdict, loop, alone, started)
        assert [] == verdict.violations, str(verdict)
        assert verdict.accepted >= SIZES.killed_events
        assert await site.stuck() == 0
        assert len(started) >= SIZES.restarts
        allowed = bars(RESTART_BAR_S, loop.loads, slack=2)
        assert statistics.median(started) <= allowed.median
        assert started[-1] <= allowed.longest
    finally:
        site.stop()
        oracle.stop()


def _percent(place: str) -> float:
    # What is seldom reached is always taken; the others by chance, in the middle of a load.
    return 100 if place in {"after_claim", "after_connect", _AFTER_ANOTHER} else 3


async def _oracle(site: Installation, policy: DeliveryPolicy, home: Path) -> Oracle:
    """Start receivers for endpoints whose secrets are made here, and register them."""
    oracle = Oracle(home / "journal", SEED, [])
    urls = dict.fromkeys(ENDPOINTS, "http://127.0.0.1:9/hook")
    secrets = await site.prepare(urls, policy)
    oracle.endpoints = [EndpointScript(name, name, secrets[name]) for name in ENDPOINTS]
    oracle.start()
    await site.move({name: f"http://127.0.0.1:{oracle.ports[name]}/hook" for name in ENDPOINTS})
    return oracle


def waits(records: list[Record], moments: list[float]) -> list[float]:
    """Return how long after each moment the steady endpoint got its next request, sorted."""
    at = [one.at for one in records if isinstance(one, Receipt) and one.endpoint == "steady"]
    later = ((moment, [t for t in at if t > moment]) for moment in moments)
    return sorted(found[0] - moment for moment, found in later if found)


def report(verdict: Verdict, loop: KillLoop, alone: list[float], started: list[float]) -> None:
    """Keep what was done and what came of it."""
    text = (
        f"{verdict}\n\n{len(loop.kills)} workers killed "
        f"({len(loop.site.failpoint_kills())} at failpoints, "
        f"{loop.restarts} times everything at once), {loop.cuts} connections cut, {loop.crashes} "
        f"crashes of PostgreSQL, {loop.site.restarts} starts after a worker died young.\n"
        f"From the kill of a worker to the next delivery: {_spread(alone)}; "
        f"from a start after the kill of everything: {_spread(started)}, "
        f"with {statistics.median(loop.loads):.1f} processes a core that wanted to run."
    )
    keep("R3 kill loop", text)


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "not measured"
    return f"median {statistics.median(seconds):.2f} s, longest {seconds[-1]:.2f} s"
