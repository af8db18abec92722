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
# What waits to be written; beyond this the oldest are forgotten.
WAITING_MAX = 10_000
WAITING_BYTES_MAX = 32 * 1024 * 1024
_BATCH_MAX = 500
_BATCH_BYTES_MAX = 8 * 1024 * 1024
_COUNTED_MAX = 10_000
_FIELDS_MAX = 20
_RECOUNT_S = 1.0
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
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        return f"a query has at most {_FIELDS_MAX} fields"
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
        self._waiting: deque[stored.NewInspected] = deque()
        self._writing: list[stored.NewInspected] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self._counted: Counter[str] = Counter()
        self._names: set[str] = set()
        self._recounted = -_RECOUNT_S

    async def handle(self, name: str, callback: Callback) -> HttpResponse:
        """Answer one request to `/inspect/{name}`."""
        if not _NAME.fullmatch(name):
            return _text(404, "write /inspect/ and a name of up to 64 letters, digits, _ or -")
        wanted = behaviour(callback.query)
        if isinstance(wanted, str):
            return _text(400, wanted)
        if not await self._take_name(name):
            return _text(429, f"at most {NAMES_MAX} names are kept at a time")
        status = self._status(name, callback.query, wanted)
        if wanted.delay_s and status is not None:
            await asyncio.sleep(wanted.delay_s)
        answered = status or 200
        self._keep(
            stored.NewInspected(
                self._tenant, Mode.TEST, name, _clean(callback.method), _clean(callback.url),
                callback.headers, callback.body[:BODY_KEPT], answered,
            )
        )  # fmt: skip
        return _text(answered, "received")

    async def _take_name(self, name: str) -> bool:
        if name not in self._names and len(self._names) >= NAMES_MAX:
            await self._recount()
            if len(self._names) >= NAMES_MAX:
                return False
        self._names.add(name)
        return True

    async def _recount(self) -> None:
        """Learn which names are in use, at most once a second: some may have been cleared."""
        now = asyncio.get_running_loop().time()
        if now - self._recounted < _RECOUNT_S:
            return
        self._recounted = now
        try:
            found = await stored.names(self._database)
        except DatabaseUnavailable:
            return
        unseen = (*self._writing, *self._waiting)
        self._names = found | {request.name for request in unseen}

    def _keep(self, request: stored.NewInspected) -> None:
        self._waiting.append(request)
        self._bytes += request.size
        while len(self._waiting) > WAITING_MAX or self._bytes > WAITING_BYTES_MAX:
            self._bytes -= self._waiting.popleft().size
        self._wake.set()

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
        await self._recount()
        while True:
            self._wake.clear()
            if not self._waiting:
                await self._wake.wait()
            self._writing = self._batch()
            await self._store(self._writing)

    def _batch(self) -> list[stored.NewInspected]:
        batch: list[stored.NewInspected] = []
        size = 0
        while self._waiting and len(batch) < _BATCH_MAX:
            size += self._waiting[0].size
            if batch and size > _BATCH_BYTES_MAX:
                break
            request = self._waiting.popleft()
            self._bytes -= request.size
            batch.append(request)
        return batch

    async def _store(self, batch: list[stored.NewInspected]) -> None:
        """Write a batch; a request that the database refuses costs only itself."""
        try:
            await stored.add(self._database, batch)
        except DatabaseUnavailable as error:
            log.warning("inspector.lost", requests=len(batch), error=str(error)[:200])
            await asyncio.sleep(1)
        except Exception as error:
            if len(batch) == 1:
                log.warning("inspector.refused", error=type(error).__name__)
                return
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])


def _clean(text: str) -> str:
    """Replace the one character that no text column takes."""
    return text.replace("\0", "\ufffd")


def _text(status: int, text: str) -> HttpResponse:
    return HttpResponse(
        status,
        (("content-type", "text/plain"), ("x-content-type-options", "nosniff")),
        b"" if status in {204, 205, 304} else text.encode() + b"\n",
    )
