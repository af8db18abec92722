"""A replay as work: a stored event owed to an endpoint once more, by a person's wish."""

import uuid

from ringback.domain.endpoints import Endpoint
from ringback.services.batch import Batch, Scope, lane_of
from ringback.services.work import Work


class Replay(Work):
    """One event to one endpoint, at the end of its lane, under the event's own id."""

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
        self._place = 0
        self.ord = 0

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return len(self._body)

    def decide(self, batch: Batch) -> None:
        """Owe it."""
        self._place = batch.replay(
            self.scope, self._event_id, self._lane, self._endpoint, self._body
        )

    def committed(self, base: int, events: int) -> None:
        """Learn the new delivery's place in the feed."""
        self.ord = base + events + self._place

    def missed(self, lost: set[int]) -> bool:
        """Say no: a replay touches no subject."""
        del lost
        return False

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say no: it leaves no trace, so it is made again; at most a repeat with the same id."""
        del events, callbacks
        return False
