"""A worker process for tests of the crew: it waits, or does what CREW_MEMBER says."""

import os
import signal
import sys
import time

if __name__ == "__main__":
    kind = os.environ.get("CREW_MEMBER")
    if kind == "broken":
        sys.exit(3)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
