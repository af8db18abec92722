"""The oracle: a process of its own that receives, posts and writes everything down.

`python -m tests.proof.oracle` reads orders from standard input, one JSON object a line, and says
on standard output what it has done. `Oracle` starts it and gives the orders. It ends when its
standard input does. It judges nothing: that is the checker's.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .journal import Journal, Record, read
from .load import Load, Plan
from .race import Race, RacePlan
from .receiver import EndpointScript, Receiver


class Orders(msgspec.Struct, frozen=True):
    """What an oracle is started with; `journal` is the file that it appends to."""

    journal: str
    seed: int
    endpoints: list[EndpointScript]


class _Process:
    """The oracle's inside."""

    def __init__(self, orders: Orders) -> None:
        self._journal = Journal(Path(orders.journal))
        self._receivers = [
            Receiver(script, orders.seed, self._journal.write) for script in orders.endpoints
        ]
        self._load: Load | Race | None = None
        self._posting: asyncio.Task[None] | None = None

    async def run(self, lines: asyncio.StreamReader) -> None:
        for receiver in self._receivers:
            await receiver.start()
        _say({receiver.script.name: receiver.port for receiver in self._receivers})
        while line := await lines.readline():
            order = json.loads(line)
            if "rest" not in order:
                self._load = self._client(order)
                self._posting = asyncio.create_task(self._load.run())
                _say({"loading": True})
            elif self._load is not None and self._posting is not None:
                self._load.stopping = True
                await self._posting
                _say({"loading": False})
        if self._posting is not None:
            self._posting.cancel()

    def _client(self, order: dict[str, Any]) -> Load | Race:
        if "race" in order:
            return Race(msgspec.convert(order["race"], RacePlan), self._journal.write)
        return Load(msgspec.convert(order["load"], Plan), self._journal.write)


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def _main() -> None:
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    await _Process(orders).run(lines)


class Oracle:
    """A running oracle; `ports` says where each endpoint listens."""

    def __init__(self, journal: Path, seed: int, endpoints: list[EndpointScript]) -> None:
        """Take what it is to do; `start` starts it."""
        self.journal = journal
        self.seed = seed
        self.endpoints = endpoints
        self.ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it listens."""
        orders = Orders(str(self.journal), self.seed, self.endpoints)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.oracle", msgspec.json.encode(orders).decode()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.ports = self._heard()

    def stop(self) -> None:
        """End it, by ending its input."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def load(self, plan: Plan | RacePlan) -> None:
        """Begin to post."""
        kind = "race" if isinstance(plan, RacePlan) else "load"
        self._order({kind: msgspec.to_builtins(plan)})

    async def rest(self) -> None:
        """Stop posting; returns when nothing more is under way."""
        await asyncio.to_thread(self._order, {"rest": True})

    def records(self) -> list[Record]:
        """Read everything that it has written down so far."""
        return read(self.journal)

    async def until(
        self, condition: Callable[[list[Record]], bool], seconds: float, every: float = 0.2
    ) -> None:
        """Wait until what is written down fulfils a condition; fails after `seconds`."""
        async with asyncio.timeout(seconds):
            while not condition(self.records()):
                await asyncio.sleep(every)

    def _order(self, order: dict[str, Any]) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        self._heard()

    def _heard(self) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the oracle has ended"
        words: dict[str, Any] = json.loads(line)
        return words


if __name__ == "__main__":
    asyncio.run(_main())
