"""A PostgreSQL that can be stopped in the middle of everything and started again."""

import os
import signal
import subprocess

from tests.postgres_server import WHEEL_18, PostgresServer

_STOP_S = 20.0
# What holds a lock that belongs to a worker: a hot connection.
HOT = "select pid from pg_locks where locktype = 'advisory' and classid > 1000000"
CUT = (
    f"select pg_terminate_backend(pid) from pg_stat_activity where pid in ({HOT})"
    " and datname = current_database()"
)


class Database(PostgresServer):
    """A server of the tests' kind with ways to break it."""

    def __init__(self) -> None:
        """Use the wheel's programs, as `ringback up` does."""
        super().__init__(WHEEL_18)

    def crash(self) -> None:
        """Stop the server at once, as a crash does: nothing is flushed, nobody is told."""
        process = self._process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill_backend(self, pid: int) -> None:
        """Kill one session's process, after which the server ends all others and recovers."""
        os.kill(pid, signal.SIGKILL)

    def restart(self) -> None:
        """Start it again; returns when it has recovered and answers."""
        self._launch()
