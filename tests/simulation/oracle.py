"""What must hold at every step of a simulation, and at its end.

It watches the store, the requests and the answers, and knows what nobody inside knows: which
worker was killed, which answer was lost, what a receiver has taken. It decides nothing.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ringback.domain.event_types import matches
from ringback.domain.ids import delivery_id, show
from ringback.domain.retry import JITTER, RETRY_AFTER_MAX_S, retry_after
from ringback.storage.configuration import Everything
from ringback.storage.hot import CommitRows, Committed, Finished, Owned
from ringback.transport.exchange import Exchange, Outgoing
from tests.simulation.lanes import Key, Lane, Row
from tests.simulation.model import SECOND, Store
from tests.simulation.receivers import Reply
from tests.simulation.server import Server
from tests.simulation.statements import Rows, commit_rows
from tests.simulation.timeloop import Process

STEPS_SHOWN = 30
# How many results may wait to be recorded by a worker that stops: G3.
UNRECORDED_MAX = 500
# A date has whole seconds, and a due time microseconds.
ROUNDING_S = 1e-5
CLOCK_SETTLED_S = 60.0
# What is promised, whatever the engine takes it to be.
LEASE_S = 8.0
# A claim a second, and a way to the database and back.
CLAIMED_S = 1.5
GONE = 410
Pair = tuple[int, str]


class Violation(AssertionError):
    """A promise was broken."""


class _Attempt(NamedTuple):
    """What a worker was told of its last attempt: the window that its retry must fall into."""

    status: int | None
    error: str | None
    retry_after: str | None
    answered_ms: int


class _About(msgspec.Struct):
    """What is read of an event's body."""

    type: str
    data: dict[str, Any]


_about = msgspec.json.Decoder(_About).decode


