"""Kept connections: which are free, how many may be open, when one has been idle for too long.

Connections are kept per origin = (scheme, host, port, policy, TLS context) and only reused while
their address is among those that the guard allowed in its latest check. Judging and connecting is
done by `guard` and `client`.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

import msgspec

from ringback.domain.networks import Policy
from ringback.domain.targets import Target
from ringback.transport.exchange import Failed
from ringback.transport.guard import Checked, refuse
from ringback.transport.wire import Connection

MAX_WAITERS = 256
"""Requests that may wait for a connection of one origin."""
MAX_ORIGINS = 4096
"""Origins that are remembered; those without connections and waiters go first."""


class Limits(msgspec.Struct, frozen=True):
    """How many connections are kept and for how long (seconds); looked at every `sweep_s`."""

    idle_s: float = 30.0
    age_s: float = 600.0
    idle_per_origin: int = 128
    idle_total: int = 1024
    open_total: int = 1536
    sweep_s: float = 5.0


class Origin:
    """One pool: its free connections (latest last), its users, and the guard's latest verdict."""

    __slots__ = ("addresses", "busy", "idle", "until", "waiters")

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        self.busy = 0
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.addresses: tuple[str, ...] = ()
        self.until = 0.0

    def apply(self, checked: Checked) -> None:
        """Take over a verdict; a denial ends the kept connections and raises `Failed`."""
        self.addresses = checked.addresses
        self.until = checked.until
        if not checked.verdict.allowed:
            self.until = 0.0
            for connection in tuple(self.idle):
                connection.close()
            raise refuse(checked.verdict)


_Key = tuple[str, bool, Policy, ssl.SSLContext | None]


class Pool:
    """All pools of one client, on one event loop."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._origins: dict[_Key, Origin] = {}
        # Free connections, the longest idle first, with their origin.
        self._idle: dict[Connection, Origin] = {}
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def origin(self, target: Target, policy: Policy, context: ssl.SSLContext | None) -> Origin:
        """Return the pool of a target; receiver pages of ours have their own, see `egress`."""
        key = (target.origin, target.inspect, policy, context)
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) >= MAX_ORIGINS:
                self._forget()
            origin = self._origins[key] = Origin()
        return origin

    # --- slots: how many requests of one origin are under way ---

    async def slot(self, origin: Origin, connections: int, timeout_s: float) -> None:
        """Wait until fewer than `connections` requests are under way; raises `Failed` (busy)."""
        if origin.busy < connections and not origin.waiters:
            origin.busy += 1
            return
        if len(origin.waiters) >= MAX_WAITERS:
            raise Failed("busy", f"{MAX_WAITERS} requests wait for a connection already")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        origin.waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except BaseException as problem:
            if waiter.done() and not waiter.cancelled():
                self.release(origin)  # the slot was handed over in the same moment
            else:
                origin.waiters.remove(waiter)
            if isinstance(problem, TimeoutError):
                raise Failed("busy", "no connection became free within the deadline") from None
            raise

    def release(self, origin: Origin) -> None:
        """Give a slot back: to the request that waits longest, if there is one."""
        while origin.waiters:
            waiter = origin.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        origin.busy -= 1

    # --- connections ---

    def take(self, origin: Origin, now: float) -> Connection | None:
        """Return a free connection that is still good, None when a new one is needed."""
        limits = self.limits
        while origin.idle:
            connection = origin.idle.pop()
            del self._idle[connection]
            if (
                not connection.closed
                and now - connection.idle_since < limits.idle_s
                and now - connection.born < limits.age_s
                and connection.ip in origin.addresses
                and not connection.stirring()
            ):
                return connection
            connection.close()
        return None

    def put(self, origin: Origin, connection: Connection, now: float) -> None:
        """Keep a connection for the next request, within the limits."""
        if len(origin.idle) >= self.limits.idle_per_origin:
            connection.close()
            return
        connection.idle_since = now
        origin.idle.append(connection)
        self._idle[connection] = origin
        if len(self._idle) > self.limits.idle_total:
            self._evict()
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)

    def opened(self, connection: Connection) -> None:
        """Count a connection that is about to be opened; raises `Failed` (busy) at the limit."""
        while len(self._open) >= self.limits.open_total:
            if not self._idle:
                raise Failed("busy", f"{self.limits.open_total} connections are open already")
            self._open.discard(self._evict())
        self._open.add(connection)

    def gone(self, connection: Connection) -> None:
        """A connection has ended: forget it, wherever it is."""
        self._open.discard(connection)
        origin = self._idle.pop(connection, None)
        if origin is not None:
            origin.idle.remove(connection)

    def close(self) -> None:
        """End every connection; exchanges under way end with `closed`."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in tuple(self._open):
            connection.fail("closed", "the client was closed")

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return len(self._open)

    def _evict(self) -> Connection:
        """End the connection that has been idle longest."""
        connection, origin = next(iter(self._idle.items()))
        del self._idle[connection]
        origin.idle.remove(connection)
        connection.close()
        return connection

    def _sweep(self) -> None:
        """End what has been idle for too long; runs only while something is idle."""
        limit = self._clock() - self.limits.idle_s
        while self._idle and next(iter(self._idle)).idle_since <= limit:
            self._evict()
        self._sweeper = None
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)

    def _forget(self) -> None:
        """Drop the origins that hold nothing; the others are bounded by their connections."""
        for key, origin in list(self._origins.items()):
            if not (origin.idle or origin.busy or origin.waiters):
                del self._origins[key]
