"""A worker as a process: it follows its supervisor, and it ends in time whatever holds it up.

The server (Granian) ends a worker when its last request is answered, and only then its engine;
one caller who takes a minute would take the engine's time to drain. So the engine has its turn
after a second at the latest. Not here: what the engine does then (app.py).
"""

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable

SUPERVISOR = "RINGBACK_SUPERVISOR"
GRACE_S = 1.0
ORPHAN_S = 6
_LOOK_EVERY_S = 0.5
_PR_SET_PDEATHSIG = 1


def begin() -> None:
    """Leave the terminal's signals to the supervisor, and follow it when it ends.

    Call it first thing in a new worker. Does nothing in a process without a supervisor.
    """
    if SUPERVISOR not in os.environ:
        return
    supervisor = int(os.environ[SUPERVISOR])
    # Ctrl-C goes to the whole group of a terminal, but the order of stopping is not its business.
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor:
        sys.exit(1)
    threading.Thread(target=_follow, args=(supervisor,), name="follow", daemon=True).start()


def _follow(supervisor: int) -> None:
    """End when the supervisor has, within six seconds: nobody is left to kill us."""
    while os.getppid() == supervisor:
        time.sleep(_LOOK_EVERY_S)
    # Nobody handles this one: the kernel ends us, even if no line of Python runs any more.
    signal.alarm(ORPHAN_S)
    os.kill(os.getpid(), signal.SIGTERM)


class Ending:
    """Stops the engine when the server has ended, and no later than a second after SIGTERM."""

    def __init__(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Take what stops the engine. Call it on the worker's event loop."""
        self._stop = stop
        self._once: asyncio.Future[None] | None = None
        self._late: asyncio.Task[None] | None = None
        if SUPERVISOR in os.environ:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._told)

    def _told(self) -> None:
        # Granian takes SIGINT for the same. Never twice: its second one blocks the process.
        if self._late is None:
            self._late = asyncio.create_task(self._stop_late())
            os.kill(os.getpid(), signal.SIGINT)

    async def _stop_late(self) -> None:
        await asyncio.sleep(GRACE_S)
        await self.stop()
        os._exit(0)  # a connection holds the server up, and nothing of ours is left to do

    async def stop(self) -> None:
        """Stop the engine, once, however often this is called."""
        if self._once is None:
            self._once = asyncio.ensure_future(self._stop())
        await asyncio.shield(self._once)
