"""Fetching the files that people send, once, before the provider's link ends.

A file's row is committed with its message. The worker that took the callback fetches it at once;
what that one cannot do, because it ended or is full, any worker takes up within seconds.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import structlog

from ringback.domain.endpoints import Connection, DeliveryPolicy, Mode
from ringback.domain.http import HttpRequest
from ringback.domain.media import FILE_MAX
from ringback.errors import DatabaseUnavailable, RingbackError
from ringback.providers import registry
from ringback.providers.base import MediaRefused
from ringback.services.guards import Guards
from ringback.services.media_store import Store, StoreError
from ringback.services.snapshot import Snapshot
from ringback.services.talk import Talk, Tokens, talk
from ringback.storage import media
from ringback.storage.database import Database
from ringback.storage.media import Claimed
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

# So many are fetched at the same time, each wholly in memory; of one connection only a few, so that
# nobody's slow files keep those of others waiting.
AT_ONCE = 6
OF_ONE_MAX = 2
LOOK_S = 5.0
DEADLINE_S = 50.0
# A file that somebody has been at for so long is taken up by somebody else.
LEASE_S = 90.0
REDIRECTS_MAX = 3
# The waits after each failure; then it is given up. 24 h in all.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 30_000)
REASON_MAX = 300
TYPE_MAX = 100
_REDIRECTED = frozenset((301, 302, 303, 307, 308))
log = structlog.get_logger()


class _Failure(NamedTuple):
    reason: str
    final: bool = False


class _Found(NamedTuple):
    content: bytes
    content_type: str | None


class Media:
    """Fetches files; one per worker."""

    def __init__(
        self,
        database: Database,
        client: Client,
        store: Store,
        guards: Guards,
        snapshot: Callable[[], Snapshot],
        tokens: Tokens,
    ) -> None:
        """Take the edges; `tokens` are access tokens that are still good."""
        self._database = database
        self._client = client
        self._store = store
        self._guards = guards
        self._snapshot = snapshot
        self._tokens = tokens
        self._poked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._of: Counter[int] = Counter()
        self.fetched = 0
        self.failed = 0

    def poke(self) -> None:
        """Look at once: a message with files was stored."""
        self._poked.set()

    async def run(self) -> None:
        """Fetch for ever."""
        try:
            while True:
                try:
                    await self.once()
                except DatabaseUnavailable as error:
                    log.warning("media.failed", error=str(error)[:200])
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._poked.wait()
                except TimeoutError:
                    continue
                self._poked.clear()
        finally:
            for task in self._tasks:
                task.cancel()

    async def once(self) -> int:
        """Begin to fetch what is due, as much as there is room for; return how many."""
        free = AT_ONCE - len(self._tasks)
        if free <= 0:
            return 0
        room = {number: OF_ONE_MAX - busy for number, busy in self._of.items() if busy > 0}
        claimed = await media.claim(self._database, free, LEASE_S, OF_ONE_MAX, room)
        for file in claimed:
            self._of[file.connection] += 1
            task = asyncio.create_task(self._settle(file))
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, file.connection))
        return len(claimed)

    def _done(self, connection: int, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._of[connection] -= 1
        if not self._of[connection]:
            del self._of[connection]
        self._poked.set()  # there is room for another one

    async def settled(self) -> None:
        """Wait until nothing is being fetched; for tests."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _settle(self, file: Claimed) -> None:
        try:
            try:
                async with asyncio.timeout(DEADLINE_S + 10):
                    found = await self._fetch(file)
                    if isinstance(found, _Found):
                        await self._keep(file, found)
                        return
            except TimeoutError:
                found = _Failure(f"It took longer than {DEADLINE_S:g} s.")
            except StoreError as error:
                found = _Failure(str(error))
            except (DatabaseUnavailable, asyncio.CancelledError):
                raise
            except RingbackError as error:
                found = _Failure(str(error))
            except Exception:
                # A defect of ours must not leave a file that is tried for ever.
                log.exception("media.defect", file=str(file.id))
                found = _Failure("Ringback could not make sense of it; this is a defect.")
            await self._put_off(file, found)
        except DatabaseUnavailable as error:
            log.warning("media.not_recorded", error=str(error)[:200])

    async def _keep(self, file: Claimed, found: _Found) -> None:
        await self._store.put(file.id, found.content)
        digest = hashlib.sha256(found.content).digest()
        named = (found.content_type or _text(file.entry.get("content_type")) or "")[:TYPE_MAX]
        await media.kept(self._database, file, named or None, len(found.content), digest)
        self.fetched += 1

    async def _put_off(self, file: Claimed, failure: _Failure) -> None:
        reason = failure.reason[:REASON_MAX]
        if failure.final or file.tries > len(WAITS_S):
            await media.given_up(self._database, file, reason)
            self.failed += 1
            return
        await media.again(self._database, file, WAITS_S[file.tries - 1], reason)

    async def _fetch(self, file: Claimed) -> _Found | _Failure:
        """Ask the adapter how, and do it."""
        connection = self._connection(file.connection)
        if connection is None:
            return _Failure("The connection is gone.", final=True)
        provider = registry.get(connection.provider)
        policy = self._guards.policy(Mode(file.mode), DeliveryPolicy())
        how = Talk(self._client, policy, DEADLINE_S, self._tokens, connection.id)
        url, played = file.entry.get("url"), f"{self._snapshot().base_url}/fake/{connection.token}/"
        if connection.mode is Mode.TEST and isinstance(url, str) and url.startswith(played):
            # A picture that a simulated person sent is ours: no provider's credentials for it.
            return await self._download(HttpRequest("GET", url), how)
        target = await talk(provider.media(file.entry, connection.config), how)
        if isinstance(target, Exchange):
            return _Failure(_words(target))
        if isinstance(target, MediaRefused):
            return _Failure(target.reason, final=not target.retryable)
        return await self._download(target, how)

    def _connection(self, number: int) -> Connection | None:
        connections = self._snapshot().connections.values()
        return next((one for one in connections if one.no == number), None)

    async def _download(self, request: HttpRequest, how: Talk) -> _Found | _Failure:
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._client.send(
                Outgoing.of(request), policy=how.policy, deadline_s=DEADLINE_S, body_max=FILE_MAX
            )
            onward = answer.header("location") if answer.status in _REDIRECTED else None
            if onward is None or answer.error is not None:
                return _judged(answer)
            try:
                request = _redirected(request, onward)
            except ValueError:
                return _Failure("It was sent on to what is no URL.")
        return _Failure(f"It was sent on more than {REDIRECTS_MAX} times.")


def _redirected(request: HttpRequest, onward: str) -> HttpRequest:
    """Follow a redirect by hand: credentials are for the host that they were made for."""
    url = urljoin(request.url, onward)
    before, after = urlsplit(request.url), urlsplit(url)
    same = (before.scheme, before.netloc) == (after.scheme, after.netloc)
    return HttpRequest("GET", url, request.headers if same else ())


def _judged(answer: Exchange) -> _Found | _Failure:
    if answer.truncated:
        return _Failure(f"It is larger than {FILE_MAX // 1024 // 1024} MiB.", final=True)
    if not answer.ok:
        return _Failure(_words(answer))
    return _Found(answer.body, answer.header("content-type"))


def _words(answer: Exchange) -> str:
    if answer.error is not None:
        return f"{answer.error}: {answer.detail}"
    return f"The provider answered {answer.status}."


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
