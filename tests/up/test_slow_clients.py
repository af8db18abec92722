"""Clients that take their time: they cost a connection for seconds, and nobody else anything."""

import json
import select
import socket
import time

from .installation import Installation

HEAD = b"POST /in/demo-whatsapp HTTP/1.1\r\nhost: localhost\r\n"
CONNECTIONS = 30
HEADER_READ_S = 5.0
RECEIVE_S = 15.0
# Busy machines are slow too; what is not closed after this never will be.
PATIENCE_S = 60.0


class _Slow:
    """A connection that sends `head` at once and then a byte whenever it is told to."""

    def __init__(self, port: int, head: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.sendall(head)
        self.began = time.monotonic()
        self.closed_s = 0.0
        self.got = b""

    def drip(self) -> None:
        """Send one more byte, and see whether the server has answered or hung up."""
        try:
            self.socket.sendall(b"a")
            if select.select([self.socket], [], [], 0)[0]:
                received = self.socket.recv(4096)
                self.got += received
                self._close(received == b"")
        except OSError:
            self._close(True)

    def _close(self, closed: bool) -> None:
        if closed:
            self.closed_s = time.monotonic() - self.began
            self.socket.close()


def test_slow_clients_are_cut_off_and_others_served(demo: Installation) -> None:
    """A head has five seconds, a body fifteen (then it is a 408); meanwhile others get answers."""
    heads = [_Slow(demo.port, HEAD + b"x-slow: ") for _ in range(CONNECTIONS)]
    body = _Slow(demo.port, HEAD + b"content-length: 1000\r\n\r\n{")
    began = time.monotonic()
    while not all(each.closed_s for each in (*heads, body)):
        assert time.monotonic() - began < PATIENCE_S
        for each in (*heads, body):
            if not each.closed_s:
                each.drip()
        assert 200 == demo.report("meanwhile")
        time.sleep(1)
    assert all(HEADER_READ_S - 1 < each.closed_s < 10 * HEADER_READ_S for each in heads)
    assert body.got.startswith(b"HTTP/1.1 408 ")
    assert RECEIVE_S - 1 < body.closed_s


def test_publishers_are_refused_in_their_own_words(demo: Installation) -> None:
    """A body over 4 MiB is a problem with a code and a request id, before it has been sent."""
    with socket.create_connection(("127.0.0.1", demo.port), timeout=10) as caller:
        caller.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000000\r\n\r\n"
        )
        got = b""
        while part := caller.recv(4096):
            got += part
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert ("body_too_large", 413) == (problem["code"], problem["status"])
    assert f"ringback-request-id: {problem['instance']}".encode() in head
