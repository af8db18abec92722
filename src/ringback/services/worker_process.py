"""A worker as a process: it follows its supervisor. What it serves: app.py, serving.py."""

import ctypes
import os
import signal
import sys
import threading
import time

import msgspec

from ringback.services import crew

SUPERVISOR = "RINGBACK_SUPERVISOR"
ORPHAN_S = 6
_LOOK_EVERY_S = 0.5
_PR_SET_PDEATHSIG = 1


class Informed(msgspec.Struct, frozen=True):
    """What a worker learns from its supervisor, and from nowhere that others can look at."""

    database_url: str
    secret_key: str


_read = msgspec.json.Decoder(Informed).decode


def begin() -> None:
    """Leave the terminal's signals to the supervisor, and follow it when it ends.

    Call it first thing in a new worker. Does nothing in a process without a supervisor.
    """
    signal.signal(crew.HURRY, signal.SIG_IGN)
    if SUPERVISOR not in os.environ:
        return
    supervisor = int(os.environ[SUPERVISOR])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, crew.HURRY, 0, 0, 0)
    if os.getppid() != supervisor:
        sys.exit(1)
    threading.Thread(target=_follow, args=(supervisor,), name="follow", daemon=True).start()


def informed() -> Informed:
    """Wait until the supervisor says what to serve; end without a word when it has nothing."""
    said = sys.stdin.buffer.read()
    if not said:
        sys.exit(0)
    return _read(said)


def _follow(supervisor: int) -> None:
    """End when the supervisor has, within six seconds: nobody is left to kill us."""
    while os.getppid() == supervisor:
        time.sleep(_LOOK_EVERY_S)
    # Nobody handles this one: the kernel ends us, even if no line of Python runs any more.
    signal.alarm(ORPHAN_S)
    os.kill(os.getpid(), crew.HURRY)
    os.kill(os.getpid(), signal.SIGTERM)
