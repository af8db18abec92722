"""Fetching the files that people send, once, before the provider's link ends.

A file's row is committed with its message. The worker that took the callback fetches it at once;
what that one cannot do, because it ended or is full, any worker takes up within seconds. No file
waits for what is slow or failed before: a first try is short, and later ones have places of their
own. What may be what ends workers is fetched alone, so that nothing else suffers with it, and
given up when it has ended as many as it may.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import structlog

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import HttpRequest
from ringback.domain.media import FILE_MAX
from ringback.errors import DatabaseUnavailable, RingbackError
from ringback.providers import registry
from ringback.providers.base import MediaRefused
from ringback.services.guards import Guards
from ringback.services.media_store import Store, StoreError
from ringback.services.snapshot import Snapshot
from ringback.services.talk import Talk, Tokens, talk
from ringback.services.trouble import Trouble
from ringback.storage import media
from ringback.storage.database import Database
from ringback.storage.media import Claimed
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

# So many are fetched at the same time, each wholly in memory. Of those that were tried before there
# are fewer, so that the rest is free for those that never were.
AT_ONCE = 8
AGAIN_MAX = 3
# Of one connection, so that nobody's slow files keep those of others waiting: never tried, tried.
OF_ONE_MAX = 4
AGAIN_OF_ONE_MAX = 2
LOOK_S = 5.0
# A first try is short. With OF_ONE_MAX, the last of a message's ten files begins after 30 s even if
# all others hang; what needs longer has its full time the next time.
FIRST_S = 15.0
DEADLINE_S = 50.0
KEEP_S = 60.0
# Whoever is at a file says so that often; silent for so long, somebody else takes it up.
HOLD_S = 3.0
LEASE_S = 10.0
REDIRECTS_MAX = 3
# The waits after each failure; then it is given up. 24 h in all.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 30_000)
# Tries in a row that never ended, because the worker did first; then it is given up. From three on
# (media.sql) it is fetched alone, so that what was merely beside it does not go with it.
UNENDED_MAX = 5
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


class Pace(NamedTuple):
    """Seconds: for a first try, for a later one, of a lease, and until it is renewed."""

    first_s: float = FIRST_S
    full_s: float = DEADLINE_S
    lease_s: float = LEASE_S
    hold_s: float = HOLD_S


class _Lane:
    """What is under way of the files that were tried before, or of those that never were."""

    def __init__(self, tried: bool, of_one: int) -> None:
        self.tried = tried
        self.of_one = of_one
        self.files: set[asyncio.Task[None]] = set()
        self.of: Counter[int] = Counter()

    def began(self, connection: int, task: asyncio.Task[None]) -> None:
        self.files.add(task)
        self.of[connection] += 1

    def ended(self, connection: int, task: asyncio.Task[None]) -> None:
        self.files.discard(task)
        self.of[connection] -= 1
        if not self.of[connection]:
            del self.of[connection]


class Media:
    """Fetches files; one per worker. `pace` is how long what may take."""

    def __init__(
        self,
        database: Database,
        client: Client,
        store: Store,
        guards: Guards,
        snapshot: Callable[[], Snapshot],
        tokens: Tokens,
        pace: Pace | None = None,
    ) -> None:
        """Take the edges; `tokens` are access tokens that are still good."""
        self.pace = pace or Pace()
        self._database = database
        self._client = client
        self._store = store
        self._guards = guards
        self._snapshot = snapshot
        self._tokens = tokens
        self._poked = asyncio.Event()
        self._first, self._later = _Lane(False, OF_ONE_MAX), _Lane(True, AGAIN_OF_ONE_MAX)
        self._alone = _Lane(False, 1)
        self._others_next = False
        self.fetched = 0
        self.failed = 0

    def poke(self) -> None:
        """Look at once: a message with files was stored."""
        self._poked.set()

    async def run(self) -> None:
        """Fetch for ever."""
        trouble = Trouble("media")
        try:
            while True:
                with trouble:
                    await self.once()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._poked.wait()
                except TimeoutError:
                    continue
                self._poked.clear()
        finally:
            for task in self._tasks():
                task.cancel()
            # So that what they were at is given back.
            await asyncio.gather(*self._tasks(), return_exceptions=True)

    async def once(self) -> int:
        """Begin to fetch what is due, as much as there is room for; return how many.

        What is to be fetched alone takes turns with all the rest.
        """
        if self._alone.files:
            return 0
        waits = await media.waits_alone(self._database)
        if waits and not self._others_next:
            return await self._begin_alone()
        self._others_next = False
        begun = await self._begin(self._first, AT_ONCE)
        begun += await self._begin(self._later, AGAIN_MAX)
        return begun or (await self._begin_alone() if waits else 0)

    def _tasks(self) -> set[asyncio.Task[None]]:
        return self._first.files | self._later.files | self._alone.files

    async def _begin_alone(self) -> int:
        """Begin with what is fetched alone, once nothing else is under way."""
        if self._tasks():
            return 0
        file = await media.claim_alone(self._database, self.pace.lease_s)
        if file is None:
            return 0
        self._others_next = True
        self._start(self._alone, file)
        return 1

    async def _begin(self, lane: _Lane, most: int) -> int:
        free = min(most - len(lane.files), AT_ONCE - len(self._tasks()))
        if free <= 0:
            return 0
        claimed = await media.claim(
            self._database, lane.tried, free, self.pace.lease_s, lane.of_one, dict(lane.of)
        )
        for file in claimed:
            self._start(lane, file)
        return len(claimed)

    def _start(self, lane: _Lane, file: Claimed) -> None:
        limit_s = self.pace.full_s if lane.tried else self.pace.first_s
        task = asyncio.create_task(self._settle(file, limit_s))
        lane.began(file.connection, task)
        task.add_done_callback(partial(self._done, lane, file.connection))

    def _done(self, lane: _Lane, connection: int, task: asyncio.Task[None]) -> None:
        lane.ended(connection, task)
        self._poked.set()  # there is room for another one

    async def settled(self) -> None:
        """Wait until nothing is being fetched; for tests."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)

    async def _settle(self, file: Claimed, limit_s: float) -> None:
        """Fetch and keep a file, and note the end; until then it is ours, or it is given back."""
        work = asyncio.create_task(self._work(file, limit_s))
        try:
            while not (await asyncio.wait({work}, timeout=self.pace.hold_s))[0]:
                await self._hold(file)
            failure = work.result()
            if failure is not None:
                await self._put_off(file, failure)
        except DatabaseUnavailable as error:
            log.warning("media.not_recorded", error=str(error)[:200])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work})
            await self._give_back(file)
            raise
        finally:
            work.cancel()

    async def _hold(self, file: Claimed) -> None:
        try:
            await media.hold(self._database, file, self.pace.lease_s)
        except DatabaseUnavailable as error:
            log.warning("media.not_held", error=str(error)[:200])

    async def _give_back(self, file: Claimed) -> None:
        try:
            await media.give_back(self._database, file)
        except DatabaseUnavailable as error:
            log.warning("media.not_given_back", error=str(error)[:200])

    async def _work(self, file: Claimed, limit_s: float) -> _Failure | None:
        if file.unended > UNENDED_MAX:
            log.error("media.ends_workers", file=str(file.id), connection=file.connection)
            return _Failure(
                f"{UNENDED_MAX} tries to fetch it never came to an end: each time the worker that "
                "made it ended first. It is not tried again, for it may be the cause.", final=True
            )  # fmt: skip
        try:
            try:
                async with asyncio.timeout(limit_s):
                    found = await self._fetch(file, limit_s)
            except TimeoutError:
                return _Failure(f"It took longer than {limit_s:g} s.")
            if isinstance(found, _Failure):
                return found
            async with asyncio.timeout(KEEP_S):
                await self._keep(file, found)
        except TimeoutError:
            return _Failure(f"Keeping it took longer than {KEEP_S:g} s.")
        except StoreError as error:
            return _Failure(str(error))
        except DatabaseUnavailable:
            raise
        except RingbackError as error:
            return _Failure(str(error))
        except Exception:
            # A defect of ours must not leave a file that is tried for ever.
            log.exception("media.defect", file=str(file.id))
            return _Failure("Ringback could not make sense of it; this is a defect.")
        return None

    async def _keep(self, file: Claimed, found: _Found) -> None:
        await self._store.put(file.id, found.content)
        digest = hashlib.sha256(found.content).digest()
        named = (found.content_type or _text(file.entry.get("content_type")) or "")[:TYPE_MAX]
        await media.kept(self._database, file, named or None, len(found.content), digest)
        self.fetched += 1

    async def _put_off(self, file: Claimed, failure: _Failure) -> None:
        reason = failure.reason[:REASON_MAX]
        if failure.final or file.failures >= len(WAITS_S):
            await media.given_up(self._database, file, reason)
            self.failed += 1
            return
        await media.again(self._database, file, WAITS_S[file.failures], reason)

    async def _fetch(self, file: Claimed, limit_s: float) -> _Found | _Failure:
        """Ask the adapter how, and do it; each request within what is allowed for all of them."""
        connection = self._connection(file.connection)
        if connection is None:
            return _Failure("The connection is gone.", final=True)
        provider = registry.get(connection.provider)
        policy = self._guards.policy_of(connection)
        how = Talk(self._client, policy, limit_s, self._tokens, connection.id)
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
                Outgoing.of(request),
                policy=how.policy,
                deadline_s=how.deadline_s,
                body_max=FILE_MAX,
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
