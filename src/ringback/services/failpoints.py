"""Failpoints: named places where a test makes this process die, stumble or wait. Off by default.

Switched on for a whole process by `RINGBACK_FAILPOINTS`, a list of

    name=action[:seconds][@percent%][+from][xtimes]

such as `after_claim=kill@3%+6x20,before_commit=sleep:0.2@5%`: the action with that chance, not in
the first `from` seconds of the process, at most `times` times over all processes that share
`RINGBACK_FAILPOINTS_LOG`, a file that gets a line for every action. While nothing is switched on,
a place costs one comparison with None. Not a way to configure anything.
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec

from ringback.domain.http import Callback, HttpResponse
from ringback.errors import DatabaseUnavailable, SettingsError
from ringback.transport.dial import Connect
from ringback.transport.incoming import Handle

VARIABLE = "RINGBACK_FAILPOINTS"
LOG_VARIABLE = "RINGBACK_FAILPOINTS_LOG"
# Every place, in the order in which an event passes them. Each is reached at one place only.
PLACES = {
    "after_recv": "a request was read and understood; nothing is stored",
    "before_commit": "a batch is decided; nothing is stored",
    "after_commit_before_ack": "a batch is stored; nobody was told, nothing was sent",
    "after_ack": "whoever asked has the answer",
    "after_claim": "deliveries are this worker's in the database and not in its memory",
    "after_connect": "a connection to an endpoint stands; nothing was sent",
    "after_send_before_result": "an endpoint has answered; nobody knows but this task",
    "after_result_before_commit": "results are collected; nothing is recorded",
    "after_finish_before_hand_on": "results are recorded; the next deliveries are not started",
    "after_retire_before_adopt": "a dead worker is retired; its deliveries are still its own",
}
Action = Literal["kill", "raise", "error", "sleep"]
_ITEM = re.compile(
    r"(?P<place>\w+)=(?P<action>kill|raise|error|sleep)(?::(?P<seconds>[0-9.]+))?"
    r"(?:@(?P<percent>[0-9.]+)%)?(?:\+(?P<start>[0-9.]+))?(?:x(?P<times>[0-9]+))?"
)


class _Stumble(RuntimeError):
    """What `raise` raises: an error that nobody expects."""


class _Trouble(DatabaseUnavailable, OSError):
    """What `error` raises: what a broken connection looks like, to a database or an endpoint."""


class Failpoint(msgspec.Struct, frozen=True):
    """What happens at a place: with which chance, from which second of the process, how often."""

    place: str
    action: Action
    seconds: float = 0.0
    chance: float = 1.0
    start: float = 0.0
    times: int = 0


def read(text: str) -> list[Failpoint]:
    """Read the variable. Raises SettingsError when it names no place or cannot be understood."""
    found = []
    for item in filter(None, (piece.strip() for piece in text.split(","))):
        match = _ITEM.fullmatch(item)
        if match is None or match["place"] not in PLACES:
            places = ", ".join(PLACES)
            raise SettingsError(f"{VARIABLE}: {item!r} is no failpoint. Places: {places}.")
        found.append(
            Failpoint(
                match["place"], match["action"],  # type: ignore[arg-type]
                float(match["seconds"] or 0), float(match["percent"] or 100) / 100,
                float(match["start"] or 0), int(match["times"] or 0),
            )
        )  # fmt: skip
    return found


class Failpoints:
    """The failpoints of a process that are switched on."""

    def __init__(self, points: list[Failpoint], log: Path | None) -> None:
        """Take what is switched on, and the file that counts for all processes."""
        self._points = {point.place: point for point in points}
        self._log = log
        self._began = time.monotonic()
        self._done: Counter[str] = Counter()

    async def reach(self, place: str) -> None:
        """Do what is to be done at a place.

        Raises:
            RuntimeError: the action is `raise`.
            DatabaseUnavailable: the action is `error`; it is an OSError as well.

        """
        point = self._points.get(place)
        if point is None or random.random() >= point.chance:  # noqa: S311 - dice
            return
        if time.monotonic() - self._began < point.start or self._spent(point):
            return
        self._note(point)
        if point.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif point.action == "sleep":
            await asyncio.sleep(point.seconds)
        elif point.action == "error":
            raise _Trouble(f"The failpoint {place} was reached.")
        else:
            raise _Stumble(f"The failpoint {place} was reached.")

    def _spent(self, point: Failpoint) -> bool:
        if not point.times:
            return False
        if self._log is None:
            return self._done[point.place] >= point.times
        noted = self._log.read_text(encoding="ascii") if self._log.exists() else ""
        return sum(line.startswith(f"{point.place} ") for line in noted.splitlines()) >= point.times

    def _note(self, point: Failpoint) -> None:
        self._done[point.place] += 1
        if self._log is not None:
            line = f"{point.place} {point.action} {os.getpid()} {time.time():.6f}\n"
            with self._log.open("a", encoding="ascii") as out:
                out.write(line)


# What every place awaits, unless it is None: nothing is switched on.
reach: Callable[[str], Awaitable[None]] | None = None


def arm() -> bool:
    """Switch on what the environment asks for; say whether that is anything.

    Raises:
        SettingsError: the variable cannot be understood.

    """
    global reach  # noqa: PLW0603 - read at every place, so it has to be a plain name
    points = read(os.environ.get(VARIABLE, ""))
    log = os.environ.get(LOG_VARIABLE)
    reach = Failpoints(points, Path(log) if log else None).reach if points else None
    return reach is not None


def connecting(connect: Connect) -> Connect:
    """Return a way to connect that passes a place afterwards; the same when nothing is on."""
    if reach is None:
        return connect

    async def connected(
        factory: Callable[[], asyncio.Protocol], ip: str, port: int
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        ends = await connect(factory, ip, port)
        if reach is not None:
            try:
                await reach("after_connect")
            except BaseException:
                ends[0].close()
                raise
        return ends

    return connected


def answering(handle: Handle) -> Handle:
    """Return a handler whose answers are followed by a place; the same when nothing is on."""
    if reach is None:
        return handle

    async def answered(name: str, callback: Callback) -> HttpResponse:
        response = await handle(name, callback)
        # The listener writes the answer before it lets any other task run.
        task = asyncio.create_task(_after_ack())
        _following.add(task)
        task.add_done_callback(_following.discard)
        return response

    return answered


_following: set[asyncio.Task[None]] = set()


async def _after_ack() -> None:
    if reach is not None:
        with contextlib.suppress(_Stumble, _Trouble):
            await reach("after_ack")
