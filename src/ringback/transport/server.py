"""The server of a worker process: accepts connections, and bounds what all of them take together.

Time limits are kept by one sweep over all connections, so that a request costs no timer. Not here:
what is read from a connection (listener.py), and how many worker processes there are.
"""

import asyncio
import email.utils
import math
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterable

from ringback.transport.asgi import App
from ringback.transport.incoming import LARGE_MAX, HotRoute, Request, Times
from ringback.transport.listener import Listener

REQUESTS_MAX = 4096
CONNECTIONS_MAX = 8192
# Connections that wait to be accepted.
BACKLOG_MAX = 1024
# Accepted at a time: with several workers on one socket, the others want some too.
_TURN = 4
_SWEEP_S = 0.25
_PAUSE_S = 0.1
# Asked by whoever would end a process that does not answer: being busy is no reason to.
_ALWAYS = b"/healthz"
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\n"
    b"connection: close\r\n\r\n"
)


class Server:
    """Serves hot routes and, for everything else, an ASGI application.

    `turned_away` counts by status what was refused for lack of room or before it was known which
    route was meant.
    """

    def __init__(
        self,
        app: App,
        routes: Iterable[HotRoute] = (),
        *,
        times: Times | None = None,
        requests_max: int = REQUESTS_MAX,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """Take what is served. The first hot route that takes a request has it."""
        self.app = app
        self.times = times or Times()
        self.draining = False
        self.turned_away: Counter[int] = Counter()
        self._routes = tuple(routes)
        self._requests_max = requests_max
        self._connections_max = connections_max
        self._listeners: set[Listener] = set()
        self._under_way: set[Request] = set()
        self._large = 0
        self._date = (0, b"")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()

    # --- from start to stop ---

    def start(self, listening: socket.socket) -> None:
        """Accept connections from a socket that listens; other processes may do so too."""
        _allow_files(self._connections_max)
        listening.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._loop.add_reader(listening.fileno(), self._accept)
        self._sweep()

    def stop_accepting(self) -> None:
        """Take no further connections, end idle ones, and the others with their next answer."""
        self.draining = True
        if self._loop is not None and self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        for listener in list(self._listeners):
            if listener.idle:
                listener.close()

    async def drained(self, seconds: float) -> None:
        """Wait until every request is answered, at most so long."""
        until = time.monotonic() + seconds
        while (self._under_way or self._opening) and time.monotonic() < until:
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """End everything at once."""
        self.stop_accepting()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for listener in list(self._listeners):
            listener.abort()
        await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._listeners)

    def _accept(self) -> None:
        assert self._loop is not None
        assert self._socket is not None
        for _ in range(_TURN):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # No descriptors left: those that wait stay where they are.
                self.turned_away[503] += 1
                self._loop.remove_reader(self._socket.fileno())
                self._loop.call_later(_PAUSE_S, self._go_on)
                self._loop.call_exception_handler(
                    {"message": "cannot accept connections", "exception": error}
                )
                return
            if len(self._listeners) >= self._connections_max:
                self.turned_away[503] += 1
                _refuse(accepted)
                continue
            peer = str(address[0]) if isinstance(address, tuple) else ""
            task = self._loop.create_task(self._open(accepted, peer))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _go_on(self) -> None:
        if self._loop is not None and self._socket is not None:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    async def _open(self, accepted: socket.socket, peer: str) -> None:
        assert self._loop is not None
        try:
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # A caller that is gone without a word would be written to for a quarter of an hour.
                patience = round(self.times.write_s * 1000)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
            await self._loop.connect_accepted_socket(lambda: Listener(self, peer), accepted)
        except OSError:
            accepted.close()  # it has gone again
        except asyncio.CancelledError:
            accepted.close()  # the loop ends in this moment
            raise

    def _sweep(self) -> None:
        """End what has taken too long."""
        assert self._loop is not None
        now = self._loop.time()
        for listener in [one for one in self._listeners if one.deadline <= now]:
            listener.deadline = math.inf
            listener.expire()
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)

    # --- what the connections share ---

    def now(self) -> float:
        """Return the time of the event loop, in seconds."""
        assert self._loop is not None
        return self._loop.time()

    def date(self) -> bytes:
        """Return the date field of an answer."""
        second = int(time.time())
        if self._date[0] != second:
            text = email.utils.formatdate(second, usegmt=True)
            self._date = (second, f"date: {text}\r\n".encode("ascii"))
        return self._date[1]

    def route(self, method: str, path: bytes) -> HotRoute | None:
        """Return the hot route of a request."""
        for route in self._routes:
            if route.takes(method, path):
                return route
        return None

    def came(self, listener: Listener) -> None:
        """A connection stands."""
        self._listeners.add(listener)

    def left(self, listener: Listener) -> None:
        """A connection has ended."""
        self._listeners.discard(listener)

    def admit(self, request: Request) -> bool:
        """Say whether one more request may be under way, and count it."""
        full = len(self._under_way) >= self._requests_max
        if full and request.target.partition(b"?")[0] != _ALWAYS:
            return False
        self._under_way.add(request)
        return True

    def done(self, request: Request) -> None:
        """A request that was admitted is answered, or given up."""
        self._under_way.discard(request)

    def hold(self, request: Request, size: int) -> bool:
        """Say whether a body may grow to so many bytes beyond its own, and count them."""
        grown = size - request.held
        if grown > 0 and self._large + grown > LARGE_MAX:
            return False
        self._large += grown
        request.held = size
        return True

    def refused(self, request: Request | None, status: int) -> None:
        """Count a refusal."""
        route = request.route if request is not None else None
        (self.turned_away if route is None else route.refused)[status] += 1


def _refuse(accepted: socket.socket) -> None:
    """Turn a connection away that there is no room for."""
    with accepted:
        accepted.setblocking(False)
        try:
            accepted.send(_FULL)
        except OSError:
            return


def _allow_files(connections: int) -> None:
    """Raise the limit of open files to what the connections need, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 1024
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
