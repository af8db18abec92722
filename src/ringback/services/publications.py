"""A publication as work: events of a publisher's own types, and of ours about our own parts."""

import uuid

from ringback.domain.ids import hashed_key, show
from ringback.domain.publishing import NewEvent, published_body
from ringback.services.addressing import addressed
from ringback.services.batch import KIND_PUBLISHED, Batch, Scope, Subject, Topic
from ringback.services.work import Work
from ringback.storage.uuids import quick

_OVERHEAD = 512
_ROUTE = "POST /v1/events"


class Publication(Work):
    """Up to a hundred events, committed together but for those whose subject was lost.

    `not_to` is the number of an endpoint that must not get them: what is about an endpoint never
    goes to it. `once` names something that may be published a single time, whoever tries. With
    `kept`, an idempotency key and the fingerprint of its request, all of it is stored together or
    nothing; what was published before under that key is `replayed`, or a `conflict` if it came with
    another body. With `refused` nothing new is published: it is only looked whether it has been.
    """

    def __init__(
        self,
        scope: Scope,
        events: list[NewEvent],
        received_ms: int,
        *,
        not_to: int = 0,
        once: str | None = None,
        kept: tuple[str, bytes] | None = None,
        refused: bool = False,
    ) -> None:
        """Take what is published, and for whom."""
        self.scope = scope
        self.events = events
        self.received_ms = received_ms
        self.passes = 0
        self.ids: list[uuid.UUID | None] = [None] * len(events)
        self._done = [False] * len(events)
        self._subjects: list[int] = [0] * len(events)
        self._keys: list[uuid.UUID | None] = []
        self._not_to = not_to
        self._once = once
        self._once_key: uuid.UUID | None = None
        self._kept = kept
        self._kept_key: uuid.UUID | None = None
        # Its place among the batch's once keys; 0 while another of the batch has the same key.
        self._place = 0
        self._refused = refused
        self.replayed = self.conflict = False

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return sum(len(bytes(event.data)) + _OVERHEAD for event in self.events)

    def prepare(self, secret: bytes) -> None:
        """Hash the subjects' keys."""
        tenant, mode = str(self.scope.tenant), self.scope.mode.word
        self._keys = [
            None
            if event.subject is None
            else hashed_key(secret, "published", tenant, mode, event.subject, make=quick)
            for event in self.events
        ]
        if self._once is not None:
            self._once_key = hashed_key(secret, "published once", tenant, mode, self._once)
        if self._kept is not None:
            self._kept_key = hashed_key(secret, "idempotent", tenant, mode, _ROUTE, self._kept[0])

    def keys(self) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Return the keys of the subjects that are still to be written."""
        subjects = [
            key
            for key, done in zip(self._keys, self._done, strict=True)
            if key is not None and not done
        ]
        return subjects, [self._once_key] if self._once_key is not None else []

    def kept(self) -> uuid.UUID | None:
        """Return the key under which its answer is kept, if there is one."""
        return self._kept_key

    def decide(self, batch: Batch) -> None:
        """Number and render the events, and owe them to whoever wants them."""
        once = 0
        if self._kept is not None and self._kept_key is not None:
            once = self._place = self._claim(batch, self._kept_key, self._kept[1])
            if not once:
                return
        elif self._once_key is not None:
            claimed = batch.once(self._once_key, self.scope)
            if claimed is None:
                self._done = [True] * len(self.events)
                return
            once = claimed
        for place, event in enumerate(self.events):
            if not self._done[place]:
                self._publish(batch, place, event, once)

    def _claim(self, batch: Batch, key: uuid.UUID, fingerprint: bytes) -> int:
        """Claim the key for this batch; 0 when it is known, or is claimed by another of it."""
        known = batch.known.kept.get(key)
        if known is None and self._refused:
            self._done = [True] * len(self.events)
            return 0
        if known is None:
            self.ids = [id_ or batch.ids.next() for id_ in self.ids]
            answer = b"".join(id_.bytes for id_ in self.ids if id_ is not None)
            return batch.keep_answer(key, self.scope, fingerprint, answer) or 0
        self.replayed = True
        self.conflict = known.fingerprint != fingerprint
        self._done = [True] * len(self.events)
        if not self.conflict:
            pieces = range(0, len(known.answer), 16)
            self.ids = [uuid.UUID(bytes=known.answer[at : at + 16]) for at in pieces]
        return 0

    def beaten(self, repeated: set[int]) -> bool:
        """Say whether somebody else was first with its idempotency key."""
        if self._kept is None or self.replayed or all(self._done):
            return False
        return not self._place or self._place in repeated

    def _publish(self, batch: Batch, place: int, event: NewEvent, once: int) -> None:
        key = self._keys[place]
        subject: Subject | None = None
        sequence = 1
        if key is not None:
            subject = batch.subject(key, self.scope, KIND_PUBLISHED, Topic, 0)
            batch.touch(subject)
            subject.state.sequence += 1
            sequence = subject.state.sequence
        self._subjects[place] = subject.index if subject else 0
        event_id = self.ids[place] = self.ids[place] or batch.ids.next()
        tenant = batch.snapshot.tenant_id(self.scope.tenant)
        body = published_body(
            show("evt", event_id), tenant, self.scope.mode.word, event, sequence, self.received_ms
        )
        occurred = event.occurred_ms
        batch.event(
            self.scope, event_id, event.type, body, sequence=sequence, subject=subject, once=once,
            occurred=self.received_ms if occurred is None else occurred,
            retry=event.retry != "none", not_to=self._not_to,
            only_to=addressed(batch.snapshot, self.scope, event),
        )  # fmt: skip

    def missed(self, lost: set[int]) -> bool:
        """Say whether a subject was lost; the events of the others are not published again."""
        for place, index in enumerate(self._subjects):
            self._done[place] = self._done[place] or index not in lost
        return not all(self._done)

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say whether all events are stored; those that are not are published again."""
        del callbacks
        for place, event_id in enumerate(self.ids):
            self._done[place] = self._done[place] or event_id in events
        return all(self._done)
