"""The one way out: an HTTP/1.1 client that only goes where the guard lets it.

Deliveries, provider sends, automations' HTTP actions, media and token fetches and endpoint tests
all use it. It follows no redirect, reads no proxy from the environment, inflates nothing, and puts
one deadline over everything from the look-up to the last byte. It repeats nothing on its own: a
kept connection is asked whether it still stands before anything is written to it, and when it ends
after that, the request may have arrived. Whether to try again is decided by the callers.
"""

import asyncio
import ssl
import time
from collections.abc import Callable

import msgspec

from ringback.domain.egress import Own
from ringback.domain.networks import Policy, Verdict
from ringback.domain.targets import Target
from ringback.errors import RingbackError
from ringback.transport import trust
from ringback.transport.dial import Connect, Dialer, connect_tcp
from ringback.transport.encode import encode
from ringback.transport.exchange import Exchange, Failed, Outgoing, Timings
from ringback.transport.guard import Guard
from ringback.transport.pool import Limits, Origin, Pool
from ringback.transport.resolver import Names, Resolve, ThreadResolver
from ringback.transport.wire import MAX_BODY, Connection

CONNECTIONS = 32
"""Requests to one origin at the same time, where the caller says nothing else."""
CLOSE_S = 1.0
"""Seconds that `close` waits for connections to end."""


class Options(msgspec.Struct, frozen=True):
    """Times in seconds. `connect_s` bounds connecting and TLS together, inside the deadline.

    `dns_ttl_s` is how long an answer is kept; more than 1 would let a name's old address live on.
    """

    connect_s: float = 5.0
    dns_s: float = 5.0
    dns_ttl_s: float = 1.0
    limits: Limits = Limits()


