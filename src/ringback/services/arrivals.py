"""A callback as work: what came, what it says, and what follows from it."""

import uuid

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.events import message_event
from ringback.domain.http import Callback
from ringback.domain.ids import fact_hash, hashed_key, show, show_often
from ringback.domain.messages import Emission, Fact, Failure, Message, hold, merge
from ringback.domain.outcomes import CODE, Outcome, worst
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Item,
    OrderReport,
    Parsed,
    Report,
    Unparsed,
    Unrecognised,
)
from ringback.services import moves, others, statements, wishes
from ringback.services.batch import (
    KIND_MESSAGE,
    KIND_PROVISIONAL,
    PENDING_REPORT,
    SEEN_MAX,
    Batch,
    Scope,
    Subject,
)
from ringback.services.files import with_links
from ringback.services.statements import STATEMENTS, Statement
from ringback.services.subject_keys import day_of, inbound_key, message_key, own_key
from ringback.services.work import Work
from ringback.storage.hot import SubjectRow, timestamp

# One piece of a body may say two things.
ITEMS_MAX = 65_536
_headers = msgspec.json.Encoder().encode


class Keyed(msgspec.Struct, frozen=True):
    """An item with the keys that it is looked up by; `reply` names the message it answers.

    What happens once is looked up by its own key; then `reply` names the message it is about.
    """

    item: Item
    key: uuid.UUID
    reply: uuid.UUID | None = None


