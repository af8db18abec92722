"""`ringback listen`: a real server, a real command, a real local program, and cuts in between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from tests.cli.conftest import Run
from tests.client.test_local import Program, program
from tests.proof.proxy import Proxy
from tests.server import KEY, Served

SOURCES = Path(__file__).parents[2] / "src"
PATIENCE_S = 30.0


class Listening:
    """One run of the command: what it prints so far, and a way to interrupt it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take the process; its output is read from the start."""
        self.process = process
        self.lines: list[str] = []
        self.said: list[str] = []
        self._readers = [
            threading.Thread(target=_collect, args=(stream, into), daemon=True)
            for stream, into in ((process.stdout, self.lines), (process.stderr, self.said))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def talk(self) -> str:
        """What it said on standard error."""
        return "".join(self.said)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C, wait for the end, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(5)
        return code


def _collect(stream: Any, into: list[str]) -> None:
    with stream:
        into.extend(stream)  # line by line, as they come


def until(done: Callable[[], Any], say: Callable[[], object] = lambda: "") -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := done()):
        assert time.monotonic() < deadline, say()
        time.sleep(0.02)
    return found


@contextmanager
def listening(url: str, home: Path, *arguments: str) -> Iterator[Listening]:
    """Run the command while the block runs; it is up when it has said where it forwards to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ringback", "listen", *arguments],
        env={
            "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "HOME": str(home),
            "RINGBACK_URL": url, "RINGBACK_API_KEY": KEY, "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    run = Listening(process)
    try:
        until(lambda: " → " in run.talk or process.poll() is not None, lambda: run.talk)
        yield run
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def publish(served: Served, subject: str, *numbers: int) -> list[str]:
    """Publish events about a subject, and return their ids."""
    events = [
        {"type": "listen.happened", "subject": subject, "data": {"number": number}}
        for number in numbers
    ]
    return [event["id"] for event in served.api("POST", "/v1/events", events)["data"]]


def numbers(local: Program) -> list[int]:
    """Return the numbers of the events that a local program got, in their order."""
    return [json.loads(body)["data"]["number"] for _, body, _ in list(local.got)]


@pytest.fixture
def name() -> str:
    """A session of its own for each test."""
    return f"laptop-{uuid.uuid4().hex[:8]}"


def test_events_are_forwarded_and_answers_become_attempts(
    served: Served, home: Path, name: str, ringback: Run
) -> None:
    """In order, signed with the session's secret; attempts, a failure and a replay are seen."""
    arguments = ("--endpoint", name, "-e", "listen.*", "--path", "/hooks")
    with program() as local, listening(served.url, home, str(local.port), *arguments) as run:
        ids = publish(served, name, *range(5))
        until(lambda: 5 == len(local.got), lambda: run.talk)
        assert list(range(5)) == numbers(local)
        secret = ringback("listen", "--print-secret", "--endpoint", name).out.strip()
        for headers, body, path in local.got:
            assert "/hooks" == path
            standardwebhooks.Webhook(secret).verify(body, headers)
        attempts = until(lambda: _attempts(served, name, 5))
        assert {(200, "delivered")} == {(one["status"], one["final"]) for one in attempts}
        assert set(ids) == {one["event"] for one in attempts}
        local.status = 500
        (failed,) = publish(served, name, 5)
        until(lambda: _attempts(served, name, 6))
        local.status = 200
        endpoint = served.api("GET", f"/v1/endpoints/{name}")["id"]
        owed = ("--endpoint", endpoint, "--status", "exhausted")
        ringback(
            "deliveries", "replay", "-", text=ringback("deliveries", "list", *owed, "-o", "id").out
        )
        until(lambda: 7 == len(local.got), lambda: run.talk)
        assert failed == local.got[6][0]["webhook-id"]
        assert 0 == run.interrupt()
    assert 7 == len(run.lines), run.lines
    assert f"listen.happened               {ids[0]}  200  " in run.lines[0]
    assert f"{failed}  500" in run.lines[5]
    assert "Forwarded: 6 taken, 1 failed." in run.talk
    again = f"ringback listen http://127.0.0.1:{local.port}/hooks --endpoint {name}"
    assert f"Go on with: {again}" in run.talk
    assert "--status exhausted -o id | ringback deliveries replay -" in run.talk


def _attempts(served: Served, name: str, count: int) -> list[Any]:
    endpoint = served.api("GET", f"/v1/endpoints/{name}")["id"]
    found: list[Any] = served.api("GET", f"/v1/attempts?endpoint={endpoint}&limit=50")["data"]
    return found if len(found) >= count else []


def test_what_came_meanwhile_comes_at_the_next_run(served: Served, home: Path, name: str) -> None:
    """Nothing is missed between two runs, nothing repeated; a closed port is a failed attempt."""
    with program() as local:
        port = local.port
        with listening(served.url, home, str(port), "--endpoint", name, "-o", "jsonl") as run:
            publish(served, name, 0, 1)
            until(lambda: 2 == len(local.got), lambda: run.talk)
            assert 0 == run.interrupt()
        assert ["listen.happened"] * 2 == [json.loads(line)["type"] for line in run.lines]
        publish(served, name, 2, 3)
        with listening(served.url, home, str(port), "--endpoint", name, "-o", "quiet") as run:
            until(lambda: 4 == len(local.got), lambda: run.talk)
            assert 0 == run.interrupt(signal.SIGTERM)
            assert "Go on with: " in run.talk
        assert [] == run.lines
        assert [0, 1, 2, 3] == numbers(local)
    with listening(served.url, home, str(port), "--endpoint", name) as run:
        publish(served, name, 4)
        until(lambda: run.lines, lambda: run.talk)
        assert "connect  " in run.lines[0]
        assert f"nobody listens at http://127.0.0.1:{port}/" in run.lines[0]
        newest = until(lambda: _attempts(served, name, 5))[0]
        assert ("connect", "exhausted") == (newest["error"], newest["final"])


async def test_a_cut_connection_misses_nothing(served: Served, home: Path, name: str) -> None:
    """Cut, refused for a while, asleep: it comes again, and every event comes once."""
    proxy = Proxy(int(served.url.rpartition(":")[2]), lambda _: None)
    await proxy.start()
    try:
        with program() as local:
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(_cut_in_between, served, proxy, local, home, name, loop)
    finally:
        await proxy.stop()


def _cut_in_between(
    served: Served,
    proxy: Proxy,
    local: Program,
    home: Path,
    name: str,
    loop: asyncio.AbstractEventLoop,
) -> None:
    url = f"http://127.0.0.1:{proxy.port}"
    with listening(url, home, str(local.port), "--endpoint", name) as run:
        publish(served, name, 0)
        until(lambda: local.got, lambda: run.talk)
        proxy.refusing = True
        loop.call_soon_threadsafe(proxy.drop)
        publish(served, name, *range(1, 20))
        until(lambda: "nothing is missed" in run.talk, lambda: run.talk)
        proxy.refusing = False
        until(lambda: 20 <= len(local.got), lambda: run.talk)
        # A laptop that falls asleep, and wakes up to a connection that has gone.
        run.process.send_signal(signal.SIGSTOP)
        loop.call_soon_threadsafe(proxy.drop)
        publish(served, name, *range(20, 30))
        run.process.send_signal(signal.SIGCONT)
        until(lambda: 30 <= len(local.got), lambda: run.talk)
        assert list(range(30)) == numbers(local)
        assert 30 == len(until(lambda: _attempts(served, name, 30)))
        assert 0 == run.interrupt()


def test_what_cannot_be_is_said(served: Served, ringback: Run) -> None:
    """Outside of the network, a name that has a URL, a key that may not."""
    assert "--allow-external" in ringback("listen", "https://8.8.8.8/x", code=1).err
    uid = f"url-{uuid.uuid4().hex[:8]}"
    served.api(
        "POST", "/v1/endpoints", {"url": "http://127.0.0.1:9000/", "event_types": ["*"], "uid": uid}
    )
    said = ringback("listen", "3000", "--endpoint", uid, code=5).err
    assert "has a URL of its own" in said
    ringback("listen", "3000", RINGBACK_API_KEY="rk_test_wrong", code=3)
