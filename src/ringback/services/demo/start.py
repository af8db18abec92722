"""The demo as the supervisor sees it: a socket for its receivers, and a process that plays.

It is started when the server answers. It stops telling before the server stops, and answering after
it; when it fails, the server goes on.
"""

import subprocess
import sys

import msgspec

from ringback.services.demo.install import Script

MODULE = "ringback.services.demo"
STOP_S = 2.0


class Played(msgspec.Struct, frozen=True):
    """What is to be played, and when the newest message came (milliseconds since 1970)."""

    script: Script
    newest_ms: int = 0


class Playing:
    """The process that plays."""

    def __init__(self, fd: int) -> None:
        """Take the number of the listening socket of its receivers."""
        self._fd = fd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, played: Played) -> None:
        """Start it. What it is to play goes over its standard input, where nobody else looks."""
        # A group of its own: Ctrl-C in a terminal is the supervisor's to hear.
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(self._fd)], pass_fds=(self._fd,), process_group=0,
            stdin=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(msgspec.json.encode(played))

    def stop(self) -> None:
        """Let nothing new happen; receivers still answer. Safe where a signal is handled."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def ended(self) -> None:
        """Wait for its end, at most two seconds; then end it."""
        if self._process is None:
            return
        self.stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
