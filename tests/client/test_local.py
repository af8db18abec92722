"""Forwarding to a local program: where to, what is sent, what is told of the answer, in order."""

import datetime as dt
import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import standardwebhooks
import trustme

from ringback.client import local
from ringback.client.lanes import Lanes
from ringback.client.local import Forwarder, NoTarget
from ringback.domain.signing import secret_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = secret_key(SECRET) or b""
# As a laptop has it that slept since: the signature is too old to be any good.
STREAMED = (
    ("content-type", "application/json"), ("webhook-id", "evt_1"), ("webhook-timestamp", "1"),
    ("webhook-signature", "v1,old"), ("x-own", "own"),
)  # fmt: skip


class Program(http.server.ThreadingHTTPServer):
    """A local program under development: it keeps what it gets and answers as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes, str]] = []
        self.status = 200
        self.answer = b"fine"
        self.delay_s = 0.0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client has gone."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Program

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((headers, body, self.path))
        time.sleep(self.server.delay_s)
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.answer)))
        self.send_header("x-own", "1")
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def program(context: ssl.SSLContext | None = None) -> Iterator[Program]:
    """Run a local program while the block runs."""
    server = Program()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def forwarder(url: str, *, insecure: bool = False) -> Iterator[Forwarder]:
    """Lend a forwarder."""
    made = Forwarder(url, KEY, insecure=insecure)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("text", "path", "url"),
    [
        ("3000", None, "http://127.0.0.1:3000/"),
        ("3000", "/hooks", "http://127.0.0.1:3000/hooks"),
        ("3000", "hooks", "http://127.0.0.1:3000/hooks"),
        ("localhost:3000/x?y=1", None, "http://localhost:3000/x?y=1"),
        ("https://192.168.1.7/x", "/y", "https://192.168.1.7/y"),
        ("http://[::1]:8000", None, "http://[::1]:8000/"),
    ],
)
def test_where_to(text: str, path: str | None, url: str) -> None:
    """A port, a host, a URL; a path in place of its own."""
    assert url == local.target(text, path)


@pytest.mark.parametrize(
    "text", ["0", "70000", "ftp://localhost/", "http://", "http://me@localhost/", "localhost:x"]
)
def test_what_is_nowhere(text: str) -> None:
    """What cannot be forwarded to is refused with what to write."""
    with pytest.raises(NoTarget):
        local.target(text)


@pytest.mark.parametrize(
    "text", ["https://8.8.8.8/x", "http://169.254.169.254/", "http://[2a00:1450::1]/"]
)
def test_outside_is_refused_unless_it_is_wanted(text: str) -> None:
    """Public addresses and a cloud's metadata are not this machine's network."""
    with pytest.raises(NoTarget, match="--allow-external"):
        local.target(text)
    assert text == local.target(text, external=True)


def test_a_usual_port_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one that somebody listens on; without any, the message says what to write."""
    with program() as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(local, "USUAL_PORTS", (closed.getsockname()[1], server.port))
        assert f"http://127.0.0.1:{server.port}/x" == local.target(None, "/x")
        monkeypatch.setattr(local, "USUAL_PORTS", (closed.getsockname()[1],))
        with pytest.raises(NoTarget, match="ringback listen 3000"):
            local.target(None)


def test_what_is_sent_verifies_and_the_answer_is_told() -> None:
    """Signed as a delivery is, by the vendors' own verifier; status, headers and body come back."""
    body = json.dumps({"type": "message.delivered"}).encode()
    with program() as server, forwarder(f"http://127.0.0.1:{server.port}/hooks") as to:
        server.status, server.answer = 503, b"x" * (local.BODY_MAX + 5)
        answer = to.send("evt_1", STREAMED, body)
        ((headers, came, path),) = server.got
    standardwebhooks.Webhook(SECRET).verify(came, headers)
    assert (body, "/hooks", "evt_1", "own") == (
        came, path, headers["webhook-id"], headers["x-own"],
    )  # fmt: skip
    assert (503, None, True) == (answer.status, answer.error, answer.truncated)
    assert local.BODY_MAX == len(answer.body)
    assert f"http://127.0.0.1:{server.port}/hooks" == answer.url
    assert ("x-own", "1") in answer.headers
    assert answer.ms > 0


