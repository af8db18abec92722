"""A send as work: the message before its request, the provider's answer, and early reports.

`submitting` is committed before the request leaves. A report may come before the provider's
answer: it makes a *provisional* subject that emits nothing. Report and answer meet by the key of
the provider's id, in either order: whoever is second reads what the first has left. What no send
claims becomes an ordinary observed message.
"""

import uuid

from ringback.domain.consent import Person, person_of_address
from ringback.domain.endpoints import Connection
from ringback.domain.events import message_event
from ringback.domain.ids import show
from ringback.domain.messages import Emission, Fact, Failure, Message, Status, merge
from ringback.providers import registry
from ringback.providers.base import OutboundMessage, SendResult
from ringback.services import wishes
from ringback.services.batch import KIND_MESSAGE, PENDING_SEND, Batch, Scope, Subject
from ringback.services.subject_keys import message_key, own_key
from ringback.services.wishes import Said
from ringback.services.work import Work

_SIZE = 1024
_QUEUED, _ANSWERED, _UNCERTAIN = 1, 2, 3


class _AboutMessage(Work):
    """Work about one message of ours, read by its own key."""

    def __init__(self, scope: Scope, message_id: uuid.UUID, now_ms: int) -> None:
        self.scope = scope
        self.message_id = message_id
        self.now_ms = now_ms
        self.passes = 0
        self._own: uuid.UUID | None = None
        self._indexes: set[int] = set()
        self._events: list[uuid.UUID] = []

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return _SIZE

    def prepare(self, secret: bytes) -> None:
        """Hash the message's own key."""
        self._own = own_key(secret, self.message_id)

    def keys(self) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Return the message's own key."""
        assert self._own is not None
        return [self._own], []

    def emit(self, batch: Batch, subject: Subject, emission: Emission) -> None:
        """Add the event that a fact brings about."""
        type_, event_id = f"message.{emission.status}", batch.ids.next()
        envelope = batch.envelope(
            self.scope, event_id, type_, occurred=emission.occurred_at,
            received=emission.received_at, sequence=emission.sequence,
        )  # fmt: skip
        body = message_event(envelope, show("msg", subject.id), subject.message, emission)
        self._events.append(event_id)
        batch.event(
            self.scope, event_id, type_, body, occurred=emission.occurred_at,
            sequence=emission.sequence, subject=subject,
        )  # fmt: skip

    def _begun(self, batch: Batch) -> Subject | None:
        """Begin to change the message, anew in each pass; None when there is no such message."""
        assert self._own is not None
        self._events = []
        subject = batch.known_subject(self._own, self.scope, KIND_MESSAGE)
        if subject is not None:
            batch.touch(subject)
            self._indexes = {subject.index}
        return subject

    def take(self, batch: Batch, subject: Subject, *facts: Fact) -> None:
        """Merge facts that the message has not seen, and emit what follows."""
        batch.touch(subject)
        for fact in facts:
            if fact.hash not in subject.seen and fact.hash not in subject.fresh:
                subject.fresh.add(fact.hash)
                for emission in merge(subject.message, fact):
                    self.emit(batch, subject, emission)

    def missed(self, lost: set[int]) -> bool:
        """Say whether a subject was changed meanwhile; what was kept is known the next time."""
        return not lost.isdisjoint(self._indexes)

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say whether its events are stored; what has none is done again, to no effect."""
        del callbacks
        return bool(self._events) and events.issuperset(self._events)


class Submitting(_AboutMessage):
    """A message that is about to be handed to a provider: durable before its request."""

    def __init__(
        self, connection: Connection, message_id: uuid.UUID, now_ms: int, message: OutboundMessage
    ) -> None:
        """Take what is to be sent, under an id that the caller has made."""
        super().__init__(Scope(connection.tenant, connection.mode), message_id, now_ms)
        self.connection = connection
        self._message = message

    def decide(self, batch: Batch) -> None:
        """Create the message, emit `message.queued`, and note that a send is on its way."""
        assert self._own is not None
        self._events = []
        if self._own in batch.known.subjects:
            self._indexes = set()
            return
        subject = batch.create(self._own, self.message_id, self.scope, KIND_MESSAGE, self._new())
        self._indexes = {subject.index}
        fact = Fact(status="queued", received=self.now_ms, hash=_QUEUED, at=self.now_ms)
        self.take(batch, subject, fact)
        batch.pend(subject, PENDING_SEND, self.connection.no, self._message.to)

    def _new(self) -> Message:
        sent = self._message
        return Message(
            origin="simulated", direction="outbound", channel=sent.channel, to=sent.to,
            from_=sent.from_, provider=self.connection.provider,
            connection=show("con", self.connection.id), reference=sent.reference,
            content={"kind": "text", "text": sent.text} if sent.text else None,
        )  # fmt: skip


class Answered(_AboutMessage):
    """A provider's answer to a send: its id for the message, or why it refused."""

    def __init__(
        self,
        connection: Connection,
        message_id: uuid.UUID,
        now_ms: int,
        result: SendResult,
        sent: OutboundMessage | None = None,
    ) -> None:
        """Take the answer, and what was sent: a refusal may say that its person opted out."""
        super().__init__(Scope(connection.tenant, connection.mode), message_id, now_ms)
        self.connection = connection
        self._result = result
        error = result.error
        self._unwanted = sent if error is not None and error.opt_out else None
        self._keys: list[uuid.UUID] = []

    def prepare(self, secret: bytes) -> None:
        """Hash the provider's ids, as reports will name them."""
        super().prepare(secret)
        connection = str(self.connection.id)
        self._keys = [
            message_key(secret, connection, named, self._result.recipient)
            for named in self._result.message_ids
        ]

    def keys(self) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Return the message's own key and the provider's."""
        own, once = super().keys()
        return [*own, *self._keys], once

    def opt_outs(self, secret: bytes) -> list[uuid.UUID]:
        """Return the key of the opt-out that a refusal tells of."""
        sent = self._unwanted
        if sent is None:
            return []
        return [wishes.key_of(self.connection, self._person(sent), secret)]

    def _person(self, sent: OutboundMessage) -> Person:
        """Return who wants no messages from whom, by a refusal that says so."""
        code = self._result.error.code if self._result.error is not None else None
        by_sender = registry.get(self.connection.provider).opt_outs_by_sender
        return person_of_address(sent.to, sent.channel, sent.from_ if by_sender else None, code)

    def decide(self, batch: Batch) -> None:
        """Take the ids, and the reports that came before this answer, into the message."""
        subject = self._begun(batch)
        if subject is None:
            return
        if self._result.message_ids:
            subject.message.provider_message_id = self._result.message_ids[0]
        self.take(batch, subject, self._fact())
        if self._unwanted is not None and self._result.error is not None:
            said = Said("opted_out", self.now_ms, self.now_ms, "error", {}, subject.id)
            person, error = self._person(self._unwanted), self._result.error
            told = wishes.refused(batch, self.connection, person, error, said)
            self._events += [told] if told else []
        joined: Subject | None = None
        for key in self._keys:
            other = batch.known_subject(key, self.scope, KIND_MESSAGE)
            if other is None:
                batch.add_key(key, subject)
            elif other.id != subject.id and other.message.provisional:
                joined = other
                self._join(batch, subject, other)
                # What else this batch says under the provider's id is about the message, too.
                batch.point(key, subject)
        # While the send counts as on its way, nobody lets an early report of it go.
        batch.settle(subject, joined)

    def _fact(self) -> Fact:
        result = self._result
        if result.outcome == "uncertain":
            return _uncertain(self.now_ms)
        status: Status = "submitted" if result.outcome == "submitted" else "failed"
        error = result.error
        if status == "failed" and error is None:
            error = Failure("unknown", "refused", stage="rejected")
        return Fact(
            status=status, received=self.now_ms, hash=_ANSWERED, at=self.now_ms, error=error
        )

    def _join(self, batch: Batch, subject: Subject, early: Subject) -> None:
        """Merge an early report's facts into the message, and leave a trace for later reports."""
        facts = early.message.held
        early.message.provisional, early.message.held = False, []
        early.merged = subject.id
        batch.touch(early)
        # Were only one of the two written, the other has to follow.
        self._indexes.add(early.index)
        batch.settle(early)
        self.take(batch, subject, *facts)


