"""`ringback`, with its statements counted or its Python profiled. Started by the bench only.

    python -m bench.instrumented up …

BENCH_COUNTS names a directory into which every process writes, several times a second, how often
it has sent which statement. BENCH_PROFILE names one into which a worker writes a profile: SIGUSR1
begins it, the next SIGUSR1 ends and writes it. Neither is ever on while something is timed.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import asyncpg

from ringback import worker
from ringback.cli.main import main
from ringback.services import crew

COUNTS = "BENCH_COUNTS"
PROFILE = "BENCH_PROFILE"
EVERY_S = 0.2
SAMPLE_S = 0.002
_TEXT_MAX = 200
_STACKS_MAX = 100_000


class _Counts:
    """Counts the statements of one process. Bounded: each text of ours is one of a few dozen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counted: Counter[str] = Counter()
        self._pid = 0

    def note(self, record: Any) -> None:
        """Count a statement that the driver has sent."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._counted.clear()
            threading.Thread(target=self._write, daemon=True).start()
        self._counted[" ".join(str(record.query).split())[:_TEXT_MAX]] += 1

    def _write(self) -> None:
        path = self._folder / f"{os.getpid()}.json"
        while True:
            draft = path.with_suffix(".tmp")
            draft.write_text(json.dumps(dict(self._counted)), encoding="utf-8")
            draft.replace(path)
            time.sleep(EVERY_S)


def count_statements(folder: Path) -> None:
    """Have the driver tell us of every statement, on every connection that is opened from now."""
    counts = _Counts(folder)
    connect, create_pool = asyncpg.connect, asyncpg.create_pool

    async def counted(*arguments: Any, **options: Any) -> Any:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(counts.note)
        return connection

    async def noted(connection: Any) -> None:
        connection.add_query_logger(counts.note)

    def counted_pool(*arguments: Any, **options: Any) -> Any:
        return create_pool(*arguments, **{**options, "init": noted})

    asyncpg.connect = counted
    asyncpg.create_pool = counted_pool


class _Profile:
    """Samples the event loop's thread by the processor time that the process uses.

    What is inside a C function is seen when it returns to Python, so that shares of functions
    with everything below them are exact, and those of single lines are not.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stacks: Counter[tuple[str, ...]] = Counter()
        self._on = False

    def install(self) -> None:
        """Listen for the signals, in a process that has just been made."""
        signal.signal(signal.SIGUSR1, self._toggle)
        signal.signal(signal.SIGPROF, self._sample)

    def _toggle(self, *_: object) -> None:
        self._on = not self._on
        every = SAMPLE_S if self._on else 0.0
        signal.setitimer(signal.ITIMER_PROF, every, every)
        if not self._on:
            told = [[list(stack), count] for stack, count in self._stacks.items()]
            draft = self._folder / f"{os.getpid()}.tmp"
            draft.write_text(json.dumps(told), encoding="utf-8")
            draft.replace(draft.with_suffix(".stacks"))

    def _sample(self, _: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None:
            code = frame.f_code
            file = "/".join(code.co_filename.split("/")[-2:])
            stack.append(f"{file}:{code.co_qualname}")
            frame = frame.f_back
        if len(self._stacks) < _STACKS_MAX:
            self._stacks[tuple(reversed(stack))] += 1


def instrument() -> None:
    """Do what the environment asks for."""
    if folder := os.environ.get(COUNTS):
        count_statements(Path(folder))
    if folder := os.environ.get(PROFILE):
        _Profile(Path(folder)).install()


if __name__ == "__main__":
    if sys.argv[1].isdigit():  # a worker: the supervisor gives it the number of a socket
        instrument()
        sys.exit(worker.main())
    crew.MODULE = "bench.instrumented"
    main()