class Arrival(Work):
    """One callback, verified or refused. `settled_as` outcomes (rejected …) carry no items.

    `stored` and `brought` remember what an earlier pass has already committed, when this arrival
    comes round again because somebody else was first with one of its subjects.
    """

    def __init__(
        self,
        connection: Connection,
        callback: Callback,
        received_ms: int,
        parsed: Parsed,
        settled_as: Outcome | None = None,
        reason: str = "",
        stored_as: uuid.UUID | None = None,
    ) -> None:
        """Take what came and what the provider's adapter made of it.

        `stored_as` is the id of a callback that is stored already and is read again.
        """
        self.connection = connection
        self.callback = callback
        self.received_ms = received_ms
        self.parsed = parsed
        self.settled_as = settled_as
        self.reason = reason
        self.scope = Scope(connection.tenant, connection.mode)
        self.keyed: list[Keyed] = []
        self.id = stored_as
        self.outcome: Outcome = "accepted"
        self.stored = stored_as is not None
        self.brought = False
        self.passes = 0
        self._indexes: list[int] = []
        self._events: list[uuid.UUID] = []
        self.emitted: list[uuid.UUID] = []
        # By item, what it was about; None for what is about nothing that has an id.
        self.subjects: list[uuid.UUID | None] = []
        # What it was first to say, of failures whose code is in no table of ours.
        self.unknown_codes: set[tuple[uuid.UUID, int]] = set()

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return len(self.callback.body) + 512

    def prepare(self, secret: bytes) -> None:
        """Hash the keys of everything the callback speaks of."""
        connection = str(self.connection.id)
        self.keyed = [
            _keyed(item, connection, secret, self.received_ms) for item in self.parsed.items
        ]

    def keys(self) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Return the keys of messages, and of what happens once."""
        subjects: list[uuid.UUID] = []
        once: list[uuid.UUID] = []
        for keyed in self.keyed:
            (once if type(keyed.item) in STATEMENTS else subjects).append(keyed.key)
            if keyed.reply is not None:
                subjects.append(keyed.reply)
        return subjects, once

    def probes(self, subjects: dict[uuid.UUID, SubjectRow]) -> list[tuple[uuid.UUID, int]]:
        """Return the facts of messages that carry as many as they can."""
        return [
            (row.id, fact_hash(keyed.item.key, keyed.item.occurred_at))
            for keyed in self.keyed
            if (row := subjects.get(keyed.key)) is not None and len(row.seen) >= SEEN_MAX
        ]

    def reported(self) -> set[tuple[int, str | None]]:
        """Return what reports may belong to, if a send is on its way."""
        number = self.connection.no
        return {(number, one.item.to) for one in self.keyed if isinstance(one.item, Report)}

    def opt_outs(self, secret: bytes) -> list[uuid.UUID]:
        """Return the keys of people for whom it matters what is in force, or where they went."""
        return moves.keys(self.connection, self.parsed.items, secret)

    def onward(self, secret: bytes, known: moves.Known) -> list[uuid.UUID]:
        """Return the keys of where those people are known to have gone."""
        return moves.keys_onward(self.connection, self.parsed.items, secret, known)

    def decide(self, batch: Batch) -> None:
        """Drop known facts, merge new ones, and emit what follows."""
        self.id = self.id or batch.ids.next()
        self._events = []
        touched: list[Subject] = []
        self.outcome = self.settled_as or self._take(batch, touched)
        self._indexes = sorted({subject.index for subject in touched if subject.index})
        messages = {one.id for one in touched if one.kind in {KIND_MESSAGE, KIND_PROVISIONAL}}
        self._store(batch, messages)

    def _take(self, batch: Batch, touched: list[Subject]) -> Outcome:
        outcomes: list[Outcome] = [
            "unmatched" if piece.unmatched else "unparsed" for piece in self.parsed.unparsed
        ]
        self.subjects = []
        for keyed in self.keyed:
            item = keyed.item
            # Nearly all are about messages: what is asked first is what they are.
            if isinstance(item, (Report, Inbound)):
                outcomes.append(self._about_message(batch, keyed, item, touched))
            elif isinstance(item, (CallReport, OrderReport)):
                outcomes.append(self._about_other(batch, keyed.key, item, touched))
            else:
                outcomes.append(self._stated(batch, keyed, item, touched))
        outcome = worst(outcomes)
        return "accepted" if outcome == "duplicate" and self.brought else outcome

    def _about_message(
        self, batch: Batch, keyed: Keyed, item: Report | Inbound, touched: list[Subject]
    ) -> Outcome:
        part = item.part if isinstance(item, Report) else 0
        subject = batch.subject(
            keyed.key, self.scope, KIND_MESSAGE, lambda: _new_message(self.connection, item), part
        )
        touched.append(subject)
        self.subjects.append(subject.id)
        hash_ = _new_fact(batch, subject, item)
        if hash_ is None:
            return "duplicate"
        if isinstance(item, Inbound):
            item = with_links(batch, subject, item, self.connection)
        _fill_in(subject.message, item)
        fact = self._fact(item, hash_)
        if fact.error is not None:
            if fact.error.opt_out:
                self._refused(batch, subject, item, fact.error)
            if fact.error.unlisted:
                self.unknown_codes.add((keyed.key, hash_))
        if self._early(batch, subject, item, keyed.key):
            hold(subject.message, fact)
            return "accepted"
        reply = _reply(batch, keyed)
        for emission in merge(subject.message, fact):
            self._emit(batch, subject, emission, reply)
        if isinstance(item, Inbound) and "moved" in item.content:
            self._events += moves.take(
                batch, self.connection, item, self.received_ms, subject.id, self.id
            )
        return "accepted"

    def _refused(
        self, batch: Batch, subject: Subject, item: Report | Inbound, error: Failure
    ) -> None:
        """Take an error that says that the person wants no more messages."""
        if not isinstance(item, Report):
            return
        at = statements.moment_of(item, self.received_ms)
        evidence = {"message_id": item.message_id}
        said = wishes.Said(
            "opted_out", at, self.received_ms, "error", evidence, subject.id, self.id
        )
        for person in statements.refused_by(item, self.connection.provider):
            event_id = wishes.refused(batch, self.connection, person, error, said)
            if event_id is not None:
                self._events.append(event_id)
                self._events += moves.follow(batch, self.connection, person, said)

    def _about_other(
        self, batch: Batch, key: uuid.UUID, item: others.Other, touched: list[Subject]
    ) -> Outcome:
        """Take what is said of a call, or of an order of numbers."""
        subject = batch.subject(
            key,
            self.scope,
            others.kind_of(item),
            lambda: others.new_state(self.connection, item),
            0,
        )
        touched.append(subject)
        self.subjects.append(subject.id)
        hash_ = _new_fact(batch, subject, item)
        if hash_ is None:
            return "duplicate"
        told = others.tell(subject.state, item, self.received_ms, hash_)
        event_id = batch.ids.next()
        envelope = batch.envelope(
            self.scope, event_id, told.type, occurred=told.occurred, received=self.received_ms,
            sequence=told.sequence,
        )  # fmt: skip
        body = told.render(envelope, show(others.prefix_of(item), subject.id))
        self._events.append(event_id)
        batch.event(
            self.scope, event_id, told.type, body, occurred=told.occurred,
            sequence=told.sequence, subject=subject, callback=self.id,
        )  # fmt: skip
        return "accepted"

    def _early(
        self, batch: Batch, subject: Subject, item: Report | Inbound, key: uuid.UUID
    ) -> bool:
        """Say whether a report may belong to a send whose answer has not come yet."""
        message = subject.message
        if message.provisional:
            return True
        new = subject.version < 0 and not message.sequence and isinstance(item, Report)
        if not new or key in batch.known.subjects:
            return False
        if (self.connection.no, item.to) not in batch.known.in_flight:
            return False
        subject.kind = KIND_PROVISIONAL
        batch.pend(subject, PENDING_REPORT, self.connection.no, item.to)
        batch.add_key(own_key(batch.snapshot.hash_key, subject.id), subject)
        return True

    def _emit(
        self, batch: Batch, subject: Subject, emission: Emission, reply: dict[str, str] | None
    ) -> None:
        type_ = f"message.{emission.status}"
        event_id = batch.ids.next()
        envelope = batch.envelope(
            self.scope, event_id, type_, occurred=emission.occurred_at,
            received=emission.received_at, sequence=emission.sequence,
        )  # fmt: skip
        body = message_event(envelope, show("msg", subject.id), subject.message, emission, reply)
        self._events.append(event_id)
        batch.event(
            self.scope, event_id, type_, body, occurred=emission.occurred_at,
            sequence=emission.sequence, subject=subject, callback=self.id,
        )  # fmt: skip

    def _stated(
        self, batch: Batch, keyed: Keyed, item: Statement, touched: list[Subject]
    ) -> Outcome:
        """Take what happens once, in the order of the message that it is about, if it is known."""
        self.subjects.append(None)
        once = batch.once(keyed.key, self.scope)
        if isinstance(item, Consent):
            by = batch.named(keyed.reply) if keyed.reply is not None else None
            person, said = statements.wish_of(item, self.received_ms, by, self.id)
            if once is None and item.unnamed:
                once = wishes.once_more(batch, self.connection, person, said, keyed.key)
            if once is None:
                return "duplicate"
            self._events.append(wishes.tell(batch, self.connection, person, said, once))
            self._events += moves.follow(batch, self.connection, person, said)
            return "accepted"
        if once is None:
            return "duplicate"
        words, sequence = statements.words_of(item), 1
        subject, message = self._spoken_of(batch, keyed)
        if subject is not None:
            batch.touch(subject)
            touched.append(subject)
            subject.message.sequence += 1
            sequence = subject.message.sequence
        event_id = batch.ids.next()
        occurred = self.received_ms if item.occurred_at is None else item.occurred_at
        envelope = batch.envelope(
            self.scope, event_id, words.type, occurred=occurred, received=self.received_ms,
            sequence=sequence,
        )  # fmt: skip
        body = statements.render(item, envelope, self.connection, message)
        self._events.append(event_id)
        batch.event(
            self.scope, event_id, words.type, body, occurred=occurred, sequence=sequence,
            subject=subject, once=once, callback=self.id,
        )  # fmt: skip
        return words.outcome

    def _spoken_of(self, batch: Batch, keyed: Keyed) -> tuple[Subject | None, str | None]:
        """Find the message of a statement: to go on in its order, and to be named."""
        if keyed.reply is None:
            return None, None
        subject = batch.known_subject(keyed.reply, self.scope, KIND_MESSAGE)
        # Whose message a provisional one is, nobody knows yet.
        if subject is None or subject.message.provisional:
            return None, None
        self.subjects[-1] = subject.id
        return subject, show("msg", subject.id)

    def _fact(self, item: Report | Inbound, hash_: int) -> Fact:
        assert self.id is not None
        callback = show("cbk", self.id)
        if isinstance(item, Inbound):
            return Fact(
                status="received", received=self.received_ms, hash=hash_, at=item.occurred_at,
                callback=callback,
            )  # fmt: skip
        return Fact(
            status=item.status, received=self.received_ms, hash=hash_, at=item.occurred_at,
            part=item.part, weak=item.weak, error=item.error,
            provider_status=item.provider_status, callback=callback,
        )  # fmt: skip

    def _store(self, batch: Batch, subjects: set[uuid.UUID]) -> None:
        if self.stored or not batch.keep(self.connection, self.outcome, batch.now_ms):
            return
        callback = self.callback
        batch.rows.callbacks.append(
            (self.id, self.scope.tenant, self.scope.mode, self.connection.no,
             timestamp(self.received_ms), callback.method, callback.url, callback.peer,
             _headers(callback.headers), callback.body, CODE[self.outcome], self.words,
             self.parts,
             subjects.pop() if len(subjects) == 1 else None)
        )  # fmt: skip
        place = len(batch.rows.callbacks)
        batch.rows.about.extend((place, index) for index in self._indexes)

    @property
    def parts(self) -> int:
        """How many things it says, those that cannot be read included."""
        return len(self.parsed.items) + len(self.parsed.unparsed)

    @property
    def words(self) -> str:
        """What is to be said about it in the list: why it was refused, what could not be read."""
        text = self.reason or "; ".join(
            f"{piece.pointer}: {piece.reason}" if piece.pointer else piece.reason
            for piece in self.parsed.unparsed[:8]
        )
        return text[:1000]

    @property
    def read_as(self) -> Outcome:
        """The outcome as far as reading alone can tell: what is known already is not looked up."""
        outcomes: list[Outcome] = [
            "unmatched" if piece.unmatched else "unparsed" for piece in self.parsed.unparsed
        ]
        outcomes += [
            "unrecognised" if isinstance(item, Unrecognised) else "accepted"
            for item in self.parsed.items
        ]
        return worst(outcomes)

    def committed(self, base: int, events: int) -> None:
        """Note which events are out."""
        del base, events
        self.emitted += self._events

    def missed(self, lost: set[int]) -> bool:
        """Say whether one of its subjects was lost; what was kept is not done again."""
        if lost.isdisjoint(self._indexes):
            return False
        self.stored = self.stored or not lost.issuperset(self._indexes)
        self.brought = self.brought or self.stored
        return True

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say whether callback and events are stored; if in part, the rest is done again."""
        self.stored = self.stored or self.id in callbacks
        self.brought = self.brought or not events.isdisjoint(self._events)
        return self.stored and events.issuperset(self._events)

    def degrade(self) -> bool:
        """Become raw bytes without meaning: kept as unparsed, to be looked at and parsed again."""
        if self.settled_as not in {None, "held"}:
            return False
        self.settled_as, self.keyed, self.reason = "unparsed", [], ""
        self.parsed = Parsed(unparsed=(Unparsed("It could not be stored in parts."),))
        self.callback = _scrubbed(self.callback)
        return True


