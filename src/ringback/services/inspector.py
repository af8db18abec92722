"""The inspector: a receiver of our own that keeps what it gets and misbehaves on request.

`/inspect/{name}?status=503&delay=2s&times=3` answers 503 after two seconds to the first three
requests with exactly this query, and 200 from then on. Without `times` it never stops.
"""

import asyncio
import re
from collections import Counter, deque
from urllib.parse import parse_qsl

import msgspec
import structlog

from ringback.domain.endpoints import Mode
from ringback.domain.http import Callback, HttpResponse
from ringback.errors import DatabaseUnavailable
from ringback.storage import inspector as stored
from ringback.storage.database import Database

DELAY_MAX_S = 60.0
BODY_KEPT = 256 * 1024
NAMES_MAX = 200
_WAITING_MAX = 10_000
_BATCH_MAX = 500
_COUNTED_MAX = 10_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DELAY = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)?")
log = structlog.get_logger()


class Behaviour(msgspec.Struct, frozen=True):
    """How a request is answered: the status, after a delay, and how often so."""

    status: int = 200
    delay_s: float = 0.0
    times: int | None = None


def behaviour(query: str) -> Behaviour | str:
    """Read a query; a text says what is wrong with it."""
    fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=20))
    status, times = fields.get("status", "200"), fields.get("times")
    if not re.fullmatch(r"[2-5][0-9]{2}", status):
        return "status must be between 200 and 599, as in ?status=503"
    delay = _DELAY.fullmatch(fields.get("delay", "0s"))
    if delay is None:
        return "delay must be a duration, as in ?delay=2s or ?delay=250ms"
    seconds = float(delay[1]) / (1000 if delay[2] == "ms" else 1)
    if seconds > DELAY_MAX_S:
        return f"delay must be {DELAY_MAX_S:.0f} seconds or less"
    if times is not None and not re.fullmatch(r"[0-9]{1,6}", times):
        return "times must be a whole number, as in ?times=3"
    return Behaviour(int(status), seconds, int(times) if times is not None else None)


class Inspector:
    """Receives, remembers, answers. Requests are written in batches, after the answer."""

    def __init__(self, database: Database, tenant: int) -> None:
        """Take the database; what is received belongs to `tenant`, in test mode."""
        self._database = database
        self._tenant = tenant
        self._waiting: deque[stored.NewInspected] = deque(maxlen=_WAITING_MAX)
        self._wake = asyncio.Event()
        self._counted: Counter[str] = Counter()
        self._names: set[str] = set()

    async def handle(self, name: str, callback: Callback) -> HttpResponse:
        """Answer one request to `/inspect/{name}`."""
        if not _NAME.fullmatch(name):
            return _text(404, "write /inspect/ and a name of up to 64 letters, digits, _ or -")
        if name not in self._names and len(self._names) >= NAMES_MAX:
            return _text(429, f"at most {NAMES_MAX} names are kept at a time")
        wanted = behaviour(callback.query)
        if isinstance(wanted, str):
            return _text(400, wanted)
        self._names.add(name)
        status = self._status(name, callback.query, wanted)
        if wanted.delay_s and status is not None:
            await asyncio.sleep(wanted.delay_s)
        answered = status or 200
        self._waiting.append(
            stored.NewInspected(
                self._tenant, Mode.TEST, name, callback.method, callback.url, callback.headers,
                callback.body[:BODY_KEPT], answered,
            )
        )  # fmt: skip
        self._wake.set()
        return _text(answered, "received")

    def _status(self, name: str, query: str, wanted: Behaviour) -> int | None:
        """Return the misbehaving status, or None once it has misbehaved often enough."""
        if wanted.times is None:
            return wanted.status
        if len(self._counted) > _COUNTED_MAX:
            self._counted.clear()
        key = f"{name}?{query}"
        if self._counted[key] >= wanted.times:
            return None
        self._counted[key] += 1
        return wanted.status

    async def run(self) -> None:
        """Write what was received, for ever."""
        while True:
            self._wake.clear()
            if not self._waiting:
                await self._wake.wait()
            size = min(_BATCH_MAX, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                await stored.add(self._database, batch)
            except DatabaseUnavailable as error:
                log.warning("inspector.lost", requests=len(batch), error=str(error)[:200])
                await asyncio.sleep(1)


def _text(status: int, text: str) -> HttpResponse:
    return HttpResponse(
        status,
        (("content-type", "text/plain"), ("x-content-type-options", "nosniff")),
        b"" if status in {204, 205, 304} else text.encode() + b"\n",
    )
