"""A real server with a hot route whose handler shows what it got. Run by a test.

    python -m tests.transport.incoming_server PORT [SECONDS]

Requests have one second to arrive, or as many as are given. `tell` answers what the last request
was, others are remembered. Everything that is no hot route's goes to a small ASGI application.
"""

import asyncio
import socket
import sys

import msgspec
import uvloop

from ringback.domain.http import Callback, HttpResponse
from ringback.transport.asgi import Receive, Scope, Send
from ringback.transport.incoming import HotRoute, Times
from ringback.transport.server import Server

PUBLIC_URL = "https://hooks.example.com"
RECEIVE_S = 1.0
_JSON = (("content-type", "application/json"),)
_ANSWERS = {
    "empty": HttpResponse(204, (("x-kept", "1"),), b"never sent"),
    "inject": HttpResponse(200, (("x-a", "1\r\nx-b: 2"), ("x\r\ny", "1"), ("x-kept", "1")), b"ok"),
    "latin": HttpResponse(200, (("x-a", "caf\xe9"),), b"ok"),
}


class Shown(msgspec.Struct, frozen=True):
    """A request as the handler saw it, its body only as a length."""

    calls: int
    name: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    size: int
    peer: str


class Shower:
    """Handles the hot route."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._last = Shown(0, "", "", "", [], 0, "")

    async def handle(self, name: str, callback: Callback) -> HttpResponse:
        """Answer what the last request was, or remember this one."""
        if name != "tell":
            self._last = Shown(
                self._last.calls + 1, name, callback.method, callback.url, list(callback.headers),
                len(callback.body), callback.peer,
            )  # fmt: skip
        return _ANSWERS.get(name) or HttpResponse(200, _JSON, msgspec.json.encode(self._last))


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 404."""
    del scope, receive
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _serve(port: int, receive_s: float) -> None:
    routes = [HotRoute("/in/", Shower().handle, PUBLIC_URL)]
    Server(nothing, routes, times=Times(min(receive_s, Times().head_s), receive_s)).start(
        socket.create_server(("127.0.0.1", port), backlog=1024)
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = float(sys.argv[2]) if len(sys.argv) > 2 else RECEIVE_S
    uvloop.run(_serve(int(sys.argv[1]), given))
