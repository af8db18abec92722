"""Random calls of the hot functions, each made on the real database and on the model of it.

After every call the answers and the whole of every table are compared. What SQL leaves open (which
of equally old rows a claim takes, which rows an adoption begins with) the model is told; what it
takes must still be among what may be taken.
"""

import itertools
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from ringback.domain.ids import DAY_MS, floor7, time_of, uuid7
from ringback.storage import hot, workers
from ringback.storage.database import Connection
from ringback.storage.hot import CommitRows, Finished, Owned
from ringback.storage.queries import query
from ringback.storage.suppressions import Entry
from tests.simulation.lanes import Key
from tests.simulation.model import Refused, Store, micros

TENANT, MODE = 1, 2
ENDPOINTS = (1, 2, 3)
STEPS_SHOWN = 30
TABLES = {
    "subject_key": "key, tenant, mode, subject, part",
    "subject": "id, tenant, mode, kind, version, sequence, status, seen::text, data, merged",
    "fact": "subject, hash, tenant, mode",
    "search_key": "tenant, mode, kind, value, subject",
    "pending": "subject, tenant, mode, kind, connection, address, until",
    "once_key": "gen, key, tenant, mode",
    "suppression": "key, id, tenant, mode, address, channel, sender, word, since",
    "suppression_entry": "id, key, word, since, source, message, evidence",
    "callback": "id, tenant, mode, connection, outcome, items, subject",
    "event": "id, tenant, mode, pos, type, subject, sequence, occurred, callback, body",
    "attempt": "id, tenant, mode, event, endpoint, ord, n, worker, status, error, ms, final",
    "delivery": "lane, endpoint, ord, tenant, mode, event, owner, due, n, retry",
    "worker": "id, beat, alive, config_seen, boot_id, pid, pid_start",
}
_READ = "select " + ", ".join(
    f"(select array_agg(({columns})) from {table}) as {table}" for table, columns in TABLES.items()
)
_CLEAR = "; ".join(f"delete from {table}" for table in TABLES)
_NUMBERS = """
select (select last_value - (not is_called)::int from feed_position) as position,
       (select last_value - (not is_called)::int from worker_id_seq) as workers,
       (select gen from once_generation) as generation, clock_timestamp() as now
"""
Table = list[tuple[object, ...]]


def _plain(value: object) -> object:
    return micros(value) if isinstance(value, datetime) else value


def _row(table: str, row: tuple[Any, ...]) -> tuple[object, ...]:
    """Bring a row of either side to one form; ids that the database made by itself are left out."""
    if table == "attempt" and row[7] == 0:
        row = (None, *row[1:])
    return tuple(map(_plain, row))


def _sorted(table: str, rows: list[Any]) -> Table:
    return sorted((_row(table, tuple(row)) for row in rows), key=repr)


def model_tables(store: Store) -> dict[str, Table]:
    """Return the tables of a model in the form that the database's are brought to."""
    callbacks = [(*row[:4], row[10], row[12], row[13]) for row in store.callbacks.values()]
    subjects = [
        (s.id, s.tenant, s.mode, s.kind, s.version, s.sequence, s.status,
         "{" + ",".join(map(str, s.seen)) + "}", s.data, s.merged)
        for s in store.subjects.values()
    ]  # fmt: skip
    deliveries = [
        (d.lane, d.endpoint, d.ord, d.tenant, d.mode, d.event, d.owner, d.due, d.n, d.retry)
        for d in store.lanes
    ]
    living = [
        (w.id, w.beat, w.alive, w.config_seen, w.boot_id, w.pid, w.pid_start)
        for w in store.workers.values()
    ]
    found: dict[str, list[Any]] = {
        "subject_key": list(store.keys.values()), "subject": subjects,
        "fact": list(store.facts.values()), "search_key": list(store.search),
        "pending": list(store.pending.values()), "once_key": list(store.once.values()),
        "callback": callbacks, "event": list(store.events.values()),
        "attempt": [row[:12] for row in store.attempts.values()], "delivery": deliveries,
        "worker": living,
        "suppression": [
            (key, id_, one.tenant, one.mode, one.address, one.channel, one.sender, word, at * 1000)
            for key, (id_, word, at, one) in store.in_force.items()
        ],
        "suppression_entry": [
            (one.id, one.key, one.word, one.since_ms * 1000, one.source, one.message,
             b'{"keyword": "STOP"}')
            for one in store.wishes.values()
        ],
    }  # fmt: skip
    return {table: _sorted(table, rows) for table, rows in found.items()}


