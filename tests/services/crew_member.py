"""A worker process for tests of the crew: it waits, or does what CREW_MEMBER says."""

import os
import signal
import sys
import time
from pathlib import Path

from ringback.services.worker_process import begin

if __name__ == "__main__":
    kind = os.environ.get("CREW_MEMBER")
    if kind == "broken":
        sys.exit(3)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "young":
        begin()
        Path(os.environ["CREW_HEARD"], "begun").touch()
    if kind in {"listening", "young"}:
        told = sys.stdin.buffer.read()
        Path(os.environ["CREW_HEARD"], str(os.getpid())).write_bytes(told)
    time.sleep(60)