def _new_fact(batch: Batch, subject: Subject, item: Item) -> int | None:
    """Return the hash of what an item states, and note it; None when it is known already."""
    hash_ = fact_hash(item.key, item.occurred_at)
    if hash_ in subject.seen or hash_ in subject.fresh:
        return None
    if (subject.id, hash_) in batch.known.facts:
        return None
    batch.touch(subject)
    subject.fresh.add(hash_)
    return hash_


def _keyed(item: Item, connection: str, secret: bytes, received_ms: int) -> Keyed:
    if isinstance(item, Report):
        return Keyed(item, message_key(secret, connection, item.message_id, item.recipient))
    if isinstance(item, Inbound):
        day = day_of(received_ms) if item.unnamed else ""
        key = inbound_key(secret, connection, item.message_id, item.recipient, day)
        if item.reply_to is None:
            return Keyed(item, key)
        answered = message_key(secret, connection, item.reply_to, item.reply_recipient)
        return Keyed(item, key, answered)
    if isinstance(item, CallReport | OrderReport):
        return Keyed(item, hashed_key(secret, connection, *others.name_of(item)))
    key = statements.key_of(item, connection, secret, received_ms)
    return Keyed(item, key, statements.message_of(item, connection, secret, received_ms))


def _reply(batch: Batch, keyed: Keyed) -> dict[str, str] | None:
    answered = batch.named(keyed.reply) if keyed.reply is not None else None
    return {"message": show("msg", answered), "how": "provider"} if answered else None


