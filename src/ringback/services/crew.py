"""The worker processes of an installation: as many as were asked for, each replaced when it dies.

They share one listening socket, so that connections wait while a worker is replaced. Not here:
what a worker does (app.py), and what is started before them (supervise.py).
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import structlog

MODULE = "ringback.worker"
# Tells a worker that another has died: it looks for whose deliveries are left.
DIED = signal.SIGUSR2
# Tells a worker to stop without waiting long. A terminal's own does not reach it: it has a group
# of its own. One that does not serve yet ignores this, and is ended by the SIGTERM that follows.
HURRY = signal.SIGINT
# A worker that ends sooner has not really served; after so many in a row there is no point.
EARLY_S = 5.0
EARLY_MAX = 4
_PAUSE_S = 0.5
_LOOK_S = 1.0
log = structlog.get_logger()


class Crew:
    """Starts workers, watches them, and stops them; for the main thread, whose signals it hears.

    Each runs `MODULE` with the number of the socket as its argument, and reads from its standard
    input what `run` tells it. What is started before that makes itself ready meanwhile.
    """

    def __init__(self, count: int, fd: int, stop_s: float, drain_s: float = 0.0) -> None:
        """Take how many there are to be, their socket, and the seconds that they have to stop.

        With `patient` set when they are told to, they have `drain_s` instead, and know it.
        """
        self._command = [sys.executable, "-m", MODULE, str(fd)]
        self._count = count
        self._fd = fd
        self._stop_s = stop_s
        self._drain_s = drain_s
        self.patient = False
        self._began: dict[subprocess.Popen[bytes], float] = {}
        self._told: bytes | None = None
        self._early = 0

    @property
    def pids(self) -> Sequence[int]:
        """The processes that run."""
        return [worker.pid for worker in self._began]

    def start(self) -> None:
        """Start the processes; they serve when they are told what."""
        while len(self._began) < self._count:
            self._add()

    def abandon(self) -> None:
        """End what was started: there is nothing to serve."""
        self.kill()
        for worker in self._began:
            # Waits for its end, and closes the pipe.
            worker.communicate()
        self._began.clear()

    def run(
        self, interrupts: Callable[[], int], told: bytes = b"",
        stopping: Callable[[], None] = lambda: None,
    ) -> bool:  # fmt: skip
        """Keep the workers running until `interrupts` counts one, then stop them.

        Each is `told` what it needs to know; `stopping` is called before they are told to stop.
        Return False when they have ended before, because they kept failing.
        """
        self._told = told
        for worker in self._began:
            self._inform(worker)
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # A child's end writes to the pipe too, provided that somebody listens to the signal.
        child_before = signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            while not interrupts():
                self._replace()
                if self._early >= EARLY_MAX:
                    self._stop(reader, lambda: 1)
                    return False
                _wait(reader, _LOOK_S)
            stopping()
            self._stop(reader, interrupts)
        finally:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGCHLD, child_before)
            os.close(reader)
            os.close(writer)
        return True

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self._began:
            worker.kill()

    def _replace(self) -> None:
        """Start what is missing."""
        for worker in [one for one in self._began if one.poll() is not None]:
            early = time.monotonic() - self._began.pop(worker) < EARLY_S
            self._early = self._early + 1 if early else 0
            log.warning("worker.ended", pid=worker.pid, code=worker.returncode)
            self._tell()
            if early:
                time.sleep(_PAUSE_S)
        while len(self._began) < self._count and self._early < EARLY_MAX:
            self._inform(self._add())

    def _add(self) -> subprocess.Popen[bytes]:
        # What is ignored here is ignored there, from the first moment: loading may take long, and
        # whoever does not listen yet would be ended by hearing of another's end.
        before = signal.signal(DIED, signal.SIG_IGN)
        try:
            # A group of its own: Ctrl-C in a terminal is the supervisor's to hear, which stops
            # everything in order.
            worker = subprocess.Popen(
                self._command, pass_fds=(self._fd,), process_group=0, stdin=subprocess.PIPE
            )
        finally:
            signal.signal(DIED, before)
        self._began[worker] = time.monotonic()
        return worker

    def _inform(self, worker: subprocess.Popen[bytes]) -> None:
        """Tell a worker what it needs to know. It is a few hundred bytes: a pipe takes them.

        From now on it serves: until then it was not asked for anything, and cannot be early.
        """
        self._began[worker] = time.monotonic()
        assert worker.stdin is not None
        # It may have ended; then it is replaced.
        with contextlib.suppress(BrokenPipeError), worker.stdin as pipe:
            pipe.write(self._told or b"")

    def _tell(self) -> None:
        """Tell the others that one has died. One that is young looks by itself when it starts."""
        for worker in self._began:
            if worker.poll() is None:
                worker.send_signal(DIED)

    def _stop(self, reader: int, interrupts: Callable[[], int]) -> None:
        """Tell all workers to stop; kill those that have not when their time is over."""
        for worker in self._began:
            if not self.patient:
                worker.send_signal(HURRY)
            worker.terminate()
        until = time.monotonic() + (self._drain_s if self.patient else self._stop_s)
        while any(worker.poll() is None for worker in self._began):
            if time.monotonic() > until or interrupts() > 1:
                self.kill()
                for worker in self._began:
                    worker.wait()
            _wait(reader, 0.1)
        self._began.clear()


def _wait(reader: int, seconds: float) -> None:
    """Wait for a signal, at most so long."""
    select.select([reader], [], [], seconds)
    try:
        while os.read(reader, 512):
            pass
    except BlockingIOError:
        return
