"""A real server with the hot route on it and a handler that shows what it got. Run by a test.

    python -m tests.transport.incoming_server PORT

Requests have one second to arrive. `tell` answers what the last request was, others are remembered.
"""

import sys

import msgspec
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from ringback.domain.http import Callback, HttpResponse
from ringback.services.supervise import HEADER_READ_MS, READ_BUFFER
from ringback.transport.incoming import Incoming, Receive, Scope, Send

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


class Application:
    """The ASGI application: everything goes to the hot route."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._incoming = Incoming("/in/", self._handle, PUBLIC_URL, RECEIVE_S)
        self._last = Shown(0, "", "", "", [], 0, "")

    async def _handle(self, name: str, callback: Callback) -> HttpResponse:
        if name != "tell":
            self._last = Shown(
                self._last.calls + 1, name, callback.method, callback.url, list(callback.headers),
                len(callback.body), callback.peer,
            )  # fmt: skip
        return _ANSWERS.get(name) or HttpResponse(200, _JSON, msgspec.json.encode(self._last))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or accept the lifespan."""
        if scope["type"] == "http":
            await self._incoming(scope, receive, send)
            return
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})


def create() -> Application:
    """Build the application in the server's worker process."""
    return Application()


def main() -> None:
    """Serve until a signal, set up as `ringback up` does."""
    MPServer(
        "tests.transport.incoming_server:create", "127.0.0.1", int(sys.argv[1]),
        interface=Interfaces.ASGI, workers=1, loop=Loops.uvloop, http=HTTPModes.http1,
        websockets=False, factory=True,
        http1_settings=HTTP1Settings(HEADER_READ_MS, max_buffer_size=READ_BUFFER),
        workers_kill_timeout=2,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()
