"""How soon the deliveries of a worker that died or stands still go on, and what it sends itself.

The bars are the design's in full, ten times as much in the small size; docs/proof.md says what was
measured. `-s` shows this machine's figures.
"""

import asyncio
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import asyncpg
import psutil
import pytest

from ringback.domain.ids import show
from tests.sizes import SIZES, SMALL, bars, load

from .conftest import Make
from .installation import Installation, until
from .receiver import Receiver, receiving

REPORTS = 30
CONCURRENCY = 128
HERE_S = 2.0
ELSEWHERE_S = 20.0
_PATIENCE_S = 90.0
pytestmark = pytest.mark.timeout(60 + (_PATIENCE_S if SIZES is SMALL else 60) * SIZES.adoptions)
# A worker that has this boot id is on another host, as far as the others can see.
ELSEWHERE = "update worker set boot_id = 'elsewhere' where id = $1"


def _rows(own: Installation, sql: str, *arguments: object) -> list[Any]:
    async def ask() -> list[Any]:
        connection = await asyncpg.connect(own.dsn)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def pair(make_pair: Make) -> Iterator[Installation]:
    """An installation of two workers, up."""
    own = make_pair()
    own.start("--demo=bare", "--workers", "2")
    yield own
    assert 0 == own.stop()


class Held:
    """A worker that has requests under way which nobody answers."""

    def __init__(self, own: Installation, receiver: Receiver, number: int) -> None:
        """Wait for two workers, give them work, and choose the one that has more of it."""
        alive = "select id, pid from worker where alive"
        pids = until(lambda: _two(own, _rows(own, alive)))
        receiver.status = None
        made = own.api("POST", "/v1/endpoints", {
            "url": receiver.url, "event_types": ["message.*"],
            "delivery": {"concurrency": CONCURRENCY},
        })  # fmt: skip
        self.endpoint = f"/v1/endpoints/{made['id']}"
        for report in range(REPORTS):
            assert 200 == own.report(f"run-{number}-{report}")
        until(lambda: len(receiver.got) == REPORTS)
        owned = _rows(
            own, "select owner, count(*) from delivery where owner is not null "
            "group by 1 order by 2 desc",
        )  # fmt: skip
        self.worker, self.count = owned[0]
        owned_by = "select event from delivery where owner = $1"
        self.events = {show("evt", row["event"]) for row in _rows(own, owned_by, self.worker)}
        self.process = psutil.Process(pids[self.worker])
        receiver.status = 204

    def gone_on(self, receiver: Receiver, began: float) -> float:
        """Wait until all of its deliveries have been sent again; return how long that took."""
        until(lambda: len(receiver.got) >= REPORTS + self.count, _PATIENCE_S)
        return time.monotonic() - began


def _two(own: Installation, rows: list[Any]) -> dict[int, int]:
    living = {each.pid for each in own.workers()}
    pids = {row["id"]: row["pid"] for row in rows}
    return pids if len(pids) == 2 and set(pids.values()) == living else {}


def _held_to(bar_s: float, what: str, taken: list[float]) -> None:
    middle, most = statistics.median(taken), max(taken)
    sys.stderr.write(f"{what}: median {middle:.2f} s, most {most:.2f} s of {len(taken)}\n")
    allowed = bars(bar_s, [load()])
    assert middle <= allowed.median
    assert most <= allowed.longest


@pytest.mark.parametrize(
    ("where", "bar_s"), [("the same host", HERE_S), ("another host", ELSEWHERE_S)]
)
def test_what_a_killed_worker_had_goes_on(pair: Installation, where: str, bar_s: float) -> None:
    """Sent again by the other worker: at once where it sees the end, elsewhere after silence."""
    taken = []
    for number in range(SIZES.adoptions):
        with receiving() as receiver:
            held = Held(pair, receiver, number)
            if where == "another host":
                _rows(pair, ELSEWHERE, held.worker)
            began = time.monotonic()
            held.process.send_signal(signal.SIGKILL)
            taken.append(held.gone_on(receiver, began))
            assert REPORTS + held.count == len(receiver.got)
            pair.api("DELETE", held.endpoint)
    _held_to(bar_s, f"killed on {where}", taken)


def test_a_paused_worker_sends_nothing_when_it_wakes(pair: Installation) -> None:
    """Its lease has ended meanwhile: others have sent what it had, and it sends none of it."""
    taken, late = [], 0
    for number in range(SIZES.adoptions):
        with receiving() as receiver:
            held = Held(pair, receiver, number)
            began = time.monotonic()
            held.process.send_signal(signal.SIGSTOP)
            try:
                taken.append(held.gone_on(receiver, began))
                sent = len(receiver.got)
            finally:
                held.process.send_signal(signal.SIGCONT)
            registered = "select from worker where pid = $1 and alive and id > $2"
            until(partial(_rows, pair, registered, held.process.pid, held.worker))
            # The other worker's own requests hang too, and are tried again.
            late += sum(event in held.events for event in receiver.ids()[sent:])
            pair.api("DELETE", held.endpoint)
    # One request whose look at the lease had just succeeded may go out late.
    assert late <= SIZES.adoptions
    sys.stderr.write(f"requests sent by {len(taken)} workers that woke: {late}\n")
    _held_to(ELSEWHERE_S, "paused", taken)