class Client:
    """Sends requests on kept connections; one per worker, used on one event loop.

    `own` is our own listener, `context` the TLS trust for requests that bring none. `resolve`,
    `connect` and `clock` are the edges of the world.
    """

    def __init__(
        self,
        *,
        options: Options | None = None,
        own: Own | None = None,
        context: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        connect: Connect = connect_tcp,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options or Options()
        self._context = context
        self._clock = clock
        self._threads = ThreadResolver()  # starts its threads when they are needed
        self._names = Names(resolve or self._threads, self._options.dns_ttl_s, clock)
        self._guard = Guard(self._names, own)
        self._pool = Pool(self._options.limits, clock)
        self._dialer = Dialer(self._pool, connect, clock)
        self._closed = False

    async def judge(self, target: Target, policy: Policy, timeout_s: float) -> Exchange:
        """Look a target up and judge it as `send` would, without connecting to anything.

        Without an error it may be sent to; `timeout_s` bounds the look-up.
        """
        try:
            checked = await self._guard.check(target, policy, timeout_s)
        except Failed as failed:
            return Exchange(error=failed.error, detail=failed.detail)
        verdict = checked.verdict
        if verdict.allowed:
            return Exchange(verdict=verdict)
        return Exchange(error="guard_denied", detail=verdict.reason, verdict=verdict)

    async def send(
        self,
        request: Outgoing,
        *,
        policy: Policy,
        deadline_s: float,
        connections: int = CONNECTIONS,
        context: ssl.SSLContext | None = None,
        may_send: Callable[[], bool] | None = None,
        body_max: int = MAX_BODY,
    ) -> Exchange:
        """Send a request and read its answer; trouble is in the result, nothing is raised.

        `deadline_s` covers everything, waiting included. `connections` is the most requests to
        this origin at the same time. `context` trusts other certificates than the client's.
        `may_send` is asked last, when a connection stands: if not, the error is `withdrawn`.
        `body_max` is how many bytes of the answer's body are kept in memory.
        Cancelling it ends the connection.
        """
        started = self._clock()
        try:
            wire = encode(request)
        except RingbackError as refused:
            return Exchange(error="invalid_request", detail=str(refused))
        if self._closed:
            return Exchange(error="closed", detail="the client was closed")
        origin = self._pool.origin(request.target, policy, context)
        job = _Job(
            request, policy, context, origin, started + deadline_s, Timings(), may_send, body_max
        )
        try:
            if origin.busy >= connections or origin.waiters:
                await self._pool.slot(origin, connections, deadline_s)
                job.times.wait = (self._clock() - started) * 1000
            else:
                origin.busy += 1
            try:
                result = await self._exchange(job, wire)
            finally:
                self._pool.release(origin)
        except Failed as failure:
            result = Exchange(
                error=failure.error,
                detail=failure.detail,
                verdict=failure.verdict,
                timings=job.times,
            )
        job.times.total = (self._clock() - started) * 1000
        return result

    async def check(self, target: Target, policy: Policy) -> Verdict:
        """Judge a target the way `send` would now, without connecting to it."""
        try:
            return (await self._guard.check(target, policy, self._options.dns_s)).verdict
        except Failed as failure:
            return Verdict(False, failure.error, failure.detail)

    async def close(self) -> None:
        """End every connection, at once; requests under way end with the error `closed`."""
        self._closed = True
        self._names.close()
        self._threads.close()
        self._pool.close()
        until = self._clock() + CLOSE_S
        while self._pool.open_connections and self._clock() < until:
            await asyncio.sleep(0.005)

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._pool.open_connections

    async def _exchange(self, job: "_Job", wire: bytes) -> Exchange:
        """Send over a kept connection or a new one; raises `Failed` before anything was sent."""
        origin, now = job.origin, self._clock()
        if origin.until <= now:
            await self._judge(job, now)
        connection = self._pool.take(origin, now)
        reused = connection is not None
        if connection is None:
            connection = await self._dial(job)
        if job.may_send is not None and not job.may_send():
            self._pool.put(origin, connection, self._clock())
            raise Failed("withdrawn", "it was taken back before it was sent")
        await self._run(connection, job, wire)
        parts = connection.parts
        if connection.first_byte:
            job.times.first_byte = (connection.first_byte - connection.written) * 1000
        result = Exchange(
            status=connection.status,
            raw_headers=connection.headers,
            body=parts[0] if len(parts) == 1 else b"".join(parts),
            truncated=connection.truncated,
            error=connection.error,
            detail=connection.detail,
            sent=True,
            reused=reused,
            address=(connection.ip, connection.port),
            tls=connection.tls,
            timings=job.times,
        )
        if connection.keep and not connection.closed:
            self._pool.put(origin, connection, self._clock())
        return result

    async def _run(self, connection: Connection, job: "_Job", wire: bytes) -> None:
        """Run one exchange to its end; a cancelled one takes its connection with it."""
        left = job.until - self._clock()
        try:
            await connection.start(wire, job.request.method, left, job.body_max)
        except asyncio.CancelledError:
            connection.fail("closed", "the request was cancelled")
            raise

    async def _judge(self, job: "_Job", now: float) -> None:
        """Ask the guard, within what is left of the deadline; raises `Failed`."""
        target = job.request.target
        budget = min(job.until - now, self._options.dns_s)
        try:
            checked = await self._guard.check(target, job.policy, budget)
        finally:
            if not target.literal:
                job.times.dns = (self._clock() - now) * 1000
        job.origin.apply(checked)

    async def _dial(self, job: "_Job") -> Connection:
        """Open a connection, within what is left of the deadline; raises `Failed`."""
        target = job.request.target
        until = min(job.until, self._clock() + self._options.connect_s)
        context = job.context
        if context is None and target.scheme == "https":
            context = self._context = self._context or trust.context()
        secure = context if target.scheme == "https" else None
        return await self._dialer.open(target, job.origin.addresses, secure, until, job.times)


class _Job(msgspec.Struct):
    """One call of `send`, on its way through the phases. `until` is on the client's clock."""

    request: Outgoing
    policy: Policy
    context: ssl.SSLContext | None
    origin: Origin
    until: float
    times: Timings
    may_send: Callable[[], bool] | None
    body_max: int
