"""A real `python -m ringback up` in a directory of its own, with an empty database."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from bench import processes
from bench.children import started
from bench.errors import BenchError
from bench.ledger import Ledger

ROOT = Path(__file__).parents[1]
START_S = 60.0
STOP_S = 20.0
_POLL_S = 0.01
# Calls of the API at once, where many are made.
_AT_ONCE = 8
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as the API showed it when it was made."""

    id: str
    url: str
    secret: str


def free_ports(count: int) -> list[int]:
    """Return different ports of loopback on which nobody listens."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Installation:
    """One installation in test mode, so that receivers may be on loopback.

    The demo's own endpoint is deleted: nothing is delivered but to the benchmark's receivers.
    `module` is what is started in place of `ringback`, `extra` adds to its environment.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        workers: int = 1,
        module: str = "ringback",
        extra: dict[str, str] | None = None,
    ) -> None:
        """Prepare a directory below `scratch`; nothing is started yet."""
        # Short and open, because the path of a socket is bounded and root's server is not root.
        self.home = Path(tempfile.mkdtemp(prefix="rb-", dir=scratch))
        self.home.chmod(0o755)
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = workers
        self._command = [
            sys.executable, "-m", module, "up", "--demo=bare", "--workers", str(workers),
        ]  # fmt: skip
        self._extra = extra or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._ledger: Ledger | None = None
        self.api_key = ""
        self.dsn = ""
        self.demo: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def ledger(self) -> Ledger:
        """The database, to count in."""
        assert self._ledger is not None
        return self._ledger

    @property
    def server_pids(self) -> list[int]:
        """The process ids of the workers."""
        found = processes.tree(self.pid)
        return [one.pid for one in found if one.pid != self.pid and not one.is_database]

    def __enter__(self) -> Self:
        """Start it and wait until it serves. Raises BenchError."""
        try:
            self.launch()
            self.wait_ready()
            self.prepare()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and delete what it stored."""
        self.stop()

    def launch(self) -> None:
        """Start the program and return at once."""
        environment = {
            "HOME": str(self.home),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "RINGBACK_DATA_DIR": str(self.home / "data"),
            "RINGBACK_PORT": str(self.port),
            # One key publishes as fast as it can.
            "RINGBACK_RATE_LIMIT": "0",
            **self._extra,
        }
        with (self.home / "said").open("wb") as said:
            self._process = started(self._command, cwd=ROOT, env=environment, said=said)

    def wait_ready(self) -> None:
        """Wait until it answers that it is ready. Raises BenchError."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                self._require_life(deadline)
                time.sleep(_POLL_S)

    def prepare(self) -> None:
        """Find the key and the database, wait for every worker, delete the demo's endpoint."""
        self.read_key()
        demo = (self._config() / "demo.env").read_text(encoding="utf-8")
        assigned = (word.partition("=") for word in shlex.split(demo) if word != "export")
        self.demo = {name: value for name, _, value in assigned}
        data = self.home / "data"
        password = quote((data / "password").read_text(encoding="ascii").strip(), safe="")
        self.dsn = f"postgresql://ringback:{password}@/ringback?host={data / 'run'}"
        self._ledger = Ledger(self.dsn)
        deadline = time.monotonic() + START_S
        while self._ledger.living_workers() < self.workers:
            self._require_life(deadline)
            time.sleep(_POLL_S)
        for endpoint in self.api("GET", "/v1/endpoints")["data"]:
            self.api("DELETE", f"/v1/endpoints/{endpoint['id']}")

    def read_key(self) -> None:
        """Read the API key that the first start has made."""
        text = (self._config() / "config.toml").read_text(encoding="utf-8")
        self.api_key = tomllib.loads(text)["profiles"]["default"]["api_key"]

    def _config(self) -> Path:
        return self.home / ".config" / "ringback"

    def _require_life(self, deadline: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"The installation did not start:\n{self.said()[-2000:]}")

    def said(self) -> str:
        """Return what it has printed so far."""
        return (self.home / "said").read_text(encoding="utf-8", errors="replace")

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Call the REST API. Raises BenchError with what it answered."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "authorization": f"Bearer {self.api_key}",
                "content-type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise BenchError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def add_endpoints(self, urls: Iterable[str], event_types: list[str]) -> list[Endpoint]:
        """Add an endpoint for each URL; every worker sends to them when this returns."""

        def add(url: str) -> Endpoint:
            asked = {"url": url, "event_types": event_types}
            made = self.api("POST", "/v1/endpoints", asked)
            return Endpoint(made["id"], made["url"], made["secret"])

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(threads.map(add, urls))

    def delete_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        """Delete endpoints; what they were still owed is cancelled."""

        def delete(endpoint: Endpoint) -> None:
            self.api("DELETE", f"/v1/endpoints/{endpoint.id}")

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(delete, endpoints))

    def stop(self) -> None:
        """Stop it, in a hurry if it takes too long, and delete its directory."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                for one in reversed(processes.tree(process.pid)):
                    # It may end by itself meanwhile.
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one.pid, signal.SIGKILL)
                process.wait(STOP_S)
        shutil.rmtree(self.home, ignore_errors=True)
