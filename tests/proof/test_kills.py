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
from tests.sizes import SIZES

from .checker import Evidence, Verdict, check
from .database import CUT, HOT, Database
from .installation import SCHEDULE_S, SETTLED_S, Installation
from .journal import Receipt, Record, Result
from .load import Plan
from .oracle import Oracle
from .receiver import EndpointScript
from .report import keep

SEED = 20261121
CONCURRENCY = 8
ENDPOINTS = ("steady", "flaky", "slow")
# G3: what a kill may cause: requests on the wire, the one just checked, results not recorded.
EXCUSED_PER_KILL = CONCURRENCY * len(ENDPOINTS) + 1 + 500
RATE = 40.0
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
        self.killed = 0
        self.cuts = 0
        self.crashes = 0
        self.restarts = 0
        # When a worker was killed, and when everything was started anew.
        self.killed_at: list[float] = []
        self.started_at: list[float] = []

    @property
    def kills(self) -> int:
        """How many workers have died, by our hand and at failpoints."""
        return self.killed + self.site.failpoint_kills()

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
            self.killed += self.site.kill_everything()
            self.site.start()
            await self.site.ready()
            self.started_at.append(self.site.started_at)

    async def _crash(self) -> None:
        """Crash PostgreSQL: the server at once, or by the end of one of its sessions, in turn."""
        self.crashes += 1
        if self.crashes % 2:
            self.database.crash()
            self.database.restart()
            return
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            for row in await self.site.rows(f"{HOT} limit 1"):
                self.database.kill_backend(row[0])

    def _kill_worker(self) -> None:
        candidates = self.site.workers(SETTLED_S)
        # One place is reached only when another worker has died.
        needed = self.killed < SIZES.random_kills or self._missing() == {_AFTER_ANOTHER}
        if candidates and needed:
            self.killed_at.append(time.time())
            self.dice.choice(candidates).send_signal(signal.SIGKILL)
            self.killed += 1

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
                excused=EXCUSED_PER_KILL * loop.kills,
            )
        )  # fmt: skip
        records = oracle.records()
        killed, started = (waits(records, at) for at in (loop.killed_at, loop.started_at))
        report(verdict, loop, killed, started)
        assert [] == verdict.violations, str(verdict)
        assert verdict.accepted >= SIZES.killed_events
        assert await site.stuck() == 0
        assert max(started) <= 10 * RESTART_BAR_S
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


def report(verdict: Verdict, loop: KillLoop, killed: list[float], started: list[float]) -> None:
    """Keep what was done and what came of it."""
    text = (
        f"{verdict}\n\n{loop.kills} workers killed ({loop.site.failpoint_kills()} at failpoints, "
        f"{loop.restarts} times everything at once), {loop.cuts} connections cut, {loop.crashes} "
        f"crashes of PostgreSQL, {loop.site.restarts} starts after a worker died young.\n"
        f"From the kill of a worker to the next delivery: {_spread(killed)}; "
        f"from a start after the kill of everything: {_spread(started)}."
    )
    keep("R3 kill loop", text)


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "not measured"
    return f"median {statistics.median(seconds):.2f} s, longest {seconds[-1]:.2f} s"