def test_no_answer_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port, a program that hangs, one that hangs up: a word each, and nothing raised."""
    with program() as server:
        port = server.port
        monkeypatch.setattr(local, "TIMEOUT_S", 0.2)
        server.delay_s = 0.6
        with forwarder(f"http://127.0.0.1:{port}/") as to:
            assert "timeout" == to.send("evt_1", STREAMED, b"{}").error
    with forwarder(f"http://127.0.0.1:{port}/") as to:
        answer = to.send("evt_1", STREAMED, b"{}")
    assert ("connect", None) == (answer.error, answer.status)
    assert "nobody listens" in answer.detail
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_hang_up, args=(listening,), daemon=True).start()
        with forwarder(f"http://127.0.0.1:{listening.getsockname()[1]}/") as to:
            assert "reset" == to.send("evt_1", STREAMED, b"{}").error


def _hang_up(listening: socket.socket) -> None:
    listening.accept()[0].close()


def test_a_certificate_of_ones_own() -> None:
    """Refused, and taken with `insecure`."""
    now = dt.datetime.now(dt.UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", not_after=now + dt.timedelta(days=1)).configure_cert(
        context
    )
    with program(context) as server:
        url = f"https://localhost:{server.port}/"
        with forwarder(url) as to:
            answer = to.send("evt_1", STREAMED, b"{}")
            assert "tls" == answer.error
            assert "--insecure" in answer.detail
        with forwarder(url, insecure=True) as to:
            assert 200 == to.send("evt_1", STREAMED, b"{}").status


def test_lanes_are_in_order_and_do_not_wait_for_each_other() -> None:
    """Jobs of one lane one after the other, other lanes meanwhile; no more than there is room."""
    done: list[tuple[str, int]] = []
    go = threading.Event()
    under_way = threading.Semaphore(0)

    def work(job: tuple[str, int]) -> None:
        if job[0] == "slow":
            under_way.release()
            go.wait(5)
        done.append(job)
        if job == ("fast", 9):
            go.set()

    lanes: Lanes[tuple[str, int]] = Lanes(work, threads=4, held=20)
    for number in range(3):
        lanes.put("slow", ("slow", number))
    assert under_way.acquire(timeout=5)
    for number in range(10):
        lanes.put("fast", ("fast", number))
    assert go.wait(5)
    deadline = time.monotonic() + 5
    while len(done) < 13 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 0 == lanes.close(5)
    for lane, count in (("slow", 3), ("fast", 10)):
        assert list(range(count)) == [number for name, number in done if name == lane]
    assert ("fast", 0) == done[0]


def test_whoever_brings_jobs_waits_for_room() -> None:
    """At most so many are held; what has not begun at the end is counted."""
    go = threading.Event()

    def work(_: int) -> None:
        go.wait(5)

    lanes: Lanes[int] = Lanes(work, threads=1, held=2)
    lanes.put("a", 1)
    lanes.put("b", 2)
    third = threading.Thread(target=lanes.put, args=("c", 3), daemon=True)
    third.start()
    third.join(0.1)
    assert third.is_alive()
    go.set()
    third.join(5)
    assert not third.is_alive()
    lanes.close(5)


def _bring_on(lanes: Lanes[int]) -> None:
    for number in range(1000):
        lanes.put("b", number)
        time.sleep(0.005)


def test_what_a_job_raises_ends_all() -> None:
    """As when nobody reads what is printed any more: whoever brings jobs is told, and not stuck."""
    ended = threading.Event()

    def work(_: int) -> None:
        ended.set()
        raise BrokenPipeError

    lanes: Lanes[int] = Lanes(work, threads=2, held=2)
    lanes.put("a", 1)
    assert ended.wait(5)
    with pytest.raises(BrokenPipeError):
        _bring_on(lanes)
    assert lanes.close(1) > 0


def test_a_header_that_cannot_be_sent_is_told() -> None:
    """Nothing is raised for it: it is an attempt that failed."""
    with program() as server, forwarder(f"http://127.0.0.1:{server.port}/") as to:
        assert "protocol" == to.send("evt_1", (("x-own", "\ud800"),), b"{}").error
        assert [] == server.got
