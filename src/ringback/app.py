"""The composition root: the only place that builds objects. One engine a worker process.

Receiver, Publisher ─▶ Committer ─▶ Push ─▶ Recorder        (the hot path)

Not here: what stands before it, over HTTP (serving.py).
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from ringback.domain.bucket_signing import Credentials
from ringback.domain.endpoints import Connection, Endpoint
from ringback.domain.http import Callback, HttpResponse
from ringback.domain.retry import Verdict
from ringback.errors import DatabaseUnavailable, SettingsError
from ringback.services import connection_changes, crew, failpoints
from ringback.services.again import Again
from ringback.services.answers import Answers
from ringback.services.claim import Claimer
from ringback.services.clock import Clock
from ringback.services.commit import Backlog, Committer
from ringback.services.configuration import Configuration
from ringback.services.endings import Endings
from ringback.services.fake_apis import FakeApis
from ringback.services.feed import Feed
from ringback.services.figures import Watch
from ringback.services.flood import Flood
from ringback.services.folding import Folding
from ringback.services.guards import Guards
from ringback.services.health import Health
from ringback.services.held import Held, Reconciler
from ringback.services.inspector import Inspector
from ringback.services.key_use import KeyUse
from ringback.services.media import Media
from ringback.services.media_store import Bucket, Directory, Store
from ringback.services.meters import Meters
from ringback.services.native import NativeIntake
from ringback.services.numbers import Ledger
from ringback.services.own_listener import own_listener
from ringback.services.passwords import Passwords
from ringback.services.play import Player
from ringback.services.pressure import Pressure
from ringback.services.publish import Publisher
from ringback.services.push import Push
from ringback.services.rate_limits import RateLimits
from ringback.services.receive import Receiver
from ringback.services.record import Bodies, Recorder
from ringback.services.request_log import RequestLog
from ringback.services.resuming import Resuming
from ringback.services.retain import Periods, Retainer
from ringback.services.send import Sender, Sweeper
from ringback.services.session_use import SessionUse
from ringback.services.sign_in import SignIn
from ringback.services.silence import Silence
from ringback.services.simulate import Simulator
from ringback.services.slots import Job
from ringback.services.snapshot import Snapshot
from ringback.services.stuck import Astray, Stuck
from ringback.services.subscribe import Subscriber, Ways
from ringback.services.talk import Tokens
from ringback.services.trials import Trials
from ringback.services.trouble import Trouble
from ringback.services.workers import ANSWER_S, Lease, Workers
from ringback.settings import Settings
from ringback.storage import workers as worker_table
from ringback.storage.configuration import check_vault
from ringback.storage.database import Database, Lifeline
from ringback.storage.faults import OF_DATABASE
from ringback.storage.link import HotLink
from ringback.storage.vault import Vault
from ringback.transport.client import Client
from ringback.transport.dial import connect_tcp

# How long deliveries under way are waited for: told to stop by SIGTERM, and told to hurry.
DRAIN_S = 20.0
QUICK_S = 3.0
# What is then left for recording them, and for committing what came in before.
_RECORD_S = 1.0
# Objects made before the collector looks at the youngest, and how seldom it looks at older ones.
GC_THRESHOLDS = (20_000, 20, 20)
DRAINED_LOOK_S = 0.01
# Between two tries to register.
REGISTER_S = 1.0
# From so much work that waits, a second batch is decided while the first is being written.
SECOND_FROM = 32
# From so many deliveries on their way, intake is slowed if this worker cannot keep up.
ON_THE_WAY_HIGH = 1024
log = structlog.get_logger()


class Engine:
    """Everything that one worker runs, built but not started."""

    def __init__(self, settings: Settings, dsn: str, secret_keys: tuple[str, ...]) -> None:
        """Build all parts and connect them; no I/O yet."""
        self.settings = settings
        self.clock = Clock()
        self.database = Database(dsn)
        self.configuration = Configuration(
            self.database, Vault(*secret_keys), base_url=settings.base_url
        )
        self.lease = Lease(self.clock)
        self.key_use = KeyUse(self.database)
        self.session_use = SessionUse(self.configuration, self.database)
        self.passwords = Passwords()
        self.sign_in = SignIn(self.configuration, self.database, self.clock, self.passwords)
        self.request_log = RequestLog(settings.request_log, lambda: self.configuration.snapshot)
        self.rate_limits = RateLimits(lambda: self.configuration.snapshot, settings.rate_limit)
        self.flood = Flood()
        self.own = own_listener(settings.host, settings.port, settings.base_url)
        self.client = Client(own=self.own, connect=failpoints.connecting(connect_tcp))
        self.guards = Guards(settings.lock_egress, settings.allow_metadata)
        self.store = _store(settings, self.client, self.clock)
        self.media = Media(
            self.database, self.client, self.store, self.guards,
            lambda: self.configuration.snapshot, Tokens(),
        )  # fmt: skip
        self.links = [HotLink(dsn, slot, self._broken) for slot in range(5)]
        self.held = Held()
        self.kept = Bodies()
        claiming = asyncio.Lock()
        self.recorder = Recorder(
            self.links[0], self.kept, self.held, self.lease.worker, self._desk, self._recorded,
            claiming,
        )  # fmt: skip
        self.push = Push(
            self.client, self.clock, self.recorder.put, self.recorder.release, self.kept,
            self.held, self.lease.held_by, os.urandom, self._ended,
            lambda: self.recorder.unrecorded, guards=self.guards,
            schedule_s=settings.retry_schedule_s,
        )  # fmt: skip
        self.workers = Workers(
            Lifeline(dsn, ANSWER_S), self.database, self.lease, self.clock,
            lambda: self.configuration.version, self.configuration.reload_over, self.push.drop,
            self._freed, self.flood, Ledger(lambda: self.meters), self.push.crew,
        )  # fmt: skip
        quiet: list[asyncio.Lock] = [self.recorder.quiet]
        self.reconciler = Reconciler(self.database, self.held, quiet, self.links)
        self.claimer = Claimer(
            self.links[1], self.kept, self.lease.worker, self.push.free, self.push, claiming
        )
        backlog = Backlog()
        self.committer = self._committer(2, backlog)
        self.second = self._committer(3, backlog, least=SECOND_FROM)
        self.large = self._committer(4, Backlog())
        self.committers = (self.committer, self.second, self.large)
        quiet += [self.claimer.quiet, *(one.quiet for one in self.committers)]
        self.pressure = Pressure(
            lambda: len(self.held), lambda: self.recorder.unrecorded, ON_THE_WAY_HIGH
        )
        self._open_doors()
        self.stuck = Stuck(self.database)
        self.astray = Astray(self.database, self.held, lambda: self.lease.id, self.reconciler.once)
        self.feed = Feed(self.database, self.clock)
        self.meters = Meters(
            self.receiver, self.publisher, self.committers, self.push, self.recorder,
            self.pressure, self.workers, self.reconciler, self.stuck, self.astray, self.feed,
            self.resuming, {},
        )  # fmt: skip
        self._surround(settings)
        self.inspector: Inspector | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _surround(self, settings: Settings) -> None:
        """Build what stands around the hot path."""
        silence = Silence(self.configuration, self.clock)
        self.watch = Watch(self.database, self.configuration, self.workers, self.meters, silence)
        self.endings = Endings(self.committer, self.configuration, self.clock)
        committers = (self.committer, self.large)
        self.again = Again(self.configuration, self.database, committers, self.clock)
        self.trials = Trials(self.configuration, self.database, self.committer, self.clock)
        self.answers = Answers(self.database, self.clock, self.lease.worker)
        edges = connection_changes.Edges(self.configuration, self.clock, None)
        self.retainer = Retainer(
            self.database, Periods(), store=self.store,
            forget=lambda: connection_changes.forget(edges),
        )  # fmt: skip
        self.folding = Folding(
            self.database, self.clock, lambda: [*self.configuration.snapshot.tenants.values()]
        )
        # A client of its own: the outgoing one refuses our own listener, and this one posts to it.
        self.door = Client()
        self.sender = Sender(self.committer, self.clock, self.receiver.unknown_codes)
        self.simulator = Simulator(self.door, self.clock, settings.base_url, self.sender)
        self.player = Player(self.simulator, self.database, self.clock)
        self.fakes = FakeApis(self.configuration, self.clock, self.simulator, settings.base_url)
        ways = Ways(self.client, self.door, settings.base_url, settings.public_url)
        self.subscriber = Subscriber(ways, self.guards, self.database, self.clock)
        self.sweeper = Sweeper(self.database, self.committer, self.clock)

    def _committer(self, slot: int, backlog: Backlog, least: int = 1) -> Committer:
        return Committer(
            self.links[slot], self.configuration, self.push, self.clock, self.lease.worker,
            self.flood, backlog=backlog, least=least, fetch=self.media.poke,
        )  # fmt: skip

    def _open_doors(self) -> None:
        """Build what requests past the framework go to."""
        self.resuming = Resuming(
            self.configuration, self.database, (self.committer, self.large), self.clock,
            self.pressure,
        )  # fmt: skip
        self.receiver = Receiver(
            self.configuration, self.committer, self.large, self.clock, self.flood, self.pressure,
            self._keyed, self.resuming.full, self.database,
        )  # fmt: skip
        self.native = NativeIntake(
            self.configuration, self.clock, self.pressure, self.receiver, self.key_use.note,
            self.request_log, self.rate_limits,
        )  # fmt: skip
        self.publisher = Publisher(
            self.configuration, self.committer, self.large, self.clock, self.pressure,
            self.key_use.note, self.request_log, self.rate_limits,
        )  # fmt: skip

    def _desk(self) -> Push:
        return self.push

    def _recorded(self) -> None:
        self.push.fill()

    def _freed(self) -> None:
        self.claimer.poke()

    async def _keyed(self, connection: Connection, callback: Callback) -> HttpResponse:
        return await self.native.take(connection, callback)

    def _broken(self, worker: int) -> None:
        self.reconciler.ask(worker)

    async def _ended(
        self, endpoint: Endpoint, job: Job, verdict: Verdict, status: int | None,
        standing: Callable[[], bool],
    ) -> None:  # fmt: skip
        await self.endings.ended(endpoint, job, verdict, status, standing)

    async def start(self) -> None:
        """Connect, register, load the configuration and start every loop."""
        self.configuration.on_reload(self._configured)
        self.configuration.on_reload(self.rate_limits.configure)
        await self._register()
        self.push.resume()
        first = min(self.configuration.snapshot.tenants, default=0)
        self.inspector = Inspector(self.database, first)
        loops: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *(committer.run for committer in self.committers), self.workers.run,
            partial(self.configuration.listen, self.workers.poke), self.recorder.run,
            self.claimer.run, self.retainer.run, self.inspector.run, self.reconciler.run,
            self.pressure.run, self.sweeper.run, self.stuck.run, self.astray.run, self.key_use.run,
            self.session_use.run, self.folding.run, self.media.run, self.resuming.run,
            self.endings.run,
        ]  # fmt: skip
        self._tasks = [asyncio.create_task(self._watched(loop)) for loop in loops]
        spare_collector()

    async def _register(self) -> None:
        """Connect, load the configuration and register, again until the database takes it.

        It was there when the supervisor looked. A worker that ended now would be replaced by one
        that meets the same.
        """
        trouble = Trouble("worker.start")
        while True:
            try:
                await self.database.open()
                await check_vault(self.database, self.configuration.vault)
                await self.configuration.reload()
                await self.workers.join()
            except OF_DATABASE as error:
                trouble.note(error)
                await self.database.close()
                await asyncio.sleep(REGISTER_S)
            else:
                trouble.over()
                return

    def _configured(self, snapshot: Snapshot) -> None:
        self.push.configure(snapshot)
        self.claimer.poke()
        self.feed.recheck()
        self.resuming.poke()

    async def _watched(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a loop that must not end: a worker that has lost a part must not pretend to serve."""
        try:
            await loop()
        except asyncio.CancelledError:
            raise
        except BaseException:
            log.exception("engine.defect", reason="a loop ended; the worker stops")
            os.kill(os.getpid(), crew.HURRY)
            raise

    async def stop(self, seconds: float = QUICK_S) -> None:
        """Drain: commit what came in, finish what is on the wire, give the rest back.

        Deliveries under way have so many `seconds`; it ends as soon as none is left.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + _RECORD_S):
                # What one could not store comes round again, perhaps to another.
                while any(committer.working for committer in self.committers):
                    await asyncio.sleep(DRAINED_LOOK_S)
                await self.push.drain(seconds)
                await self.recorder.drained()
        self.simulator.close()
        await self.feed.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for use in (self.key_use, self.session_use):
            with Trouble("worker.stop"):
                await use.flush()
        self.passwords.close()
        await self.workers.leave()
        await self.client.close()
        await self.door.close()
        for link in self.links:
            await link.close()
        await self.database.close()

    async def health(self) -> Health:
        """Say whether this worker can do its work, and how far behind deliveries are."""
        reasons = []
        seconds, waiting = 0.0, 0
        try:
            async with self.database.acquire() as connection:
                seconds, waiting, _ = await worker_table.waiting(connection, self.push.slow)
        except DatabaseUnavailable as error:
            reasons.append(str(error))
        if not self.lease.held():
            reasons.append("This worker holds no lease: it has lost touch with the database.")
        if not self.clock.trusted:
            reasons.append("The clock is more than 60 s off the database's.")
        return Health(
            ready=not reasons, reasons=reasons, oldest_due_s=round(seconds, 3), waiting=waiting,
            sending=self.push.active, queued=self.push.queued, stuck=self.workers.stuck,
        )  # fmt: skip


def spare_collector() -> None:
    """Let the garbage collector pass over all that there is, and look seldom at what comes."""
    # What was built at start lives as long as the process.
    gc.collect()
    gc.freeze()
    # Requests leave no cycles behind: looking for them seldom saves a few percent.
    gc.set_threshold(*GC_THRESHOLDS)


def _store(settings: Settings, client: Client, clock: Clock) -> Store:
    """Build what keeps people's files. Raises SettingsError when a bucket has no key."""
    if settings.media_bucket is None:
        # Only now: it brings the whole embedded server along.
        from ringback.services.embedded.server import default_data_dir  # noqa: PLC0415

        return Directory(settings.media_dir or (settings.data_dir or default_data_dir()) / "media")
    if not (settings.media_bucket_key_id and settings.media_bucket_secret):
        raise SettingsError(
            "RINGBACK_MEDIA_BUCKET needs RINGBACK_MEDIA_BUCKET_KEY_ID and "
            "RINGBACK_MEDIA_BUCKET_SECRET."
        )
    credentials = Credentials(
        settings.media_bucket_key_id, settings.media_bucket_secret, settings.media_bucket_region
    )
    return Bucket(client, clock, settings.media_bucket, credentials)


def build(settings: Settings) -> Engine:
    """Build the engine of one worker. Raises SettingsError when something is missing."""
    assert settings.database_url is not None
    keys = tuple(key for key in (settings.secret_key or "").split(",") if key.strip())
    return Engine(settings, settings.database_url, keys)