def _new_message(connection: Connection, item: Report | Inbound) -> Message:
    inbound = isinstance(item, Inbound)
    return Message(
        origin="inbound" if inbound else "observed",
        direction="inbound" if inbound else "outbound",
        provider=connection.provider,
        connection=show_often("con", connection.id),
        provider_message_id=item.message_id,
    )


def _fill_in(message: Message, item: Report | Inbound) -> None:
    """Fill in what earlier facts left open; never overwrite."""
    message.to = message.to or item.to
    message.from_ = message.from_ or item.from_
    message.channel = message.channel or item.channel
    message.reference = message.reference or item.reference
    message.segments = message.segments or item.segments
    if not message.content and item.content is not None:
        message.content = item.content
    if isinstance(item, Report):
        message.parts = message.parts or item.parts
        message.carrier = message.carrier or item.carrier
        message.cost = message.cost or item.cost
        message.purpose = message.purpose or item.purpose
        message.campaign = message.campaign or item.campaign
        message.tags = message.tags or item.tags
        message.metadata = message.metadata or item.metadata


def _scrubbed(callback: Callback) -> Callback:
    """Replace what no text column takes; headers and body are bytes and stay as they are."""

    def clean(text: str) -> str:
        return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()

    return msgspec.structs.replace(
        callback, method=clean(callback.method), url=clean(callback.url), peer=clean(callback.peer)
    )
