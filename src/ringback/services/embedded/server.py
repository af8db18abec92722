"""The embedded database server: PostgreSQL from a wheel, as our own child, in one directory.

`ringback up` starts it when no RINGBACK_DATABASE_URL is set. It listens on a Unix socket only,
asks for a generated password, ends when we do (also by SIGKILL, on Linux), and starts again
after any unclean stop. Not here: migrations, backups, upgrades, and everything asynchronous;
all of this runs before the first event loop.
"""

import os
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from ringback.services.embedded.account import ACCOUNT_HOME, server_account
from ringback.services.embedded.cluster import (
    DATABASE,
    ROLE,
    create_cluster,
    log_tail,
    replace_lost_password,
    require_version,
    trim_log,
)
from ringback.services.embedded.errors import (
    DataDirectoryError,
    DirectoryInUseError,
    DirectoryLockedError,
    EmbeddedServerError,
    InitdbError,
    LoginRefusedError,
    ProgramsMissingError,
    ServerLostError,
    SocketPathError,
    WrongVersionError,
)
from ringback.services.embedded.files import (
    PORT,
    Layout,
    explained,
    prepare_data_directory,
    read_password,
    require_usable_socket_path,
    write_private,
)
from ringback.services.embedded.living import (
    READY,
    Progress,
    RunningServer,
    ServerMark,
    read_pid_file,
    wait_for_previous,
)
from ringback.services.embedded.lock import DataDirectoryLock
from ringback.services.embedded.programs import Programs, programs_for, remove_old_programs
from ringback.services.embedded.settings import memory_bytes, settings_text

__all__ = [
    "DataDirectoryError",
    "DataDirectoryLock",
    "DirectoryInUseError",
    "DirectoryLockedError",
    "EmbeddedServer",
    "EmbeddedServerError",
    "InitdbError",
    "LoginRefusedError",
    "ProgramsMissingError",
    "ServerLostError",
    "SocketPathError",
    "WrongVersionError",
    "default_data_dir",
    "embedded_dsn",
]

NO_ANSWER_MAX_S = 30.0  # of a server that says it is ready
GIVE_UP_STOP_S = 10.0
READY_POLL_S = 0.02


def default_data_dir() -> Path:
    """Return where the data goes unless RINGBACK_DATA_DIR says otherwise (the caller's part).

    Raises DataDirectoryError if the user has no home directory.
    """
    if os.geteuid() == 0:
        return Path(ACCOUNT_HOME)
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    if shared.is_absolute():  # the standard says to ignore a relative one
        return shared / "ringback"
    try:
        return Path.home() / ".local" / "share" / "ringback"
    except RuntimeError as error:
        raise DataDirectoryError(
            "this user has no home directory: say where the data goes with RINGBACK_DATA_DIR"
        ) from error


