"""What a batch of callbacks means: the pure step between reading subjects and writing them.

Drops known facts, merges new ones, numbers the events, matches endpoints and renders bodies. It is
given everything it needs, clock and ids included, and touches nothing but its arguments.
"""

import uuid
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ringback.domain.endpoints import Connection, Endpoint
from ringback.domain.events import Envelope, message_event, unrecognised_event
from ringback.domain.ids import IdSequence, fact_hash, show
from ringback.domain.messages import STATUS_CODE, Emission, Fact, Message, fill, merge
from ringback.domain.outcomes import CODE, Outcome, worst
from ringback.domain.search import terms
from ringback.providers.base import Inbound, Report, Unrecognised
from ringback.services.arrivals import KIND_MESSAGE, Arrival, Keyed
from ringback.services.snapshot import Snapshot
from ringback.storage.hot import CommitRows, SubjectRow, timestamp

SEEN_MAX = 64
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode
_headers = msgspec.json.Encoder().encode


class Known(NamedTuple):
    """What was read before deciding: subjects by key, facts beyond 64, once keys."""

    subjects: dict[uuid.UUID, SubjectRow]
    facts: set[tuple[uuid.UUID, int]]
    once: set[uuid.UUID]


class Push(NamedTuple):
    """A delivery that this batch brings about; positions count from 1."""

    row: int
    lane: uuid.UUID
    endpoint: Endpoint
    event: int
    event_id: uuid.UUID
    first: bool
    own: bool


class Decision(NamedTuple):
    """What to write, and what to do once it is written."""

    rows: CommitRows
    outcomes: list[Outcome]
    subjects_of: list[list[int]]
    pushes: list[Push]
    bodies: dict[uuid.UUID, bytes]


class _Subject(msgspec.Struct):
    """A subject while it is being worked on; `index` is its place among the rows, 0 = untouched."""

    id: uuid.UUID
    version: int
    seen: list[int]
    message: Message
    found_by: set[tuple[int, str]]
    connection: Connection
    index: int = 0
    fresh: set[int] = set()


