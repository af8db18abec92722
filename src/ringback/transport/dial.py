"""Opening connections: to checked addresses only, in turn, with TLS to the name.

It is given addresses that passed the guard; it resolves nothing and keeps nothing.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable

from ringback.domain.targets import Target
from ringback.transport import trust
from ringback.transport.exchange import Failed, Timings
from ringback.transport.pool import Pool
from ringback.transport.wire import Connection

MAX_TRIED = 4
"""Addresses of one name that are tried in turn."""
TLS_CLOSE_S = 2.0
"""Seconds that a server gets to answer the end of a TLS session."""

Connect = Callable[
    [Callable[[], asyncio.Protocol], str, int],
    Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol]],
]
"""protocol factory, IP address, port → transport and protocol: the one place that connects."""


async def connect_tcp(
    factory: Callable[[], asyncio.Protocol], ip: str, port: int
) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
    """Connect to an address; raises OSError. It never looks up a name: given one it fails."""
    loop = asyncio.get_running_loop()
    return await loop.create_connection(factory, ip, port, flags=socket.AI_NUMERICHOST)


class Dialer:
    """Opens connections for one client and counts them in its pool."""

    def __init__(self, pool: Pool, connect: Connect, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._connect = connect
        self._clock = clock

    async def open(
        self,
        target: Target,
        addresses: tuple[str, ...],
        context: ssl.SSLContext | None,
        until: float,
        times: Timings,
    ) -> Connection:
        """Connect to the first address that answers; raises `Failed`.

        `until` is on the client's clock. While addresses are left, one gets half of what time is
        left. `context` is set for https. Fills in `times.connect` and `times.tls`.
        """
        started = self._clock()
        connection = await self._first(addresses[:MAX_TRIED], target.port, until)
        connected = self._clock()
        times.connect = (connected - started) * 1000
        if context is not None:
            await self._tls(connection, target.host, context, until - connected)
            times.tls = (self._clock() - connected) * 1000
        connection.born = self._clock()
        return connection

    async def _first(self, addresses: tuple[str, ...], port: int, until: float) -> Connection:
        """Try the addresses in turn; raises the last `Failed`."""
        failure = Failed("connect_timeout", "there was no time left to connect")
        for place, ip in enumerate(addresses, start=1):
            left = until - self._clock()
            if left <= 0:
                break
            try:
                return await self._tcp(ip, port, left if place == len(addresses) else left / 2)
            except Failed as problem:
                if problem.error == "busy":
                    raise
                failure = problem
        raise failure

    async def _tcp(self, ip: str, port: int, timeout_s: float) -> Connection:
        """Connect to one address."""
        connection = Connection(self._pool.gone, ip, port)
        self._pool.opened(connection)
        where = f"{ip} port {port}"
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect(lambda: connection, ip, port)
        except TimeoutError:
            self._drop(connection)
            raise Failed("connect_timeout", f"{where} did not answer in time") from None
        except OSError as error:
            self._drop(connection)
            words = os.strerror(error.errno) if error.errno else str(error)
            raise Failed("connect", f"{where}: {words}") from None
        except BaseException:
            self._drop(connection)
            raise
        if connection.closed:
            raise Failed("connect", f"{where} closed the connection at once")
        return connection

    async def _tls(
        self, connection: Connection, name: str, context: ssl.SSLContext, timeout_s: float
    ) -> None:
        """Start TLS on a connection, to the name that was asked for."""
        assert connection.transport is not None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                transport = await loop.start_tls(
                    connection.transport,
                    connection,
                    context,
                    server_hostname=name,
                    ssl_handshake_timeout=timeout_s + 1,
                    ssl_shutdown_timeout=TLS_CLOSE_S,
                )
        except BaseException as error:
            self._drop(connection)
            if isinstance(error, TimeoutError):
                raise Failed("tls", "the handshake was not finished in time") from None
            if isinstance(error, OSError):
                raise Failed("tls", _tls_words(error)) from None
            raise
        if transport is None or connection.closed:
            self._drop(connection)
            raise Failed("tls", "the server closed the connection during the handshake")
        connection.transport = transport
        session = transport.get_extra_info("ssl_object")
        if session is not None:
            connection.tls = trust.facts(session)

    def _drop(self, connection: Connection) -> None:
        """End what was not opened completely."""
        connection.fail("closed", "")
        self._pool.gone(connection)


def _tls_words(error: OSError) -> str:
    """Say in words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the handshake failed: {error.reason or 'unknown reason'}"
    return "the server ended the connection during the handshake"