class Unanswered(_AboutMessage):
    """A send that nobody finished within its time: whoever was to do so has died, or cannot.

    The provider may have the message: it counts as submitted, with a weak proof, and is never
    sent again. An answer that comes after all is taken as if it had come in time.
    """

    @property
    def told(self) -> bool:
        """Whether it was said; False when somebody else was first."""
        return bool(self._events)

    def decide(self, batch: Batch) -> None:
        """Say that nobody knows, unless somebody does by now."""
        subject = self._begun(batch)
        if subject is None:
            return
        if _ANSWERED not in subject.seen and _ANSWERED not in subject.fresh:
            self.take(batch, subject, _uncertain(self.now_ms))
        batch.settle(subject)


class Unclaimed(_AboutMessage):
    """An early report that no send has claimed: an observed message after all.

    Its connection may have been deleted since: what came before that is told all the same.
    """

    def decide(self, batch: Batch) -> None:
        """Emit what was held back, in order of arrival."""
        assert self._own is not None
        self._events = []
        subject = batch.known_subject(self._own, self.scope, KIND_MESSAGE)
        if subject is None or subject.id != self.message_id or not subject.message.provisional:
            return
        facts = subject.message.held
        subject.kind = KIND_MESSAGE
        subject.message.provisional, subject.message.held = False, []
        batch.touch(subject)
        self._indexes = {subject.index}
        batch.settle(subject)
        for fact in facts:
            for emission in merge(subject.message, fact):
                self.emit(batch, subject, emission)


def _uncertain(now_ms: int) -> Fact:
    """Make the fact that the provider may have a message, which is said once."""
    return Fact(status="submitted", received=now_ms, hash=_UNCERTAIN, at=now_ms, weak=True)
