"""A model of the store: what the hot functions do to the tables, in memory.

One call is one transaction; calls come one after the other, so locks and races are not in it. The
same values go in and come out as through `ringback.storage.hot`. test_model.py holds it to the SQL.
Times are microseconds since 1970.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from ringback.storage.hot import CommitRows, Committed, Finished, Owned, SubjectRow
from ringback.storage.suppressions import Entry
from tests.simulation.lanes import Key, Lanes, Row

SECOND = 1_000_000
PENDING_SEND = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder(Entry).decode
Table = dict[Any, tuple[Any, ...]]
Lines = Sequence[tuple[Any, ...]]


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _lines(rows: Lines) -> Lines:
    """Take rows as what the SQL reads them as."""
    return rows


def _reaches(wide: Entry, narrow: Entry) -> bool:
    """Whether what is wanted again takes back what was refused."""
    if (wide.kind, wide.address) != (narrow.kind, narrow.address):
        return False
    if wide.channel not in {None, narrow.channel} or wide.purpose not in {None, narrow.purpose}:
        return False
    return wide.sender in {None, narrow.sender}


class Refused(Exception):
    """A call that the database refuses: an id is stored already. Nothing of it is written."""


class Subject(msgspec.Struct):
    """A row of `subject`."""

    id: uuid.UUID
    tenant: int
    mode: int
    kind: int
    version: int
    sequence: int
    status: int
    seen: list[int]
    data: bytes
    merged: uuid.UUID | None


class Worker(msgspec.Struct):
    """A row of `worker`."""

    id: int
    boot_id: str
    pid: int
    pid_start: float
    beat: int = 0
    alive: bool = True
    config_seen: int = 0


class _Fate(NamedTuple):
    """What becomes of a batch: positions of subjects and once keys, and which keys are new."""

    lost: set[int]
    repeated: set[int]
    unclaimed: set[int]

    def keeps(self, subject: int, once: int = 0) -> bool:
        """Whether what hangs on this subject and this once key is written."""
        return subject not in self.lost and once not in self.repeated


class Store:
    """The tables, and a method for each hot function."""

    def __init__(self, position: int = 0, workers: int = 0, generation: int = 1) -> None:
        """Start with empty tables; the numbers are the last ones that were given out."""
        self.position = position
        self.generation = generation
        self.lanes = Lanes()
        self.keys: Table = {}
        self.subjects: dict[uuid.UUID, Subject] = {}
        self.facts: Table = {}
        self.search: set[tuple[object, ...]] = set()
        self.pending: Table = {}
        self.once: Table = {}
        # By key: which entry holds, its word, since when, and the entry itself.
        self.in_force: dict[uuid.UUID, tuple[uuid.UUID, int, int, Entry]] = {}
        self.wishes: dict[uuid.UUID, Entry] = {}
        self.callbacks: Table = {}
        self.events: Table = {}
        self.attempts: Table = {}
        self.workers: dict[int, Worker] = {}
        self._registered = workers
        self._endings = 0

    # Reading.

    def read_subjects(self, keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, SubjectRow]:
        """Return the subjects that keys name, or what they turned out to be."""
        found = {}
        for key in keys:
            named = self.keys.get(key)
            row = self.subjects.get(named[3]) if named else None
            if row is not None and row.merged is not None:
                row = self.subjects.get(row.merged, row)
            if row is not None and named is not None:
                seen = list(row.seen)
                found[key] = SubjectRow(row.id, row.version, row.sequence, seen, row.data, named[4])
        return found

    def read_facts(self, facts: Iterable[tuple[uuid.UUID, int]]) -> set[tuple[uuid.UUID, int]]:
        """Return which of these facts are stored beside their subjects."""
        return {fact for fact in facts if fact in self.facts}

    def read_once(self, keys: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Return which once keys are known in this generation or the one before."""
        return {key for key in keys if self._known_once(key)}

    def read_in_flight(
        self, wanted: Iterable[tuple[int, str | None]], now: int
    ) -> set[tuple[int, str | None]]:
        """Return for which (connection, address) a send is on its way; address None is any."""
        sends = {
            (row[4], row[5])
            for row in self.pending.values()
            if row[3] == PENDING_SEND and row[6] > now
        }
        found: set[tuple[int, str | None]] = set()
        for number, address in wanted:
            if address is None and any(number == send[0] for send in sends):
                found.add((number, None))
            elif (number, address) in sends:
                found |= {(number, address), (number, None)}
        return found

    def stored(
        self, events: Iterable[uuid.UUID], callbacks: Iterable[uuid.UUID]
    ) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
        """Return which of these events and callbacks are stored."""
        return (
            {id_ for id_ in events if id_ in self.events},
            {id_ for id_ in callbacks if id_ in self.callbacks},
        )

    def bodies(self, events: Iterable[uuid.UUID]) -> dict[uuid.UUID, bytes]:
        """Return the bodies of events."""
        return {id_: self.events[id_][9] for id_ in events if id_ in self.events}

    # Committing.

    def commit_batch(self, worker: int, rows: CommitRows, now: int) -> Committed:
        """Write a batch; raise `Refused` when an event or a callback is stored already."""
        fate, subjects = self._fate(rows), _lines(rows.subjects)
        callbacks = self._kept_callbacks(rows, fate)
        if any(row[0] in self.callbacks for row in callbacks):
            raise Refused("callback")
        base, total = 0, len(rows.events) + len(rows.replays)
        if total:
            base = self.position + 1
            # Like every sequence, it does not come back when the transaction does not.
            self.position = base + total
        events = [
            (position, row)
            for position, row in enumerate(_lines(rows.events), 1)
            if fate.keeps(row[4], row[5])
        ]
        if any(row[0] in self.events for _, row in events):
            raise Refused("event")
        self._write_subjects(rows, fate)
        self._write_beside(rows, fate, now)
        self.callbacks.update({row[0]: row for row in callbacks})
        for position, (id_, tenant, mode, type_, subject, _, *rest) in events:
            about = subjects[subject - 1][0] if subject else None
            self.events[id_] = (id_, tenant, mode, base + position, type_, about, *rest)
        behind = self._write_deliveries(worker, rows, fate, base, now)
        return Committed(base, sorted(fate.lost), sorted(fate.repeated), behind)

    def _fate(self, rows: CommitRows) -> _Fate:
        taken = {subject for key, subject, _ in rows.keys if key in self.keys}
        lost = set()
        for position, row in enumerate(_lines(rows.subjects), 1):
            known = self.subjects.get(row[0])
            if position in taken or (known is not None and known.version != row[4]):
                lost.add(position)
        hanging = {row[5] for row in rows.events}
        alive = {row[5] for row in rows.events if row[4] not in lost}
        places = range(1, len(rows.once) + 1)
        # A key is claimed for what hangs on it: when all of that is lost, it comes again.
        unclaimed = {place for place in places if place in hanging and place not in alive}
        repeated = {
            place
            for place, (key, _, _) in enumerate(rows.once, 1)
            if place not in unclaimed and self._known_once(key)
        }
        return _Fate(lost, repeated, unclaimed)

    def _known_once(self, key: uuid.UUID) -> bool:
        return (self.generation, key) in self.once or (self.generation - 1, key) in self.once

    def _kept_callbacks(self, rows: CommitRows, fate: _Fate) -> list[tuple[object, ...]]:
        about: dict[int, list[bool]] = {}
        for callback, subject in rows.about:
            about.setdefault(callback, []).append(subject not in fate.lost)
        return [
            row
            for position, row in enumerate(rows.callbacks, 1)
            if any(about.get(position, [True]))
        ]

    def _write_subjects(self, rows: CommitRows, fate: _Fate) -> None:
        for key, place, part in rows.keys:
            id_, tenant, mode, _, version, *_ = rows.subjects[place - 1]
            # A creator that lost takes its keys back; the new keys of a known subject stay.
            if key not in self.keys and not (place in fate.lost and version == -1):
                self.keys[key] = (key, tenant, mode, id_, part)
        for position, row in enumerate(_lines(rows.subjects), 1):
            if position in fate.lost:
                continue
            id_, tenant, mode, kind, version, sequence, status, seen, data, merged = row
            known = self.subjects.get(id_)
            if known is not None:
                tenant, mode = known.tenant, known.mode
            numbers = [int(text) for text in str(seen).strip("{}").split(",") if text]
            self.subjects[id_] = Subject(
                id_, tenant, mode, kind, version + 1, sequence, status, numbers, data, merged
            )

    def _write_beside(self, rows: CommitRows, fate: _Fate, now: int) -> None:
        """Write facts, search keys, what is pending, and once keys."""
        heads = [row[:3] for row in rows.subjects]
        for place, hash_ in rows.facts:
            id_, tenant, mode = heads[place - 1]
            if fate.keeps(place):
                self.facts.setdefault((id_, hash_), (id_, hash_, tenant, mode))
        for place, kind, value in rows.search:
            id_, tenant, mode = heads[place - 1]
            if fate.keeps(place):
                self.search.add((tenant, mode, kind, value, id_))
        for place, kind, connection, address, seconds in rows.pending:
            id_, tenant, mode = heads[place - 1]
            if fate.keeps(place):
                until = now + seconds * SECOND
                row = (id_, tenant, mode, kind, connection, address, until)
                self.pending.setdefault(id_, row)
        for place, together_with in rows.settled:
            if fate.keeps(place) and fate.keeps(together_with):
                self.pending.pop(heads[place - 1][0], None)
        for position, (key, tenant, mode) in enumerate(rows.once, 1):
            if position not in fate.repeated | fate.unclaimed:
                self.once[self.generation, key] = (self.generation, key, tenant, mode)

        told = [
            _decode(text)
            for place, text in rows.wishes
            if place not in fate.repeated | fate.unclaimed
        ]
        self._write_wishes(told)

    def _write_wishes(self, told: list[Entry]) -> None:
        self.wishes.update({entry.id: entry for entry in told})
        for entry in sorted(told, key=lambda one: (one.since_ms, one.word, one.id)):
            known = self.in_force.get(entry.key)
            if known is None or (entry.since_ms, entry.word) > (known[2], known[1]):
                self.in_force[entry.key] = (entry.id, entry.word, entry.since_ms, entry)
        for wide in sorted(told, key=lambda one: (one.since_ms, one.id), reverse=True):
            for key, (_, word, since, narrow) in self.in_force.items():
                older = word == 2 and since < wide.since_ms and key != wide.key
                if wide.word == 1 and older and _reaches(wide, narrow):
                    self.in_force[key] = (wide.id, 1, wide.since_ms, narrow)

    def _write_deliveries(
        self, worker: int, rows: CommitRows, fate: _Fate, base: int, now: int
    ) -> list[int]:
        new, behind = len(rows.events), []
        events = _lines(rows.events)
        heads = [row[:3] for row in (*events, *rows.replays)]
        started = set()
        # Event by event is in order of positions, whatever the order of lanes.
        for position, place in sorted(
            enumerate(rows.deliveries, 1), key=lambda item: (item[1][2], item[1][1], item[1][0])
        ):
            event, endpoint, lane, own, retry = place
            if event <= new and not fate.keeps(*events[event - 1][4:6]):
                continue
            id_, tenant, mode = heads[event - 1]
            first = (lane, endpoint) not in started
            started.add((lane, endpoint))
            ready = first and not self.lanes.busy((lane, endpoint))
            if first and not ready:
                behind.append(position)
            owner, due = worker if ready and own else None, now if ready else None
            row = Row(lane, endpoint, base + event, tenant, mode, id_, owner, due, 0, retry)
            self.lanes.add(row)
        return behind

    # Deliveries.

    def finish_batch(self, worker: int, results: list[Finished], now: int) -> list[Owned]:
        """Record attempts, end or postpone their deliveries, and hand on the next of each lane.

        Raise `Refused` when an attempt is stored already.
        """
        ordered = sorted(results, key=lambda result: result[:3])
        for result in ordered:
            row = self.lanes.get(result[:3])
            if result.id in self.attempts and row is not None and self.may_finish(worker, row):
                raise Refused("attempt")
        for result in ordered:
            row = self.lanes.get(result[:3])
            if row is not None and self.may_finish(worker, row):
                self._finish(worker, row, result, now)
        fronts = [self.lanes.front(result[:2]) for result in ordered if result.final > 0]
        handed = []
        for row in fronts:
            if row is not None and (row.owner == worker or row.waits):
                self.lanes.place(row, worker, now)
                handed.append(row.owned)
        return handed

    def may_finish(self, worker: int, row: Row) -> bool:
        """Return whether this worker may complete this row: the fence."""
        return row.owner == worker

    def _finish(self, worker: int, row: Row, result: Finished, now: int) -> None:
        self.attempts[result.id] = (
            result.id, row.tenant, row.mode, row.event, row.endpoint, row.ord, row.n + 1, worker,
            result.status, result.error, result.ms, result.final or None, result.detail,
            result.response,
        )  # fmt: skip
        if result.final:
            self.lanes.remove(row)
        else:
            row.n += 1
            self.lanes.place(row, None, now + round(result.wait_s * SECOND))

    def claim(
        self, worker: int, free: dict[int, int], now: int, prefer: Collection[Key] = ()
    ) -> list[Owned]:
        """Take what is due, at most `free[endpoint]` of each endpoint."""
        taken = []
        for endpoint in self.endpoints_due(now):
            for row in self.claimable(endpoint, now, free.get(endpoint, 0), prefer):
                self.lanes.place(row, worker, row.due)
                taken.append(row.owned)
        return taken

    def endpoints_due(self, now: int) -> list[int]:
        """Return the endpoints that a claim has to look at."""
        return self.lanes.endpoints(now)

    def claimable(
        self, endpoint: int, now: int, limit: int, prefer: Collection[Key] = ()
    ) -> list[Row]:
        """Return what a claim would take of one endpoint."""
        return self.lanes.claimable(endpoint, now, limit, prefer)

    def release(self, worker: int, owned: Iterable[Owned], now: int) -> None:
        """Give deliveries back without an attempt."""
        for given in owned:
            row = self.lanes.get(given[:3])
            if row is not None and row.owner == worker:
                self.lanes.place(row, None, now)

    def end_gone(self, worker: int, owned: Iterable[Owned], now: int) -> int:
        """End those whose event is not there, let what waits behind go; return how many."""
        rows = [self.lanes.get(given[:3]) for given in sorted(owned)]
        ended = [
            row
            for row in rows
            if row is not None and row.owner == worker and row.event not in self.events
        ]
        for row in ended:
            self._end_unsent(row)
        for row in ended:
            front = self.lanes.front(row.key[:2])
            if front is not None and front.waits:
                self.lanes.place(front, None, now)
        return len(ended)

    def adopt(self, now: int, limit: int, prefer: Collection[Key] = ()) -> int:
        """Give back up to `limit` deliveries whose owner does not live; return how many."""
        orphans = [
            row
            for owner in self.lanes.owners()
            if owner not in self.workers or not self.workers[owner].alive
            for row in self.lanes.owned(owner)
        ]
        orphans.sort(key=lambda row: row.key not in prefer)
        for row in orphans[:limit]:
            self.lanes.place(row, None, now)
        return len(orphans[:limit])

    def unblock(self, now: int) -> int:
        """Free rows that wait with nothing in front; always 0 unless there is a defect."""
        stuck = [row for row in self.lanes if row.waits and self.lanes.front(row.key[:2]) is row]
        for row in stuck:
            self.lanes.place(row, None, now)
        return len(stuck)

    def expire(self, before: uuid.UUID, limit: int, now: int, prefer: Collection[Key] = ()) -> int:
        """End up to `limit` deliveries of events below `before`; with the last, free who waits."""
        old = sorted(
            (row for row in self.lanes if row.event < before),
            key=lambda row: (row.event, row.key not in prefer),
        )[:limit]
        for row in old:
            self._end_unsent(row)
        if len(old) < limit:
            self.unblock(now)
        return len(old)

    def _end_unsent(self, row: Row) -> None:
        self.lanes.remove(row)
        self._endings += 1
        # The database makes these ids by itself.
        self.attempts["ended", self._endings] = (
            None, row.tenant, row.mode, row.event, row.endpoint, row.ord, row.n, 0, None,
            "retention", 0.0, 2, b"", b"",
        )  # fmt: skip

    # Workers.

    def register(self, boot_id: str, pid: int, pid_start: float) -> int:
        """Add a worker and return its number."""
        self._registered += 1
        self.workers[self._registered] = Worker(self._registered, boot_id, pid, pid_start)
        return self._registered

    def heartbeat(self, worker: int, config_seen: int) -> int | None:
        """Count a beat and return it; None for a worker that was retired."""
        row = self.workers.get(worker)
        if row is None or not row.alive:
            return None
        row.beat += 1
        row.config_seen = config_seen
        return row.beat

    def peers(self, worker: int) -> list[Worker]:
        """Return the other workers that count as living."""
        return [row for row in self.workers.values() if row.alive and row.id != worker]

    def retire(self, worker: int, beat: int) -> bool:
        """Declare a worker dead if `beat` is still its last."""
        row = self.workers.get(worker)
        if row is None or not row.alive or row.beat != beat:
            return False
        row.alive = False
        return True

    def leave(self, worker: int) -> bool:
        """Sign a worker off; False when there is none of this number."""
        row = self.workers.get(worker)
        if row is not None:
            row.alive = False
        return row is not None