class Twin:
    """One sequence of calls. `session` is a hot connection, `watcher` another one."""

    def __init__(self, session: Connection, watcher: Connection, seed: int) -> None:
        """Take the connections; what is called follows from the seed alone."""
        self.session = session
        self.watcher = watcher
        self.random = random.Random(seed)
        self.store = Store()
        self.steps: list[str] = []
        self.now_ms = 0
        self._today_ms = 0
        self._lanes: list[uuid.UUID] = []
        self._once: list[uuid.UUID] = []
        self._addresses = ("+1", "+2", None)
        self._values = itertools.count()

    async def begin(self) -> None:
        """Empty the tables and start the model from the database's own numbers."""
        await self.watcher.execute(_CLEAR)
        row = await self.watcher.fetchrow(_NUMBERS)
        assert row is not None
        self.store = Store(row["position"], row["workers"], row["generation"])
        self._today_ms = self.now_ms = micros(row["now"]) // 1000
        self._lanes = [self._uuid() for _ in range(4)]
        self._once = [self._uuid() for _ in range(3)]
        for _ in range(2):
            await self._register()

    async def run(self, calls: int) -> None:
        """Make so many calls; AssertionError with the last steps when the two differ."""
        await self.begin()
        for _ in range(calls):
            self.now_ms += self.random.choice((0, 1, 1000, 7000, 60_000))
            call = self.random.choices(list(CALLS), list(CALLS.values()))[0]
            try:
                await call(self)
                await self._compare()
            except AssertionError as error:
                shown = "\n".join(self.steps[-STEPS_SHOWN:])
                raise AssertionError(f"{error}\nlast steps:\n{shown}") from None

    async def _compare(self) -> None:
        row = await self.watcher.fetchrow(_READ)
        assert row is not None
        mine = model_tables(self.store)
        for table in TABLES:
            real = _sorted(table, row[table] or [])
            assert mine[table] == real, f"{table}: model {mine[table]}, database {real}"

    async def _both(self, name: str, real: Awaitable[Any], mine: Callable[[], Any]) -> Any:
        """Wait for the database's answer and hold the model's to it."""
        self.steps.append(name)
        try:
            said = await real
        except asyncpg.UniqueViolationError:
            said = Refused
        try:
            mirrored = mine()
        except Refused:
            mirrored = Refused
        assert mirrored == said, f"{name}: model {mirrored}, database {said}"
        return said

    # What is used in the calls.

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128))

    def _id(self, at_ms: int | None = None) -> uuid.UUID:
        return uuid7(at_ms or self._today_ms, self.random.randbytes(10))

    @property
    def _now(self) -> int:
        return self.now_ms * 1000

    def _worker(self) -> int:
        return self.random.choice([*self.store.workers, 2_000_000_000])

    def _some(self, most: int) -> range:
        return range(self.random.randint(0, most))

    # Committing.

    async def _commit(self) -> None:
        rows, worker = CommitRows(), self._worker()
        self._subjects(rows)
        self._once_keys(rows)
        self._wishes(rows)
        self._events(rows)
        self._deliveries(rows)
        real = hot.commit_batch(self.session, worker, rows, hot.timestamp(self.now_ms))

        async def answered() -> object:
            done = await real
            return done._replace(
                lost=sorted(done.lost), repeated=sorted(done.repeated), behind=sorted(done.behind)
            )

        written = {name: table for name, table in msgspec.structs.asdict(rows).items() if table}
        name = f"commit by {worker} at {self.now_ms}: {written}"
        await self._both(name, answered(), lambda: self.store.commit_batch(worker, rows, self._now))

    def _subjects(self, rows: CommitRows) -> None:
        known = list(self.store.subjects.values())
        chosen = self.random.sample(known, min(len(known), self.random.randint(0, 2)))
        for subject in chosen:
            other = subject.version - 1 if subject.version else 7
            stale = self.random.random() < 0.2
            self._subject(rows, subject.id, other if stale else subject.version)
        for _ in self._some(2):
            self._subject(rows, self._id(), -1)
        places = range(1, len(rows.subjects) + 1)
        taken: set[uuid.UUID] = set()
        for place in places:
            for _ in self._some(2):
                old = list(self.store.keys)
                key = (
                    self.random.choice(old) if old and self.random.random() < 0.3 else self._uuid()
                )
                if key not in taken:
                    taken.add(key)
                    rows.keys.append((key, place, self.random.randint(0, 3)))
            for _ in self._some(1):
                rows.facts.append((place, self.random.randint(1, 5)))
                rows.search.append((place, 1, f"v{self.random.randint(1, 5)}"))
            if self.random.random() < 0.3:
                address = self.random.choice(self._addresses)
                rows.pending.append((place, self.random.randint(1, 2), 1, address, 60))
            elif self.random.random() < 0.3:
                rows.settled.append((place, self.random.choice((0, *places))))
        for _ in self._some(2):
            self._callback(rows, self.random.sample(places, min(len(places), 2)))

    def _subject(self, rows: CommitRows, id_: uuid.UUID, version: int) -> None:
        merged = self.random.choice([None, None, None, *self.store.subjects])
        seen = "{" + ",".join(str(next(self._values)) for _ in self._some(3)) + "}"
        rows.subjects.append(
            (id_, TENANT, MODE, self.random.choice((1, 8, 9)), version, next(self._values), 4, seen,
             b"data %d" % next(self._values), None if merged == id_ else merged)
        )  # fmt: skip

    def _callback(self, rows: CommitRows, subjects: list[int]) -> None:
        old = list(self.store.callbacks)
        id_ = self.random.choice(old) if old and self.random.random() < 0.05 else self._id()
        if id_ in {row[0] for row in rows.callbacks}:
            return
        rows.callbacks.append(
            (id_, TENANT, MODE, 1, hot.timestamp(self.now_ms), "POST", "/in/x", "", b"[]", b"{}", 2,
             "", 1, None)
        )  # fmt: skip
        rows.about.extend((len(rows.callbacks), place) for place in subjects)

    def _once_keys(self, rows: CommitRows) -> None:
        for key in self.random.sample(self._once, self.random.choice((0, 0, 1, 2))):
            rows.once.append((key, TENANT, MODE))

    def _wishes(self, rows: CommitRows) -> None:
        if not rows.once:
            return
        for _ in self._some(2):
            channel, sender = self.random.choice((None, "sms")), self.random.choice((None, "+9"))
            address = self.random.choice(("+1", "+2"))
            word = self.random.choice((1, 2, 4))
            # A line of where somebody went is about whom its key says, wherever that is.
            if word == 4:
                channel, sender = "sms", "+9"
            who = "of a move" if word == 4 else address
            key = uuid.uuid5(uuid.NAMESPACE_OID, f"{who} {channel} {sender}")
            # Wishes of one moment are told apart by their words alone: no two of a key are alike.
            since = self.now_ms + next(self._values) - self.random.choice((0, 5000))
            entry = Entry(
                self._id(), TENANT, MODE, key, "phone", address, channel, sender, None, 1,
                word, since, "keyword", None, None, None,
                {"keyword": "STOP"},
            )  # fmt: skip
            rows.wishes.append((self.random.randint(1, len(rows.once)), entry.written()))

    def _events(self, rows: CommitRows) -> None:
        for _ in self._some(4):
            old = list(self.store.events)
            again = old and self.random.random() < 0.02
            id_ = self.random.choice(old) if again else self._id(self._today_ms + self._spread())
            if id_ in {row[0] for row in rows.events}:
                continue
            rows.events.append(
                (id_, TENANT, MODE, "message.sent", self.random.randint(0, len(rows.subjects)),
                 self.random.randint(0, len(rows.once)), 1, hot.timestamp(self.now_ms), None,
                 b"body")
            )  # fmt: skip
        stored = list(self.store.events)
        for id_ in self.random.sample(stored, min(len(stored), self.random.choice((0, 0, 1)))):
            rows.replays.append((id_, TENANT, MODE))

    def _spread(self) -> int:
        return self.random.randint(0, DAY_MS // 2)

    def _deliveries(self, rows: CommitRows) -> None:
        total = len(rows.events) + len(rows.replays)
        found: dict[tuple[uuid.UUID, int, int], tuple[bool, bool]] = {}
        for event in range(1, total + 1):
            for _ in self._some(2):
                key = (self.random.choice(self._lanes), self.random.choice(ENDPOINTS), event)
                found[key] = (self.random.random() < 0.6, self.random.random() < 0.9)
        for (lane, endpoint, event), flags in sorted(found.items()):
            rows.deliveries.append((event, endpoint, lane, *flags))

    # Deliveries.

    def _held(self, worker: int) -> list[Owned]:
        """Choose deliveries: mostly what a worker owns, sometimes what it does not."""
        mine = [row.owned for row in self.store.lanes.owned(worker)]
        other = [row.owned for row in self.store.lanes]
        pool = mine if mine and self.random.random() < 0.8 else other
        return self.random.sample(pool, min(len(pool), self.random.randint(1, 4)))

    async def _finish(self) -> None:
        worker = self._worker()
        results = [
            Finished(
                owned.lane, owned.endpoint, owned.ord, self._id(), self.random.choice((200, None)),
                self.random.choice((None, "timeout")), self.random.randint(0, 64) / 4,
                self.random.choice((0, 0, 1, 1, 2, 3)), self.random.uniform(0, 60), b"{}", b"",
            )
            for owned in self._held(worker)
        ]  # fmt: skip
        if not results:
            return

        async def answered(repeat: str) -> None:
            now = hot.timestamp(self.now_ms)
            real = hot.finish_batch(self.session, worker, results, now)
            name = f"finish {repeat} by {worker} at {self.now_ms}: {results}"
            await self._both(
                name, _in_order(real),
                lambda: sorted(self.store.finish_batch(worker, results, self._now)),
            )  # fmt: skip

        await answered("once")
        if self.random.random() < 0.1:
            # Whoever owns it again by now is refused: such an attempt is stored.
            await self._compare()
            await answered("again")

    async def _claim(self) -> None:
        worker = self._worker()
        free = {e: self.random.randint(0, 3) for e in ENDPOINTS if self.random.random() < 0.8}
        if not free:
            return
        said = await hot.claim(self.session, worker, free, hot.timestamp(self.now_ms))
        took = {row[:3] for row in said}
        name = f"claim by {worker} at {self.now_ms}: {free}"
        await self._both(
            name, _value(sorted(said)),
            lambda: sorted(self.store.claim(worker, free, self._now, took)),
        )  # fmt: skip

    async def _release(self) -> None:
        worker = self._worker()
        given = self._held(worker)
        if not given:
            return
        async with self.session.transaction():
            # It takes no time from us: its own is the transaction's.
            now = micros(await self.session.fetchval("select now()"))
            await hot.release(self.session, worker, given)
        name = f"release by {worker}: {given}"
        await self._both(name, _value(None), lambda: self.store.release(worker, given, now))

    async def _end_gone(self) -> None:
        worker = self._worker()
        held = self._held(worker)
        for owned in held[::2]:
            await self.watcher.execute("delete from event where id = $1", owned.event)
            self.store.events.pop(owned.event, None)
        async with self.session.transaction():
            now = micros(await self.session.fetchval("select now()"))
            said = await hot.end_gone(self.session, worker, held)
        name = f"end what is gone by {worker}: {held}"
        await self._both(name, _value(said), lambda: self.store.end_gone(worker, held, now))

    # Workers.

    async def _register(self) -> None:
        real = workers.register(self.session, "boot", 1, 1.5)
        await self._both("register", real, lambda: self.store.register("boot", 1, 1.5))

    async def _heartbeat(self) -> None:
        worker, seen = self._worker(), self.random.randint(1, 9)
        beat = await workers.heartbeat(self.session, worker, seen)
        name = f"heartbeat of {worker}"
        await self._both(
            name, _value(beat and beat.beat), lambda: self.store.heartbeat(worker, seen)
        )

    async def _retire(self) -> None:
        worker = self._worker()
        known = self.store.workers.get(worker)
        beat = (known.beat if known else 0) - (self.random.random() < 0.3)
        real = workers.retire(self.session, workers.Peer(worker, beat, "", 0, 0.0))
        name = f"retire {worker} at beat {beat}"
        await self._both(name, real, lambda: self.store.retire(worker, beat))

    async def _leave(self) -> None:
        worker = self._worker()
        told = await workers.leave(self.session, worker)
        await self._both(
            f"leave {worker}", _value(told is not None), lambda: self.store.leave(worker)
        )

    async def _adopt(self) -> None:
        limit = self.random.choice((1, 3, 1000))
        before = {row.key for row in self.store.lanes if row.owner is not None}
        now = hot.timestamp(self.now_ms)
        said = await self.session.fetchval(query("workers.adopt"), now, limit)
        took = before - await self._keys("owner is not null")
        await self._both(
            f"adopt {limit} at {self.now_ms}", _value(said),
            lambda: self.store.adopt(self._now, limit, took),
        )  # fmt: skip

    async def _unblock(self) -> None:
        real = self.session.fetchval(query("workers.unblock"), hot.timestamp(self.now_ms))
        await self._both("unblock", real, lambda: self.store.unblock(self._now))

    async def _expire(self) -> None:
        limit = self.random.choice((1, 2, 1000))
        before = floor7(self._today_ms + self._spread() // 2)
        had = {row.key for row in self.store.lanes}
        async with self.session.transaction():
            now = micros(await self.session.fetchval("select now()"))
            expire = query("partitions.expire_deliveries")
            said = await self.session.fetchval(expire, before, limit)
        took = had - await self._keys("true")
        await self._both(
            f"expire {limit} below {time_of(before)}", _value(said),
            lambda: self.store.expire(before, limit, now, took),
        )  # fmt: skip

    async def _keys(self, which: str) -> set[Key]:
        rows = await self.watcher.fetch(f"select lane, endpoint, ord from delivery where {which}")
        return {(row[0], row[1], row[2]) for row in rows}

    # Reading.

    async def _read(self) -> None:
        keys = [*self.random.sample(list(self.store.keys), min(3, len(self.store.keys)))]
        keys.append(self._uuid())
        real, _ = await hot.read_subjects(self.session, keys)
        await self._both(f"read {keys}", _value(real), lambda: self.store.read_subjects(keys))
        facts = [(id_, self.random.randint(1, 5)) for id_ in list(self.store.subjects)[:3]]
        found = hot.read_facts(self.session, facts)
        await self._both(f"facts {facts}", found, lambda: self.store.read_facts(facts))
        once = hot.read_once(self.session, self._once)
        await self._both("once", once, lambda: self.store.read_once(self._once))
        ids = [*list(self.store.events)[:3], self._id()]
        stored = hot.stored(self.session, ids, ids)
        await self._both(f"stored {ids}", stored, lambda: self.store.stored(ids, ids))
        bodies = hot.bodies(self.session, ids)
        await self._both(f"bodies {ids}", bodies, lambda: self.store.bodies(ids))
        owner = self._worker()
        owned = _in_order(hot.owned_by(self.session, owner))
        mine = [row.owned for row in self.store.lanes.owned(owner)]
        await self._both(f"owned by {owner}", owned, lambda: sorted(mine))

    async def _in_flight(self) -> None:
        wanted = {(number, address) for number in (1, 2) for address in ("+1", "+9", None)}
        keys = [*list(self.store.keys)[:2], self._uuid()]
        async with self.session.transaction():
            now = micros(await self.session.fetchval("select now()"))
            read, said = await hot.read_subjects(self.session, keys, wanted)
        mine = self.store.read_in_flight(wanted, now)
        await self._both(f"reported {keys}", _value(read), lambda: self.store.read_subjects(keys))
        # Asked for any address, the database may name one of them as well.
        await self._both("in flight", _value(said & wanted), lambda: mine)


async def _in_order(real: Awaitable[list[Owned]]) -> list[Owned]:
    return sorted(await real)


async def _value(value: object) -> object:
    return value


CALLS: dict[Callable[[Twin], Awaitable[None]], int] = {
    Twin._commit: 30, Twin._finish: 25, Twin._claim: 15, Twin._release: 6, Twin._adopt: 8,
    Twin._retire: 7, Twin._heartbeat: 3, Twin._read: 5, Twin._in_flight: 2, Twin._expire: 3,
    Twin._unblock: 2, Twin._leave: 1, Twin._register: 1, Twin._end_gone: 3,
}  # fmt: skip
