"""The request log: one line for each request of the API, with its ids and sizes.

Never a body, a query, a path with values in it, or a key: only what is named here. Not for
providers' callbacks, which are listed as such, and not for the probes of machines.
"""

import time
from collections.abc import Callable

import msgspec
import structlog

from ringback.domain.ids import show
from ringback.services.access import Asker
from ringback.services.snapshot import Snapshot

# Lines a second, unless every request is asked for: nobody can fill the disk by being refused.
LINES_MAX = 100
log = structlog.get_logger()


class Line(msgspec.Struct, frozen=True):
    """What is told of one request.

    `route` is the template of its path; None when there is none. `seconds` is how long it took,
    `bytes_in` and `bytes_out` count bodies. `status` is None when the caller hung up before it was
    answered; `code` is that of a problem.
    """

    method: str
    route: str | None
    status: int | None
    seconds: float
    request_id: str | None
    bytes_in: int
    bytes_out: int
    asker: Asker | None = None
    code: str | None = None


class RequestLog:
    """Writes lines: for `all` requests, for `errors` (4xx and 5xx), or for none (`off`)."""

    def __init__(
        self,
        which: str = "errors",
        snapshot: Callable[[], Snapshot] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take which requests are told of; `snapshot` knows the tenants' ids, `now` is in s."""
        self.everything = which == "all"
        self._off = which == "off"
        self._snapshot = snapshot
        self._now = now
        self._second = 0.0
        self._lines = 0
        self._skipped = 0

    def wants(self, status: int | None) -> bool:
        """Say whether a request that was answered so is told of."""
        return self.everything or (not self._off and (status is None or status >= 400))

    def note(self, line: Line) -> None:
        """Write a line, if it is wanted and there is room; what is left out is counted."""
        if not self.wants(line.status) or not (self.everything or self._room()):
            return
        more: dict[str, str | int] = {}
        if line.asker is not None:
            who = line.asker.actor
            more["person" if who.person else "key"] = show("usr" if who.person else "key", who.id)
            if line.asker.mode is not None:
                more["mode"] = line.asker.mode.word
                if self._snapshot is not None:
                    more["tenant"] = self._snapshot().tenant_id(line.asker.tenant)
        if line.code is not None:
            more["code"] = line.code
        if self._skipped:
            more["skipped"], self._skipped = self._skipped, 0
        write = log.info if line.status is None or line.status < 500 else log.warning
        write(
            "request", method=line.method, route=line.route, status=line.status,
            ms=round(line.seconds * 1000, 2), request_id=line.request_id, bytes_in=line.bytes_in,
            bytes_out=line.bytes_out, **more,
        )  # fmt: skip

    def _room(self) -> bool:
        now = self._now()
        if now - self._second >= 1:
            self._second, self._lines = now, 0
        self._lines += 1
        if self._lines <= LINES_MAX:
            return True
        self._skipped += 1
        return False
