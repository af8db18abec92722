"""A replay as work: a stored event owed to an endpoint once more, by a person's wish."""

import uuid

from ringback.domain.endpoints import Endpoint
from ringback.services.batch import Batch, Scope, lane_of
from ringback.services.work import Work


class Replay(Work):
    """One event to one endpoint, at the end of its lane, under the event's own id.

    It leaves a once key of its own: after a commit whose answer was lost it is decided again, and
    finds itself made. Then it has no `ord` here: 0.
    """

    def __init__(
        self,
        scope: Scope,
        event_id: uuid.UUID,
        subject: uuid.UUID | None,
        endpoint: Endpoint,
        body: bytes,
    ) -> None:
        """Take the event as it is stored."""
        self.scope = scope
        self.passes = 0
        self._event_id = event_id
        self._lane = lane_of(endpoint, subject or event_id, event_id)
        self._endpoint = endpoint
        self._body = body
        self._key = uuid.uuid4()
        self._place = 0
        self.ord = 0

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return len(self._body)

    def keys(self) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
        """Return the key by which it knows itself again."""
        return [], [self._key]

    def decide(self, batch: Batch) -> None:
        """Owe it, unless that has happened."""
        self._place = 0
        if batch.once(self._key, self.scope) is None:
            return
        self._place = batch.replay(
            self.scope, self._event_id, self._lane, self._endpoint, self._body
        )

    def committed(self, base: int, events: int) -> None:
        """Learn the new delivery's place in the feed."""
        if self._place:
            self.ord = base + events + self._place

    def missed(self, lost: set[int]) -> bool:
        """Say no: a replay touches no subject."""
        del lost
        return False

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say no: whether it is stored is seen when it is decided again."""
        del events, callbacks
        return False