class EmbeddedServer:
    """A PostgreSQL server of our own in `data_dir`; `say` gets a line when something takes long.

    Call it from the main thread: on Linux the server is ended when the thread that started it
    ends.
    """

    def __init__(self, data_dir: Path, say: Callable[[str], None]) -> None:
        self._layout = Layout(data_dir.expanduser().resolve())
        self._say = say
        self._lock = DataDirectoryLock(self._layout.lock)
        self._mark = ServerMark(self._layout.mark)
        self._server: RunningServer | None = None

    @property
    def data_dir(self) -> Path:
        """The data directory, absolute."""
        return self._layout.root

    def start(self) -> str:
        """Start the server, or adopt one that lost its parent, and return the database's DSN.

        Creates everything that is missing. Returns when the database answers, however long it
        recovers. Holds the directory's lock until `stop`. May be called again after the server
        was lost; does nothing while it runs.

        Raises EmbeddedServerError, one kind per cause.
        """
        assert threading.current_thread() is threading.main_thread()
        if self.alive():
            return self._dsn()
        layout = self._layout
        require_usable_socket_path(layout)
        account = server_account(layout.cluster)
        prepare_data_directory(layout.root, account)
        self._lock.acquire()
        try:
            require_version(layout)
            previous = wait_for_previous(layout, self._mark, self._say)
            programs = programs_for(layout.root, account)
            self._server = previous or self._launch(programs)
            self._mark.let_go()
            return self._wait_until_ready(programs)
        except BaseException:
            self.stop(GIVE_UP_STOP_S)
            raise

    def alive(self) -> bool:
        """Say whether the server's process runs."""
        return self._server is not None and self._server.alive()

    def lost(self) -> ServerLostError:
        """Return the error to raise when `alive` says no though nobody called `stop`."""
        return ServerLostError(
            f"the database server has ended; its log is in {self._layout.log}. Start Ringback"
            " again: what was acknowledged is on the disk. It said last:",
            log_tail(self._layout),
        )

    def trim_log(self) -> int:
        """Delete all but the ten newest log files; call it about once a minute."""
        return trim_log(self._layout.log)

    def stop(self, timeout_s: float) -> None:
        """Stop the server and give the lock back. May be called again, or without a start.

        A fast shutdown gets `timeout_s` seconds; then it is stopped at once, and the next start
        recovers.
        """
        try:
            if self._server is not None:
                self._server.end(timeout_s, self._say)
                self._server = None
        finally:
            self._mark.let_go()
            self._lock.release()

    def _launch(self, programs: Programs) -> RunningServer:
        layout = self._layout
        if not layout.cluster.exists():
            self._say(f"creating the database in {layout.root}")
        with explained(layout.root):
            # Nothing lives here, so what these two say is about the past.
            layout.pid_file.unlink(missing_ok=True)
            layout.socket_lock.unlink(missing_ok=True)
            remove_old_programs(layout.root, programs)
            trim_log(layout.log)
            text = settings_text(memory_bytes())
            write_private(layout.settings, text, mode=0o644, account=None)
        create_cluster(layout, programs)
        if replace_lost_password(layout, programs):
            self._say(f"{layout.password} was missing: the database has a new password")
        return RunningServer.started(self._spawn(programs))

    def _spawn(self, programs: Programs) -> subprocess.Popen[bytes]:
        layout = self._layout
        arguments = ["-D", str(layout.cluster), "-k", str(layout.run), "-h", ""]
        arguments += ["-p", str(PORT), "-c", "unix_socket_permissions=0700"]
        with explained(layout.root):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            handle = os.open(layout.log / "start.log", flags, 0o600)
        with os.fdopen(handle, "wb") as output:
            return programs.start("postgres", arguments, output=output, mark=self._mark.handle)

    def _wait_until_ready(self, programs: Programs) -> str:
        server = self._server
        assert server is not None
        progress = Progress(self._say)
        answering_since = time.monotonic()
        while server.alive():
            file = read_pid_file(self._layout.pid_file)
            if file is None or file.pid != server.pid or file.status != READY:
                answering_since = time.monotonic()
                progress.still("the database is starting, or recovering from an unclean stop")
            elif (problem := self._log_in(programs)) == "":
                return self._dsn()
            elif "the database system is" in problem:  # starting up, shutting down, recovering
                answering_since = time.monotonic()
            elif time.monotonic() - answering_since > NO_ANSWER_MAX_S:
                raise DirectoryInUseError(
                    f"the database server (process {server.pid}) does not answer at"
                    f" {self._layout.run}: end it (kill -INT {server.pid}) and start again."
                    f" {problem}",
                    [server.pid],
                )
            time.sleep(READY_POLL_S)
        raise ServerLostError(
            f"the database server did not start. Its log is in {self._layout.log} and ends with:",
            log_tail(self._layout),
        )

    def _log_in(self, programs: Programs) -> str:
        """Connect, and create the database if it is not there; "" or what was answered."""
        problem = self._query(programs, DATABASE, "select 1")
        if f'database "{DATABASE}" does not exist' in problem:
            self._query(programs, "postgres", f"create database {DATABASE}")
            problem = self._query(programs, DATABASE, "select 1")
        if "password authentication failed" in problem:
            raise LoginRefusedError(
                f"the database does not take the password in {self._layout.password}: put the"
                " right one back, or delete the file and start again, and a new one is set"
            )
        return problem

    def _query(self, programs: Programs, database: str, statement: str) -> str:
        options = f"-X -w -q -A -t -p {PORT} -U {ROLE} -d {database}".split()
        options += ["-h", str(self._layout.run), "-c", statement]
        done = programs.run("psql", options, password=self._password())
        return "" if done.code == 0 else done.output or f"psql ended with {done.code}"

    def _password(self) -> str:
        with explained(self._layout.root):
            return read_password(self._layout.password) or "none"

    def _dsn(self) -> str:
        return _address(self._layout, self._password())


def _address(layout: Layout, password: str) -> str:
    secret = urllib.parse.quote(password, safe="")
    host = urllib.parse.quote(str(layout.run), safe="/")
    # The port is named because a driver would otherwise take it from PGPORT.
    return f"postgresql://{ROLE}:{secret}@/{DATABASE}?host={host}&port={PORT}"


def embedded_dsn(data_dir: Path) -> str | None:
    """Return the DSN of the embedded database in a directory; None when it has no password there.

    Nothing is started, and nobody is asked. Raises DataDirectoryError when the file is closed to
    us.
    """
    layout = Layout(data_dir)
    with explained(layout.root):
        password = read_password(layout.password)
    return _address(layout, password) if password else None
