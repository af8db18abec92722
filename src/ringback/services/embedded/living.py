"""Which processes of a database server are alive in a data directory, and how to end one.

PostgreSQL itself refuses to start while the pid in `postmaster.pid`, or in the lock file of its
socket, is any living process of the same user. After an unclean stop in a container that is the
usual case and would last for ever. So the question is answered here, in two ways that do not
depend on pids: every process of our servers holds the lock on `server.lock` (inherited, given up
by the kernel at their end, seen across containers); and a server, whoever started it, has its
data directory as its working directory.
"""

import contextlib
import dataclasses
import fcntl
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from ringback.services.embedded.errors import DirectoryInUseError
from ringback.services.embedded.files import Layout, explained

NAMES = frozenset({"postgres", "postmaster"})
READY, STOPPING = "ready", "stopping"
POLL_S = 0.1
SAY_AFTER_S = 1.0
SAY_EVERY_S = 3.0
ADOPT_AFTER_S = 1.0  # a server whose parent was just killed is ready for one more moment
ORPHANS_WAIT_S = 300.0
QUIT_WAIT_S = 10.0  # after SIGQUIT the server itself kills what does not end within 5 s
PID_FILE_MAX_BYTES = 4096


class Progress:
    """Tells a person why they wait: after a second, then every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = time.monotonic()
        self._next = self._began + SAY_AFTER_S

    @property
    def elapsed_s(self) -> float:
        """How long this has taken so far, in seconds."""
        return time.monotonic() - self._began

    def still(self, what: str) -> None:
        """Say `what` and the time that it has taken, unless something was said just now."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SAY_EVERY_S
            self._say(f"{what} ({self.elapsed_s:.0f} s)")


class ServerMark:
    """A lock that the processes of a server share: free when the last of them is gone.

    `flock` belongs to the open file, so children inherit it; that is wanted here, and is the
    very thing that `DataDirectoryLock` must not do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def claim(self) -> bool:
        """Take the lock if it is free and say whether we hold it. Raises DataDirectoryError."""
        with explained(self._path.parent):
            if self._handle is None:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
                self._handle = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    @property
    def handle(self) -> int:
        """The descriptor that a server must inherit."""
        assert self._handle is not None, "claim() comes first"
        return self._handle

    def let_go(self) -> None:
        """Close our descriptor: what a server has inherited stays locked until it ends."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@dataclasses.dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says: the server's pid and its status (`ready`, `starting` …)."""

    pid: int
    status: str


def read_pid_file(path: Path) -> PidFile | None:
    """Read `postmaster.pid`, None if it is not there or not complete yet."""
    try:
        with path.open("rb") as file:
            lines = file.read(PID_FILE_MAX_BYTES).decode("utf-8", "replace").split("\n")
    except OSError:
        return None
    if not lines[0].strip().lstrip("-").isdigit():
        return None
    return PidFile(abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else "")


def processes_using(cluster: Path) -> list[psutil.Process]:
    """Return PostgreSQL's living processes that work in the directory `cluster`.

    Zombies do not count: they have no working directory any more. Other programs do no harm
    (a shell that somebody left there).
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() in NAMES and _works_in(process, cluster):
                found.append(process)
    return found


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.cwd() == str(cluster)
    except psutil.AccessDenied:
        # Root in a container may lack CAP_SYS_PTRACE and so not see another account's working
        # directory. A server's command line is open to everybody.
        line = process.cmdline()
        return any(
            flag == "-D" and Path(value).resolve() == cluster
            for flag, value in itertools.pairwise(line)
        )


class RunningServer:
    """A server: our child, or one that we found and adopted."""

    def __init__(self, process: psutil.Process, child: subprocess.Popen[bytes] | None) -> None:
        self._process = process
        self._child = child

    @classmethod
    def started(cls, child: subprocess.Popen[bytes]) -> "RunningServer":
        """Wrap our own child, which may have ended already."""
        return cls(psutil.Process(child.pid), child)

    @property
    def pid(self) -> int:
        """The process that heads the server."""
        return self._process.pid

    def alive(self) -> bool:
        """Say whether it still runs (a zombie does not)."""
        if self._child is not None:
            return self._child.poll() is None
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def end(self, timeout_s: float, say: Callable[[str], None]) -> None:
        """Stop it: a fast shutdown, after `timeout_s` seconds an immediate one, then SIGKILL."""
        if self._ended_by(signal.SIGINT, timeout_s):
            return
        say(f"the database has not stopped within {timeout_s:.0f} s: stopping it at once")
        if not self._ended_by(signal.SIGQUIT, QUIT_WAIT_S):
            self._ended_by(signal.SIGKILL, QUIT_WAIT_S)

    def _ended_by(self, number: signal.Signals, timeout_s: float) -> bool:
        if not self.alive():
            return True
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            self._process.send_signal(number)
        end = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return True


def wait_for_previous(
    layout: Layout, mark: ServerMark, say: Callable[[str], None]
) -> RunningServer | None:
    """Wait until the directory is free (None, and `mark` is ours) or return a server to adopt.

    The caller holds the directory's lock, so whatever lives there has lost its `ringback up`.
    One that shuts down or recovers is waited for as long as it lives, anything else for five
    minutes.

    Raises DirectoryInUseError.
    """
    progress = Progress(say)
    ready_since: float | None = None
    orphans_since = time.monotonic()
    while True:
        claimed = mark.claim()
        users = processes_using(layout.cluster)
        if claimed and not users:
            return None
        file = read_pid_file(layout.pid_file)
        server = next((each for each in users if file and each.pid == file.pid), None)
        if server is None or file is None or file.status != READY:
            ready_since = None
        elif ready_since is None:
            ready_since = time.monotonic()
        elif time.monotonic() - ready_since >= ADOPT_AFTER_S:
            mark.let_go()
            say(f"a database server is already running here (process {server.pid}): using it")
            return RunningServer(server, None)
        if server is not None:
            orphans_since = time.monotonic()
        elif time.monotonic() - orphans_since > ORPHANS_WAIT_S:
            raise _in_use(layout, users)
        progress.still(_reason(server, file, users))
        time.sleep(POLL_S)


def _reason(
    server: psutil.Process | None, file: PidFile | None, users: list[psutil.Process]
) -> str:
    if server is None or file is None:
        pids = ", ".join(str(each.pid) for each in users) or "not visible from here"
        return f"waiting for processes of the previous database server to end: {pids}"
    if file.status == STOPPING:
        return f"waiting for the previous database server (process {server.pid}) to shut down"
    return f"the database server (process {server.pid}) is {file.status or 'starting'}"


def _in_use(layout: Layout, users: list[psutil.Process]) -> DirectoryInUseError:
    pids = [each.pid for each in users]
    if pids:
        which = "processes " + ", ".join(map(str, pids))
        fix = "end them (kill " + " ".join(map(str, pids)) + ")"
    else:
        which = "processes that cannot be seen from here (of another container?)"
        fix = "end them where they run"
    return DirectoryInUseError(
        f"{which} of an earlier database server still work in {layout.cluster} after"
        f" {ORPHANS_WAIT_S:.0f} s: {fix}, then start again",
        pids,
    )
