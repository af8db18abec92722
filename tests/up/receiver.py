"""A receiver of somebody's own, in ten lines of the standard library, and what it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it, and answers `status` after `delay_s`; None lets callers wait."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[Message, bytes]] = []
        self.status: int | None = 204
        self.delay_s = 0.0
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def ids(self) -> list[str]:
        """Return the `webhook-id` of every request."""
        return [headers["webhook-id"] for headers, _ in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.headers, body))
        if self.server.status is None:
            self.server.closing.wait()
            return
        self.server.closing.wait(self.server.delay_s)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on loopback."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            receiver.shutdown()
            thread.join()
