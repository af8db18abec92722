"""A worker process, started by the supervisor: `python -m ringback.worker FD`.

FD is the listening socket that it shares with the others. Which database it is for, and the key of
its secrets, comes over standard input; everything else is in its environment.
"""

import asyncio
import socket
import sys

import msgspec
import structlog
import uvloop

from ringback import log as logging_setup
from ringback.app import serve
from ringback.errors import RingbackError
from ringback.services import failpoints
from ringback.services.worker_process import begin, informed
from ringback.settings import load


def main() -> int:
    """Serve until the supervisor says that it is enough; return the exit code."""
    begin()
    settings = load()
    settings = settings.model_copy(update=msgspec.structs.asdict(informed()))
    logging_setup.configure(settings.log_level)
    if failpoints.arm():
        reason = "RINGBACK_FAILPOINTS is set: this process may die"
        structlog.get_logger().warning("failpoints.on", reason=reason)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings, socket.socket(fileno=int(sys.argv[1]))))
        except RingbackError as error:
            structlog.get_logger().error("worker.failed", error=str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
