"""One batch while it is being decided: its rows, the subjects it touches, what becomes owed.

The primitives that every kind of work decides with. Pure: clock, ids and what was read come in.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from ringback.domain.calls import Call
from ringback.domain.endpoints import Connection, Endpoint, Mode
from ringback.domain.events import Envelope
from ringback.domain.ids import IdSequence, show
from ringback.domain.messages import STATUS_CODE, Message
from ringback.domain.orders import NumberOrder
from ringback.domain.outcomes import Outcome
from ringback.domain.search import terms
from ringback.services.snapshot import Snapshot
from ringback.storage.hot import CommitRows, SubjectRow, timestamp
from ringback.storage.idempotency import KeptPublication
from ringback.storage.suppressions import Entry, InForce

KIND_MESSAGE = 1
KIND_CALL = 2
KIND_ORDER = 3
# A message of which it is not known yet whether it is one of its own: in no list.
KIND_PROVISIONAL = 8
KIND_PUBLISHED = 9
SEEN_MAX = 64
PENDING_SEND, PENDING_REPORT = 1, 2
# How long a send may be on its way, and a report wait for one.
PENDING_S = 60
_encode = msgspec.msgpack.Encoder().encode
_decode_message = msgspec.msgpack.Decoder(Message).decode
Keep = Callable[[Connection, Outcome, int], bool]


class Topic(msgspec.Struct):
    """A subject that a publisher names: all there is to it is how far its events are counted."""

    sequence: int = 0


State = Message | Call | NumberOrder | Topic
_decode_topic = msgspec.msgpack.Decoder(Topic).decode
_decode_call = msgspec.msgpack.Decoder(Call).decode
_decode_order = msgspec.msgpack.Decoder(NumberOrder).decode


class Scope(NamedTuple):
    """Whose it is, and in which mode."""

    tenant: int
    mode: Mode


class Known(NamedTuple):
    """What was read before deciding.

    Subjects by key, facts beyond 64, once keys, for which connections and addresses a send is on
    its way, what was published under idempotency keys, and which wishes of people are in force.
    """

    subjects: dict[uuid.UUID, SubjectRow]
    facts: set[tuple[uuid.UUID, int]]
    once: set[uuid.UUID]
    in_flight: frozenset[tuple[int, str | None]] = frozenset()
    kept: Mapping[uuid.UUID, KeptPublication] = {}
    wishes: Mapping[uuid.UUID, InForce] = {}


class Push(NamedTuple):
    """A delivery that this batch brings about; positions count from 1."""

    row: int
    lane: uuid.UUID
    endpoint: Endpoint
    event: int
    event_id: uuid.UUID
    first: bool
    own: bool
    retry: bool


class Owed(NamedTuple):
    """An event owed to an endpoint, before it has its place in a lane."""

    lane: uuid.UUID
    endpoint: Endpoint
    number: int
    event_id: uuid.UUID
    retry: bool


class Subject(msgspec.Struct):
    """A subject while it is being worked on; `index` is its place among the rows, 0 = untouched."""

    id: uuid.UUID
    scope: Scope
    kind: int
    version: int
    seen: list[int]
    state: State
    found_by: set[tuple[int, str]]
    index: int = 0
    fresh: set[int] = set()
    merged: uuid.UUID | None = None

    @property
    def message(self) -> Message:
        """The state of a message."""
        assert isinstance(self.state, Message)
        return self.state


class Batch:
    """Collects what a batch writes.

    `free` knows how many deliveries any endpoint's number may still take into this worker's memory;
    `keep` says whether a callback of a flood may still be listed.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        known: Known,
        ids: IdSequence,
        now_ms: int,
        free: dict[int, int],
        keep: Keep,
    ) -> None:
        """Take everything the decision depends on."""
        self.snapshot = snapshot
        self.known = known
        self.ids = ids
        self.now_ms = now_ms
        self.keep = keep
        self.rows = CommitRows()
        self.bodies: dict[uuid.UUID, bytes] = {}
        self._free = free
        self._by_key: dict[uuid.UUID, Subject] = {}
        self._by_id: dict[uuid.UUID, Subject] = {}
        self._once: set[uuid.UUID] = set()
        self._wishes: dict[uuid.UUID, InForce] = {}
        self._owed: list[Owed] = []
        self._replays: list[Owed] = []

    def subject(
        self, key: uuid.UUID, scope: Scope, kind: int, new: Callable[[], State], part: int
    ) -> Subject:
        """Return the subject that a key names; if none does, a new one with `new` for its state."""
        subject = self._by_key.get(key)
        if subject is not None:
            return subject
        row = self.known.subjects.get(key)
        if row is None:
            subject = Subject(self.ids.next(), scope, kind, -1, [], new(), set())
            self.touch(subject)
            self.rows.keys.append((key, subject.index, part))
        else:
            subject = self._by_id.get(row.id) or _read(row, scope, kind)
        self._by_key[key] = self._by_id[subject.id] = subject
        return subject

    def create(
        self, key: uuid.UUID, id_: uuid.UUID, scope: Scope, kind: int, state: State
    ) -> Subject:
        """Add a subject whose id its maker has chosen, named by its own key."""
        subject = Subject(id_, scope, kind, -1, [], state, set())
        self.touch(subject)
        self.rows.keys.append((key, subject.index, 0))
        self._by_key[key] = subject
        return subject

    def known_subject(self, key: uuid.UUID, scope: Scope, kind: int) -> Subject | None:
        """Return the subject that a key names, or None when nobody has written it yet."""
        subject = self._by_key.get(key)
        if subject is None and (row := self.known.subjects.get(key)) is not None:
            subject = self._by_id.get(row.id) or _read(row, scope, kind)
            self._by_key[key] = self._by_id[subject.id] = subject
        return subject

    def add_key(self, key: uuid.UUID, subject: Subject) -> None:
        """Let a further key name a subject that is being written."""
        self.rows.keys.append((key, subject.index, 0))
        self._by_key[key] = subject

    def point(self, key: uuid.UUID, subject: Subject) -> None:
        """Let a key that is known already mean another subject for the rest of this batch."""
        self._by_key[key] = subject

    def pend(self, subject: Subject, kind: int, connection: int, address: str | None) -> None:
        """Note a send on its way, or a report that may belong to one."""
        self.rows.pending.append((subject.index, kind, connection, address, PENDING_S))

    def settle(self, subject: Subject, together: Subject | None = None) -> None:
        """Note that a subject is no longer pending, provided `together` is written as well."""
        self.rows.settled.append((subject.index, (together or subject).index))

    def touch(self, subject: Subject) -> None:
        """Note that a subject changes; its row is written once all of the batch is merged."""
        if not subject.index:
            self.rows.subjects.append(())
            subject.index = len(self.rows.subjects)
            self._by_id[subject.id] = subject

    def named(self, key: uuid.UUID) -> uuid.UUID | None:
        """Return the id of the subject that a key names, if it is known."""
        subject = self._by_key.get(key)
        if subject is not None:
            return subject.id
        row = self.known.subjects.get(key)
        return row.id if row is not None else None

    def once(self, key: uuid.UUID, scope: Scope) -> int | None:
        """Claim something that happens once; None when it has happened already."""
        if key in self.known.once or key in self._once:
            return None
        self._once.add(key)
        self.rows.once.append((key, scope.tenant, scope.mode))
        return len(self.rows.once)

    def keep_answer(
        self, key: uuid.UUID, scope: Scope, fingerprint: bytes, answer: bytes
    ) -> int | None:
        """Claim an idempotency key together with its answer; None when this batch has it already.

        What is known of the key already stands in `known.kept`: look there first.
        """
        place = self.once(key, scope)
        if place is not None:
            self.rows.kept.append((place, fingerprint, answer))
        return place

    def wish(self, once: int, entry: Entry) -> None:
        """Write a wish of a person down, if the once key at this place turns out to be new."""
        self.rows.wishes.append((once, entry.written()))
        known = self.in_force(entry.key)
        told = InForce(entry.word, entry.since_ms, entry.id, entry.address, entry.callback)
        if known is None or (told.since_ms, told.word) > (known.since_ms, known.word):
            self._wishes[entry.key] = told

    def in_force(self, key: uuid.UUID) -> InForce | None:
        """Return what holds for a key of wishes, as far as this batch has come; None: nothing."""
        return self._wishes.get(key) or self.known.wishes.get(key)

    def envelope(
        self, scope: Scope, event_id: uuid.UUID, type_: str, *, occurred: int, received: int,
        sequence: int,
    ) -> Envelope:  # fmt: skip
        """Make the envelope of an event."""
        return Envelope(
            id=show("evt", event_id), type=type_, tenant=self.snapshot.tenant_id(scope.tenant),
            mode=scope.mode.word, occurred_at=occurred, received_at=received,
            emitted_at=self.now_ms, sequence=sequence,
        )  # fmt: skip

    def event(
        self, scope: Scope, event_id: uuid.UUID, type_: str, body: bytes, *, occurred: int,
        sequence: int, subject: Subject | None = None, once: int = 0,
        callback: uuid.UUID | None = None, retry: bool = True, not_to: int = 0,
        only_to: tuple[int, ...] | None = None, lane: uuid.UUID | None = None,
    ) -> int:  # fmt: skip
        """Add an event; return its place among the batch's events.

        Without a subject, events of the same `lane` are delivered one after the other.

        It is owed to every endpoint that wants it but the one numbered `not_to`, or else to those
        numbered `only_to`, whatever they want.
        """
        self.rows.events.append(
            (event_id, scope.tenant, scope.mode, type_, subject.index if subject else 0, once,
             sequence, timestamp(occurred), callback, body)
        )  # fmt: skip
        number = len(self.rows.events)
        wanted = (
            self.snapshot.matching(scope.tenant, scope.mode, type_)
            if only_to is None
            else self.snapshot.chosen(only_to)
        )
        for endpoint in wanted:
            if endpoint.no != not_to:
                self.bodies[event_id] = body
                about = subject.id if subject else lane or event_id
                lane_ = lane_of(endpoint, about, event_id)
                self._owed.append(Owed(lane_, endpoint, number, event_id, retry))
        return number

    def replay(
        self, scope: Scope, event_id: uuid.UUID, lane: uuid.UUID, endpoint: Endpoint, body: bytes
    ) -> int:
        """Owe a stored event to an endpoint once more; return its place among the replays."""
        self.rows.replays.append((event_id, scope.tenant, scope.mode))
        self.bodies[event_id] = body
        number = len(self.rows.replays)
        self._replays.append(Owed(lane, endpoint, number, event_id, True))
        return number

    def close(self) -> list[Push]:
        """Write the subjects and the deliveries; return what is owed, in order of lanes."""
        for subject in self._by_id.values():
            if subject.index:
                self._write(subject)
        new = len(self.rows.events)
        owed = [*self._owed, *(row._replace(number=row.number + new) for row in self._replays)]
        owed.sort(key=lambda row: (row.lane.int, row.endpoint.no, row.number))
        return [self._owe(row, before) for row, before in zip(owed, [None, *owed], strict=False)]

    def _owe(self, row: Owed, before: Owed | None) -> Push:
        number = row.endpoint.no
        first = before is None or (row.lane, number) != (before.lane, before.endpoint.no)
        own = first and self._free[number] > 0
        if own:
            self._free[number] -= 1
        self.rows.deliveries.append((row.number, number, row.lane, own, row.retry))
        place = len(self.rows.deliveries)
        return Push(place, row.lane, row.endpoint, row.number, row.event_id, first, own, row.retry)

    def _write(self, subject: Subject) -> None:
        room = SEEN_MAX - len(subject.seen)
        fresh = sorted(subject.fresh)
        self.rows.facts.extend((subject.index, hash_) for hash_ in fresh[room:])
        seen = ",".join(map(str, [*subject.seen, *fresh[:room]]))
        status, state = 0, subject.state
        if isinstance(state, Message):
            new_terms = terms(state) - subject.found_by
            self.rows.search.extend((subject.index, *term) for term in sorted(new_terms))
            status = STATUS_CODE[state.status] if state.status else 0
        self.rows.subjects[subject.index - 1] = (
            subject.id, subject.scope.tenant, subject.scope.mode, subject.kind, subject.version,
            state.sequence, status, f"{{{seen}}}", _encode(state), subject.merged,
        )  # fmt: skip


def lane_of(endpoint: Endpoint, subject: uuid.UUID, event: uuid.UUID) -> uuid.UUID:
    """Return the lane of an event at an endpoint: what is delivered one after the other."""
    if endpoint.policy.order == "endpoint":
        return endpoint.id
    return subject if endpoint.policy.order == "message" else event


def _read(row: SubjectRow, scope: Scope, kind: int) -> Subject:
    if kind == KIND_MESSAGE:
        message = _decode_message(row.data)
        kind = KIND_PROVISIONAL if message.provisional else kind
        return Subject(row.id, scope, kind, row.version, row.seen, message, terms(message))
    return Subject(row.id, scope, kind, row.version, row.seen, _decode(kind, row.data), set())


def _decode(kind: int, data: bytes) -> State:
    if kind == KIND_CALL:
        return _decode_call(data)
    return _decode_order(data) if kind == KIND_ORDER else _decode_topic(data)
