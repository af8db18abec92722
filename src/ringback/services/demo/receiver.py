"""The demo's receivers: the systems that events are sent to, each with a behaviour of its own.

They answer on a port of their own of this machine, one path for each endpoint, and keep nothing.
"""

import asyncio
import random
import socket
import time
from collections.abc import Mapping

from ringback.domain.http import Callback, HttpResponse
from ringback.services.demo.plan import Behaviour
from ringback.transport.incoming import HotRoute
from ringback.transport.server import Server

# Requests at a time and connections; what is beyond is refused, as any receiver would.
REQUESTS_MAX = 256
CONNECTIONS_MAX = 512
_JSON = ("content-type", "application/json")


class Receivers:
    """Answers as each endpoint's behaviour says. Who is unknown here gets 404."""

    def __init__(self, behaviours: Mapping[str, Behaviour]) -> None:
        """Take the behaviours, by the endpoints' own ids."""
        self._behaviours = behaviours
        self._began = time.monotonic()
        self._counts = dict.fromkeys(behaviours, 0)
        self._seconds = dict.fromkeys(behaviours, (0, 0))
        self._server = Server(
            _nobody, [HotRoute("/", self._answer, "")], requests_max=REQUESTS_MAX,
            connections_max=CONNECTIONS_MAX,
        )  # fmt: skip

    def start(self, listening: socket.socket) -> None:
        """Accept requests from a socket that listens. Outages are counted from now on."""
        self._began = time.monotonic()
        self._server.start(listening)

    async def close(self) -> None:
        """End everything at once."""
        await self._server.close()

    async def _answer(self, name: str, callback: Callback) -> HttpResponse:
        del callback
        behaviour = self._behaviours.get(name)
        if behaviour is None:
            return HttpResponse(404)
        early = self._refuses(name, behaviour, time.monotonic() - self._began)
        if early is not None:
            return early
        low, high = behaviour.ms
        await asyncio.sleep(random.uniform(low, high) / 1000)  # noqa: S311 - a pause
        headers = (_JSON,) if behaviour.body.startswith("{") else (("content-type", "text/html"),)
        return HttpResponse(behaviour.status, headers, behaviour.body.encode())

    def _refuses(self, name: str, behaviour: Behaviour, passed_s: float) -> HttpResponse | None:
        """Return the answer of a receiver that has no time, or None."""
        begins, ends = behaviour.outage_s
        if begins <= passed_s % behaviour.period_s < ends:
            return HttpResponse(502, (), b"Bad Gateway: no backend is up\n")
        self._counts[name] += 1
        if behaviour.busy_every and not self._counts[name] % behaviour.busy_every:
            after = ("retry-after", str(behaviour.retry_after_s))
            return HttpResponse(503, (after,), b"Busy, come again.\n")
        second, count = self._seconds[name]
        count = count + 1 if second == int(passed_s) else 1
        self._seconds[name] = (int(passed_s), count)
        if behaviour.limit and count > behaviour.limit:
            return HttpResponse(429, (("retry-after", "2"),), b"Too many requests.\n")
        return None


async def _nobody(*_: object) -> None:
    """Serve nothing beside the hot route, which takes everything."""