class Decider:
    """Decides one batch. Make a new one for each; `free` is how many deliveries each endpoint's
    number may still take into this worker's memory.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        known: Known,
        ids: IdSequence,
        now_ms: int,
        free: dict[int, int],
        keep: Callable[[Connection, Outcome, int], bool],
    ) -> None:
        """Take everything the decision depends on; `keep` says whether a flood may be listed."""
        self._snapshot = snapshot
        self._known = known
        self._ids = ids
        self._now = now_ms
        self._free = free
        self._keep = keep
        self._rows = CommitRows()
        self._by_key: dict[uuid.UUID, _Subject] = {}
        self._by_id: dict[uuid.UUID, _Subject] = {}
        self._once: dict[uuid.UUID, int] = {}
        self._owed: list[tuple[uuid.UUID, Endpoint, int, uuid.UUID]] = []
        self._bodies: dict[uuid.UUID, bytes] = {}

    def decide(self, arrivals: list[Arrival]) -> Decision:
        """Decide the whole batch, callbacks in the order in which they came."""
        outcomes: list[Outcome] = []
        subjects_of: list[list[int]] = []
        for arrival in arrivals:
            arrival.id = arrival.id or self._ids.next()
            touched: list[_Subject] = []
            outcome = arrival.settled or self._take(arrival, touched)
            indexes = sorted({subject.index for subject in touched if subject.index})
            self._store(arrival, outcome, touched, indexes)
            outcomes.append(outcome)
            subjects_of.append(indexes)
        self._write_subjects()
        return Decision(self._rows, outcomes, subjects_of, self._deliveries(), self._bodies)

    def _take(self, arrival: Arrival, touched: list[_Subject]) -> Outcome:
        outcomes: list[Outcome] = [
            "unmatched" if piece.unmatched else "unparsed" for piece in arrival.parsed.unparsed
        ]
        for keyed in arrival.keyed:
            if isinstance(keyed.item, Unrecognised):
                outcomes.append(self._unrecognised(arrival, keyed, keyed.item))
            else:
                outcomes.append(self._about_message(arrival, keyed, touched))
        outcome = worst(outcomes)
        return "accepted" if outcome == "duplicate" and arrival.brought else outcome

    def _about_message(self, arrival: Arrival, keyed: Keyed, touched: list[_Subject]) -> Outcome:
        item = keyed.item
        assert isinstance(item, Report | Inbound)
        subject = self._subject(arrival.connection, keyed, item)
        touched.append(subject)
        hash_ = fact_hash(item.key, item.occurred_at)
        if hash_ in subject.seen or hash_ in subject.fresh:
            return "duplicate"
        if (subject.id, hash_) in self._known.facts:
            return "duplicate"
        self._touch(subject)
        subject.fresh.add(hash_)
        message = subject.message
        _fill_in(message, item)
        for emission in merge(message, _fact(item, hash_, arrival)):
            self._emit(arrival, subject, emission, self._reply(keyed))
        return "accepted"

    def _subject(self, connection: Connection, keyed: Keyed, item: Report | Inbound) -> _Subject:
        subject = self._by_key.get(keyed.key)
        if subject is not None:
            return subject
        row = self._known.subjects.get(keyed.key)
        if row is None:
            subject = _Subject(
                self._ids.next(), -1, [], _new_message(connection, item), set(), connection
            )
            self._touch(subject)
            self._rows.keys.append((keyed.key, subject.index, getattr(item, "part", 0)))
        else:
            known = self._by_id.get(row.id)
            if known is None:
                message = _decode(row.data)
                known = _Subject(row.id, row.version, row.seen, message, terms(message), connection)
            subject = known
        self._by_key[keyed.key] = self._by_id[subject.id] = subject
        return subject

    def _touch(self, subject: _Subject) -> None:
        if not subject.index:
            # The row itself is written when all of the batch has been merged into it.
            self._rows.subjects.append(())
            subject.index = len(self._rows.subjects)
            self._by_id[subject.id] = subject

    def _reply(self, keyed: Keyed) -> dict[str, str] | None:
        if keyed.reply is None:
            return None
        known = self._by_key.get(keyed.reply)
        answered = known.id if known else None
        if answered is None and (row := self._known.subjects.get(keyed.reply)) is not None:
            answered = row.id
        return {"message": show("msg", answered), "how": "provider"} if answered else None

    def _emit(
        self,
        arrival: Arrival,
        subject: _Subject,
        emission: Emission,
        in_reply_to: dict[str, str] | None,
    ) -> None:
        type_ = f"message.{emission.status}"
        event_id = self._ids.next()
        body = message_event(
            self._envelope(arrival, event_id, type_, emission),
            show("msg", subject.id), subject.message, emission, in_reply_to,
        )  # fmt: skip
        self._event(arrival, event_id, type_, subject.index, 0, emission.sequence,
                    emission.occurred_at, body, subject.id)  # fmt: skip

    def _envelope(
        self, arrival: Arrival, event_id: uuid.UUID, type_: str, emission: Emission
    ) -> Envelope:
        return Envelope(
            id=show("evt", event_id), type=type_,
            tenant=self._snapshot.tenant_id(arrival.connection.tenant),
            mode=arrival.connection.mode.word, occurred_at=emission.occurred_at,
            received_at=emission.received_at, emitted_at=self._now, sequence=emission.sequence,
        )  # fmt: skip

    def _unrecognised(self, arrival: Arrival, keyed: Keyed, item: Unrecognised) -> Outcome:
        if keyed.key in self._known.once or keyed.key in self._once:
            return "duplicate"
        connection = arrival.connection
        self._rows.once.append((keyed.key, connection.tenant, connection.mode))
        self._once[keyed.key] = once = len(self._rows.once)
        event_id = self._ids.next()
        occurred = arrival.received_ms if item.occurred_at is None else item.occurred_at
        type_ = "provider.unrecognised"
        envelope = Envelope(
            id=show("evt", event_id), type=type_,
            tenant=self._snapshot.tenant_id(connection.tenant), mode=connection.mode.word,
            occurred_at=occurred, received_at=arrival.received_ms, emitted_at=self._now,
            sequence=1,
        )  # fmt: skip
        body = unrecognised_event(
            envelope, connection.provider, show("con", connection.id), item.kind, item.fragment
        )
        self._event(arrival, event_id, type_, 0, once, 1, occurred, body, event_id)
        return "unrecognised"

    def _event(
        self,
        arrival: Arrival,
        event_id: uuid.UUID,
        type_: str,
        subject: int,
        once: int,
        sequence: int,
        occurred: int,
        body: bytes,
        lane: uuid.UUID,
    ) -> None:
        connection = arrival.connection
        self._rows.events.append(
            (event_id, connection.tenant, connection.mode, type_, subject, once, sequence,
             timestamp(occurred), arrival.id, body)
        )  # fmt: skip
        number = len(self._rows.events)
        wanted = self._snapshot.matching(connection.tenant, connection.mode, type_)
        if wanted:
            self._bodies[event_id] = body
        for endpoint in wanted:
            self._owed.append((lane, endpoint, number, event_id))

    def _deliveries(self) -> list[Push]:
        self._owed.sort(key=lambda owed: (owed[0].int, owed[1].no, owed[2]))
        pushes: list[Push] = []
        front: tuple[uuid.UUID, int] | None = None
        for lane, endpoint, number, event_id in self._owed:
            first = (lane, endpoint.no) != front
            front = (lane, endpoint.no)
            own = first and self._free.get(endpoint.no, 0) > 0
            if own:
                self._free[endpoint.no] -= 1
            self._rows.deliveries.append((number, endpoint.no, lane, own))
            row = len(self._rows.deliveries)
            pushes.append(Push(row, lane, endpoint, number, event_id, first, own))
        return pushes

    def _store(
        self, arrival: Arrival, outcome: Outcome, touched: list[_Subject], indexes: list[int]
    ) -> None:
        if arrival.stored or not self._keep(arrival.connection, outcome, self._now):
            return
        connection, callback = arrival.connection, arrival.callback
        ids = {subject.id for subject in touched}
        reason = arrival.reason or "; ".join(
            f"{piece.pointer}: {piece.reason}" if piece.pointer else piece.reason
            for piece in arrival.parsed.unparsed[:8]
        )
        self._rows.callbacks.append(
            (arrival.id, connection.tenant, connection.mode, connection.no,
             timestamp(arrival.received_ms), callback.method, callback.url, callback.peer,
             _headers(callback.headers), callback.body, CODE[outcome], reason[:1000],
             len(arrival.parsed.items) + len(arrival.parsed.unparsed),
             ids.pop() if len(ids) == 1 else None)
        )  # fmt: skip
        place = len(self._rows.callbacks)
        self._rows.about.extend((place, index) for index in indexes)

    def _write_subjects(self) -> None:
        for subject in self._by_id.values():
            if not subject.index:
                continue
            room = SEEN_MAX - len(subject.seen)
            fresh = sorted(subject.fresh)
            seen = [*subject.seen, *fresh[:room]]
            self._rows.facts.extend((subject.index, hash_) for hash_ in fresh[room:])
            message = subject.message
            new_terms = terms(message) - subject.found_by
            self._rows.search.extend((subject.index, *term) for term in sorted(new_terms))
            status = STATUS_CODE[message.status] if message.status else 0
            self._rows.subjects[subject.index - 1] = (
                subject.id, subject.connection.tenant, subject.connection.mode, KIND_MESSAGE,
                subject.version, message.sequence, status,
                "{" + ",".join(map(str, seen)) + "}", _encode(message),
            )  # fmt: skip


def _new_message(connection: Connection, item: Report | Inbound) -> Message:
    inbound = isinstance(item, Inbound)
    return Message(
        origin="inbound" if inbound else "observed",
        direction="inbound" if inbound else "outbound",
        provider=connection.provider,
        connection=show("con", connection.id),
        provider_message_id=item.message_id,
    )


def _fill_in(message: Message, item: Report | Inbound) -> None:
    if isinstance(item, Inbound):
        fill(message, to=item.to, from_=item.from_, channel=item.channel, content=item.content,
             reference=item.reference, segments=item.segments)  # fmt: skip
    else:
        fill(message, to=item.to, from_=item.from_, channel=item.channel, parts=item.parts,
             reference=item.reference, segments=item.segments, carrier=item.carrier)  # fmt: skip


def _fact(item: Report | Inbound, hash_: int, arrival: Arrival) -> Fact:
    assert arrival.id is not None
    callback = show("cbk", arrival.id)
    if isinstance(item, Inbound):
        return Fact(
            status="received", received=arrival.received_ms, hash=hash_, at=item.occurred_at,
            callback=callback,
        )  # fmt: skip
    return Fact(
        status=item.status, received=arrival.received_ms, hash=hash_, at=item.occurred_at,
        part=item.part, weak=item.weak, error=item.error, provider_status=item.provider_status,
        callback=callback,
    )  # fmt: skip
