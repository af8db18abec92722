"""The cases that are about a whole installation: its start, and a quiet day. B15 and B18."""

import base64
import hmac
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench import bodies, processes
from bench.errors import BenchError
from bench.installation import Installation
from bench.latency import publish_requests
from bench.load import Expected, Load
from bench.open_loop import OpenLoop
from bench.processes import MIB
from bench.sinks import discarding
from bench.stage import Stage
from bench.throughput import publishing
from bench.wrk import Wrk

_ARRIVE_S = 30.0
_QUIET_RATE = 100.0
_BUSY_S = 10.0


class _First(BaseHTTPRequestHandler):
    """Keeps what came first, and when."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one delivery."""
        body = self.rfile.read(int(self.headers["content-length"]))
        at = time.monotonic()
        self.send_response(204)
        self.end_headers()
        taken: Any = self.server
        taken.first = taken.first or (at, dict(self.headers), body)
        taken.came.set()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _OneShot(ThreadingHTTPServer):
    """Waits for one delivery."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _First)
        self.first: tuple[float, dict[str, str], bytes] | None = None
        self.came = threading.Event()


def cold_start(stage: Stage) -> dict[str, float]:
    """B15: from the start of the program in an empty directory to a delivery that verifies."""
    installation = Installation(stage.scratch)
    receiver = _OneShot()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        began = time.monotonic()
        installation.launch()
        installation.wait_ready()
        ready = time.monotonic() - began
        installation.read_key()
        url = f"http://127.0.0.1:{receiver.server_port}/first"
        (endpoint,) = installation.add_endpoints([url], [bodies.EVENT_TYPE])
        data = {"type": bodies.EVENT_TYPE, "data": {"id": "first"}}
        installation.api("POST", bodies.PUBLISH_PATH, data)
        if not receiver.came.wait(_ARRIVE_S) or receiver.first is None:
            raise BenchError("The first delivery did not arrive.")
        at, headers, body = receiver.first
        _verify(endpoint.secret, headers, body)
        return {"start": at - began, "ready": ready}
    finally:
        receiver.shutdown()
        receiver.server_close()
        installation.stop()


def _verify(secret: str, headers: dict[str, str], body: bytes) -> None:
    """Check a delivery as its receiver does. Raises BenchError."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, text, "sha256")).decode()
    if not hmac.compare_digest(expected, headers["webhook-signature"]):
        raise BenchError("The signature of the first delivery is wrong.")


def quiet_day(stage: Stage) -> dict[str, float]:
    """B18: what an installation costs that has nothing or little to do, and its memory."""
    size = stage.size
    with (
        stage.installation() as installation,
        discarding(stage.scratch, 1) as sink,
        stage.endpoints(installation, sink),
    ):
        pid = installation.pid
        time.sleep(size.settle_s)
        idle_memory = processes.memory(pid)
        before, began = processes.cpu_exactly(pid), time.monotonic()
        time.sleep(size.idle_s)
        idle = processes.cpu_exactly(pid) - before
        idle_s = time.monotonic() - began
        cost = _quiet_cost(stage, installation)
        busy_memory = _busy_memory(stage, installation)
        Load(stage, installation, sink, Expected(1)).drained()
    return {
        "cpu_quiet": cost, "idle": idle.total / idle_s * 100,
        "idle_product": idle.product / idle_s * 100, "idle_database": idle.database / idle_s * 100,
        "pss_idle": idle_memory.total / MIB, "pss_idle_product": idle_memory.product / MIB,
        "pss_busy": busy_memory.total / MIB, "pss_busy_product": busy_memory.product / MIB,
    }  # fmt: skip


def _quiet_cost(stage: Stage, installation: Installation) -> float:
    """Return the CPU µs of everything for each event at 100 a second, idling included."""
    size = stage.size
    requests = publish_requests(installation)
    OpenLoop(installation.port, requests, _QUIET_RATE, stage.first_number()).run(0, size.warm_s)
    before = processes.cpu_exactly(installation.pid)
    loop = OpenLoop(installation.port, requests, _QUIET_RATE, stage.first_number())
    sent = len(loop.run(0, size.run_s))
    Load(stage, installation, None, Expected(1)).drained()
    return (processes.cpu_exactly(installation.pid) - before).total / sent * 1e6


def _busy_memory(stage: Stage, installation: Installation) -> processes.Used:
    """Return the memory while B1 runs, after some seconds of it."""
    script = publishing(stage, installation)
    wrk = Wrk(installation.url, script, stage.size.connections, stage.scratch)
    try:
        time.sleep(min(_BUSY_S, stage.size.warm_s + stage.size.run_s))
        return processes.memory(installation.pid)
    finally:
        wrk.stop()