class Oracle:
    """Collects what happens, and raises `Violation` in the step that breaks a promise."""

    def __init__(self, server: Server, clock_ms: Callable[[Process], int]) -> None:
        """Watch a server; `clock_ms` is what a worker believes the time is."""
        self._server = server
        self._clock_ms = clock_ms
        self.steps: deque[tuple[Any, ...]] = deque(maxlen=STEPS_SHOWN)
        self.counts: Counter[str] = Counter()
        self.disabled: set[int] = set()
        # Events that were acknowledged, and the endpoints that each is owed to.
        self.owed: dict[str, frozenset[int]] = {}
        self.acknowledged: set[str] = set()
        self.reports: set[tuple[str, str]] = set()
        self._open: dict[Pair, Key] = {}
        self._over: set[Pair] = set()
        self._taken: Counter[Pair] = Counter()
        self._excused: Counter[Pair] = Counter()
        self._first: dict[Lane, int] = {}
        self._attempts: dict[Pair, _Attempt] = {}
        self._unsettled: dict[Process, Counter[Pair]] = {}
        self._flying: dict[tuple[Process, int], int] = {}
        self._wanted: dict[tuple[int, object, object], frozenset[int]] = {}
        self._finishing: list[tuple[Finished, int | None, int]] = []
        # When a worker's clock was last moved, in the loop's seconds.
        self.jumped: dict[Process, float] = {}
        # How many repeats G3 allows for what was killed or stood still.
        self.bound = 0
        # Until when something was wrong, or lately, in the loop's seconds.
        self.disturbed_until = 0.0
        # Until when an endpoint was sent to slowly, or lately: what is due for it may have to wait.
        self.slow_until: dict[int, float] = {}
        self._beaten: dict[Process, float] = {}

    @property
    def _store(self) -> Store:
        return self._server.store

    @property
    def open(self) -> list[Row]:
        """What is owed to endpoints that take anything."""
        # It is disabled before it is said to be.
        off = self._off()
        return [row for row in self._store.lanes if row.endpoint not in off]

    def _off(self) -> set[int]:
        return {e.engine.no for e in self._server.everything.endpoints if e.engine.disabled}

    @property
    def flying(self) -> int:
        """How many requests are under way."""
        return sum(self._flying.values())

    def say(self, *step: object) -> None:
        """Note a step, to be shown when something is wrong."""
        self.steps.append((self._server.loop.time(), self._server.now(), *step))

    def demand(self, holds: object, what: str) -> None:
        """Raise unless it holds."""
        if not holds:
            raise Violation(what)

    def shown(self) -> str:
        """Return the last steps, one on a line: loop seconds, the world's time, what happened."""
        return "\n".join(
            f"{at:.4f} {now / SECOND:.6f} " + " ".join(map(str, rest))
            for at, now, *rest in self.steps
        )

    # Faults.

    def excuse(self, process: Process) -> None:
        """Allow a repeat of what a worker has begun that was killed, or retired alive: G3."""
        begun = self._unsettled.pop(process, Counter())
        self._excused.update(begun)
        self.bound += min(sum(begun.values()), UNRECORDED_MAX + self.flying) + 1

    def killed(self, process: Process) -> None:
        """Learn that a worker is dead, with everything that it had under way."""
        self.say(process.name, "is killed")
        self.excuse(process)
        for place in [place for place in self._flying if place[0] is process]:
            del self._flying[place]

    # The store.

    def finishing(self, results: list[Finished]) -> None:
        """Remember what is about to be completed."""
        self._finishing = []
        for result in results:
            row = self._store.lanes.get(result[:3])
            if row is not None:
                self._finishing.append((result, row.owner, row.n))

    def executed(self, process: Process, name: str, arguments: tuple[Any, ...], rows: Rows) -> None:
        """Check what a statement has left."""
        if name == "subjects.commit":
            written = commit_rows(arguments[2:])
            self._committed(process, written, Committed(*rows[0]))
        elif name == "deliveries.finish":
            self._finished(process, arguments[0], rows)
        elif name == "deliveries.claim" and rows:
            self._claimed(process, rows)
        elif name == "workers.heartbeat" and rows:
            self._beaten[process] = self._server.loop.time()
        elif name == "deliveries.release":
            self._released(process, arguments)
        elif name == "deliveries.end_gone":
            self.demand(False, f"{arguments} were ended, but no event is ever removed here")
        elif name == "workers.retire" and rows[0][0]:
            self.say(process.name, "retires worker", arguments[0])
            self.excuse(self._server.processes[arguments[0]])
        elif name == "workers.unblock":
            self.demand(rows[0][0] == 0, "a row waited with nothing in front of it")
        elif name in {"workers.register", "workers.leave", "workers.adopt"}:
            self.say(process.name, name, arguments, rows)
        self._check_lanes()

    def _check_lanes(self) -> None:
        lanes = self._store.lanes
        for lane in lanes.touched:
            for place, row in enumerate(lanes.of_lane(lane)):
                if place == 0:
                    self.demand(not row.waits, f"nothing is in front of {row.ord}, but it waits")
                else:
                    self.demand(row.waits, f"{row.ord} does not wait behind its lane's front")
        lanes.touched.clear()

    def _committed(self, process: Process, rows: CommitRows, done: Committed) -> None:
        self.say(process.name, "commits", len(rows.events), "events at", done.base, "lost",
                 done.lost, "behind", len(done.behind))  # fmt: skip
        new = len(rows.events)
        for event, endpoint, lane, _, _ in rows.deliveries:
            id_ = rows.events[event - 1][0] if event <= new else rows.replays[event - new - 1][0]
            key = (lane, endpoint, done.base + event)
            if self._store.lanes.get(key) is not None:
                self._open[endpoint, show("evt", id_)] = key  # type: ignore[arg-type]
        for id_, tenant, _, type_, *rest in rows.events:
            if id_ in self._store.events:
                wanted = self._wants(tenant, type_) - self._told_of(type_, rest[-1])
                self.owed[show("evt", id_)] = wanted  # type: ignore[arg-type]

    def _told_of(self, type_: object, body: object) -> set[int]:
        """Return the endpoint that an event is about: it is the one that must not get it."""
        if not str(type_).startswith("endpoint."):
            return set()
        named = _about(body).data["endpoint"]["id"]  # type: ignore[arg-type]
        return {
            row.engine.no
            for row in self._server.everything.endpoints
            if show("end", row.engine.id) == named
        }

    def _wants(self, tenant: object, type_: object) -> frozenset[int]:
        """Return the enabled endpoints that want a type, at this moment."""
        everything: Everything = self._server.everything
        asked = (everything.version, tenant, type_)
        if asked not in self._wanted:
            self._wanted[asked] = frozenset(
                row.engine.no
                for row in everything.endpoints
                if row.engine.tenant == tenant
                and not row.engine.disabled
                and matches(row.engine.event_types, str(type_))
            )
        return self._wanted[asked]

    def _finished(self, process: Process, worker: int, rows: Rows) -> None:
        mine = self._unsettled.get(process, Counter())
        ended = []
        for result, owner, n in self._finishing:
            row = self._store.lanes.get(result[:3])
            changed = row is None or row.n != n
            self.demand(not changed or owner == worker,
                        f"worker {worker} completed {result.ord}, which {owner} owned")  # fmt: skip
            attempt = self._store.attempts.get(result.id)
            if not changed or attempt is None:
                continue
            pair = (result.endpoint, show("evt", attempt[3]))
            mine.pop(pair, None)
            ended.append((result.ord, result.final))
            self.counts["attempts"] += 1
            if row is None:
                self._ended(pair, result, n + 1)
            else:
                self._postponed(process, pair, row)
        handed = [Owned(*row).ord for row in rows]
        self.say(process.name, "finishes", ended, "and is handed", handed)

    def _ended(self, pair: Pair, result: Finished, attempts: int) -> None:
        self._open.pop(pair, None)
        self._over.add(pair)
        last = self._attempts.get(pair)
        if result.final == 1:
            self.counts["delivered"] += 1
            self.demand(self._taken[pair], f"{pair} counts as delivered and never was")
        else:
            self.counts["exhausted"] += 1
            policy = self._endpoint(pair[0]).policy
            last_one = attempts > len(policy.schedule_s) or result.status in policy.give_up_on
            gone = last is not None and last.status == GONE
            once = b"worth one attempt" in result.detail
            self.demand(last_one or gone or once, f"{pair} was given up after {attempts} attempts")
            # It was disabled before, and everybody has seen it.
            self.demand(not gone or pair[0] in self._off(), f"{pair[0]} is gone and gets more")

    def _endpoint(self, number: int) -> Any:
        return self._server.everything.endpoints[number - 1].engine

    def _postponed(self, process: Process, pair: Pair, row: Row) -> None:
        self.counts["retries"] += 1
        last = self._attempts[pair]
        schedule = float(self._endpoint(pair[0]).policy.schedule_s[row.n - 1])
        low = high = schedule
        # A date is read some time between the answer and now, by the worker's own clock.
        times = last.answered_ms, self._clock_ms(process)
        asked = [s for at in times if (s := retry_after(last.retry_after, at)) is not None]
        if asked:
            low, high = max(low, *asked[-1:]), max(high, *asked)
            if self._server.loop.time() - self.jumped.get(process, 0.0) < CLOCK_SETTLED_S:
                low, high = schedule, max(high, RETRY_AFTER_MAX_S)
        assert row.due is not None
        wait = (row.due - self._server.now()) / SECOND
        bounds = low - ROUNDING_S, high * (1 + JITTER) + ROUNDING_S
        self.demand(bounds[0] <= wait <= bounds[1],
                    f"{pair} is retried after {wait} s, not within {bounds}")  # fmt: skip

    def _claimed(self, process: Process, rows: Rows) -> None:
        """Check that what is due is not left lying, unless something was wrong lately."""
        self.say(process.name, "claims", [row[2] for row in rows])
        if self._server.loop.time() < self.disturbed_until:
            return
        for found in rows:
            row = self._store.lanes.get(Owned(*found)[:3])
            assert row is not None
            if self._server.loop.time() < self.slow_until.get(row.endpoint, 0.0):
                continue
            assert row.due is not None
            late = (self._server.now() - row.due) / SECOND
            self.demand(late <= CLAIMED_S, f"{row.ord} was due for {late} s before it was claimed")

    def _released(self, process: Process, arguments: tuple[Any, ...]) -> None:
        self.say(process.name, "releases", arguments[3])

    # Requests.

    def asked(self, process: Process, endpoint: int, request: Outgoing) -> None:
        """Check the moment in which a worker may last think better of it."""
        headers = dict(request.headers)
        pair = (endpoint, headers["webhook-id"])
        row = self._row(pair)
        silent = self._server.loop.time() - self._beaten[process]
        self.demand(silent < LEASE_S, f"{process.name} sends {pair} {silent} s after its last beat")
        self.demand(endpoint not in self.disabled, f"a request to {endpoint} after it was disabled")
        self.demand(row is not None, f"{process.name} sends {pair}, which is over")
        assert row is not None
        owner = row.owner
        self.demand(owner is not None and self._server.processes.get(owner) is process,
                    f"{process.name} sends {row.ord}, which {owner} owns")  # fmt: skip
        front = self._store.lanes.front(row.key[:2])
        self.demand(front is row, f"{process.name} sends {row.ord} before the front of its lane")
        now = self._server.now()
        self.demand(row.due is not None and row.due <= now, f"{row.ord} was sent before its time")
        self.demand(request.body == self._store.events[row.event][9], f"{pair} has another body")
        attempt = int(headers["ringback-attempt"])
        self.demand(attempt == row.n + 1, f"attempt {row.n + 1} of {pair} is called {attempt}")

    def _row(self, pair: Pair) -> Row | None:
        key = self._open.get(pair)
        return None if key is None else self._store.lanes.get(key)

    def sent(self, process: Process, endpoint: int, event: str, attempt: int) -> None:
        """Note a request; late ones, whose worker stood still meanwhile, are repeats."""
        pair = (endpoint, event)
        row = self._row(pair)
        owner = None if row is None else row.owner
        if owner is None or self._server.processes.get(owner) is not process:
            self.counts["late"] += 1
            self._excused[pair] += 1
            self.say(process.name, "sends late", pair)
        else:
            assert row is not None
            self.say(process.name, "sends", row.ord, "to", endpoint, "attempt", attempt)
        self._unsettled.setdefault(process, Counter())[pair] += 1
        place = (process, endpoint)
        self._flying[place] = self._flying.get(place, 0) + 1
        most = self._endpoint(endpoint).policy.concurrency
        self.demand(self._flying[place] <= most, f"too many requests at once to {endpoint}")

    def arrived(self, endpoint: int, event: str, reply: Reply) -> None:
        """Check order and repeats where they count: at the receiver."""
        pair = (endpoint, event)
        self.counts["requests"] += 1
        if self._taken[pair] and reply.taken:
            self.counts["repeats"] += 1
            self.say("endpoint", endpoint, "takes again", event)
            self.demand(self._excused[pair], f"{pair} was delivered twice without a reason")
            self._excused[pair] -= 1
        row = self._row(pair)
        if row is not None and reply.taken and not self._taken[pair]:
            lane = row.key[:2]
            self.demand(self._first.get(lane, 0) < row.ord, f"{row.ord} was overtaken in its lane")
            self._first[lane] = row.ord
        self._taken[pair] += reply.taken

    def answered(self, process: Process, endpoint: int, event: str, exchange: Exchange) -> None:
        """Note what a worker is told."""
        pair = (endpoint, event)
        if exchange.sent:
            self._landed(process, endpoint)
            if not exchange.ok and self._taken[pair]:
                # It was taken, and nobody told us.
                self.counts["answers lost"] += 1
                self._excused[pair] += 1
        self._attempts[pair] = _Attempt(
            exchange.status, exchange.error, exchange.header("retry-after"),
            self._clock_ms(process),
        )  # fmt: skip

    def _landed(self, process: Process, endpoint: int) -> None:
        place = (process, endpoint)
        self._flying[place] -= 1
        if not self._flying[place]:
            del self._flying[place]

    # The end.

    def acknowledge(self, process: Process, events: list[str]) -> None:
        """Check that events which are answered with 2xx are there, and on their way."""
        self.say(process.name, "acknowledges", len(events), "events")
        for event in events:
            self.demand(event in self.owed, f"{event} was acknowledged and is not stored")
            self.acknowledged.add(event)
            for endpoint in self.owed[event]:
                there = (endpoint, event) in self._open or (endpoint, event) in self._over
                self.demand(there, f"{event} was acknowledged and is not owed to {endpoint}")

    def end(self, pauses: int) -> None:
        """Check what is left when every retry has had its time, and `pauses` stood in the way."""
        left, off = [row.ord for row in self.open], self._off()
        self.demand(not left, f"{len(left)} deliveries never ended: {left[:9]}")
        self.demand(self.counts["late"] <= pauses, "more than one request was late after a pause")
        for event, endpoints in self.owed.items():
            for endpoint in endpoints - off:
                self.demand((endpoint, event) in self._over, f"{event} was lost for {endpoint}")
        repeats, lost = self.counts["repeats"], self.counts["answers lost"]
        allowed = self.bound + self.counts["late"] + lost
        self.demand(repeats <= allowed, f"{repeats} repeats, {allowed} allowed")
        self._check_attempts()
        self._check_events()

    def _check_attempts(self) -> None:
        found: dict[tuple[object, object], list[tuple[object, ...]]] = {}
        for row in self._store.attempts.values():
            found.setdefault((row[4], row[5]), []).append(row)
        for place, rows in found.items():
            self.demand([row[6] for row in rows] == list(range(1, len(rows) + 1)),
                        f"the attempts of {place} are not counted up")  # fmt: skip
            self.demand(all(row[11] is None for row in rows[:-1]), f"{place} ended twice")
        for row in self._store.attempts.values():
            good = row[9] is None and row[8] is not None and 200 <= row[8] < 300
            self.demand(good == (row[11] == 1), f"{row[8]}, {row[9]} was recorded as {row[11]}")

    def _check_events(self) -> None:
        """Check that what follows from an ending follows once, and that sequences have no gap."""
        told: Counter[str] = Counter()
        sequences: dict[object, list[int]] = {}
        facts: Counter[tuple[str, str]] = Counter()
        for row in self._store.events.values():
            if row[5] is not None:
                sequences.setdefault(row[5], []).append(row[6])
            about = _about(row[9])
            if about.type == "endpoint.delivery_exhausted":
                told[about.data["delivery"]] += 1
            elif about.type.startswith("message."):
                facts[about.data["message"]["provider_message_id"], about.type[8:]] += 1
        for subject, numbers in sequences.items():
            gapless = sorted(numbers) == list(range(1, len(numbers) + 1))
            self.demand(gapless, f"the events of {subject} are numbered {numbers}")
        for fact in self.reports:
            self.demand(facts[fact] == 1, f"{fact} was acknowledged and has {facts[fact]} events")
        for row in self._store.attempts.values():
            type_ = str(self._store.events[row[3]][4])
            if row[11] == 2 and not type_.startswith("endpoint."):
                named = delivery_id(row[4], row[5])
                self.demand(told[named] == 1, f"the end of {named} was told {told[named]} times")
