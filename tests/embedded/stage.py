"""What the tests of the embedded server share: a holder process, queries, real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil

SOURCES = Path(__file__).parents[2] / "src"
PATIENCE_S = 30.0


def query(dsn: str, statement: str) -> object:
    """Return the one value that `statement` yields on a connection of its own."""

    async def ask() -> object:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            value: object = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    return asyncio.run(ask())


def until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
    """Wait for `condition`; say whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class Said(list[str]):
    """Lines that were said; each may be the cue for something to happen."""

    def __init__(self) -> None:
        super().__init__()
        self._cues: list[tuple[str, Callable[[], object]]] = []

    def cue(self, words: str, then: Callable[[], object]) -> None:
        """Let something happen, once, when a line with these words is said."""
        self._cues.append((words, then))

    def append(self, line: str) -> None:
        """Keep a line."""
        super().append(line)
        for cue in [cue for cue in self._cues if cue[0] in line]:
            self._cues.remove(cue)
            cue[1]()


class Holder:
    """A process that holds an embedded server; see `holder`."""

    def __init__(
        self,
        *arguments: str,
        before: tuple[str, ...] = (),
        paths: tuple[Path, ...] = (),
        **variables: str,
    ) -> None:
        search = [*map(str, paths), str(SOURCES), *filter(None, sys.path)]
        environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(search)}
        self.process = subprocess.Popen(
            [*before, sys.executable, str(Path(__file__).with_name("holder.py")), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.said: list[str] = []

    def outcome(self) -> dict[str, Any]:
        """Wait for the line that tells how the start went; keep what was said before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            if "say" not in told:
                return told
            self.said.append(told["say"])
        return {}

    def dsn(self) -> str:
        """Wait for the start and return the DSN."""
        told = self.outcome()
        assert "dsn" in told, told
        return str(told["dsn"])

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Let it stop its server and end, if it still runs."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()


def server_pid(data: Path) -> int:
    """Return the pid that the server of a data directory wrote down."""
    return int((data / "pg18" / "postmaster.pid").read_text().split("\n", 1)[0])


def server_processes(data: Path) -> list[psutil.Process]:
    """Return the living processes of a data directory's server, found by its directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(data / "pg18"):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_all(data: Path) -> None:
    """Kill every process of a data directory's server, and wait until none is left."""
    for process in server_processes(data):
        os.kill(process.pid, signal.SIGKILL)
    assert until(lambda: not server_processes(data))
