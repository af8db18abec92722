"""A worker process for tests of the crew: it waits, or does what CREW_MEMBER says."""

import os
import signal
import sys
import time
from pathlib import Path

from ringback.services.crew import HURRY


def drained(*_: object) -> None:
    """End, after everything under way."""
    time.sleep(0.5)
    Path(os.environ["CREW_HEARD"], "drained").touch()
    sys.exit(0)


if __name__ == "__main__":
    kind = os.environ.get("CREW_MEMBER")
    # As a worker does before it serves.
    signal.signal(HURRY, signal.SIG_IGN)
    if kind == "broken":
        sys.exit(3)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "draining":
        signal.signal(HURRY, lambda *_: os._exit(1))
        signal.signal(signal.SIGTERM, drained)
        Path(os.environ["CREW_HEARD"], "begun").touch()
    if kind == "young":
        # It loads its code, and has not run a line of what a worker begins with.
        Path(os.environ["CREW_HEARD"], "begun").touch()
    if kind in {"listening", "young"}:
        told = sys.stdin.buffer.read()
        Path(os.environ["CREW_HEARD"], str(os.getpid())).write_bytes(told)
    time.sleep(60)
