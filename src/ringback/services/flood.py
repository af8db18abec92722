"""What is listed of a flood: the first hundred an hour of each connection; the rest is counted."""

from collections import Counter
from typing import NamedTuple

from ringback.domain.endpoints import Connection
from ringback.domain.outcomes import Outcome

LISTED_PER_HOUR = 100
# Of whoever proves nothing, so much is kept an hour of each connection.
QUARANTINED_BYTES_PER_HOUR = 16 * 1024 * 1024
_HOUR_MS = 3_600_000
_LIMITED: frozenset[str] = frozenset(("duplicate", "rejected"))
# Listed whatever comes, as it is answered like a good one; whoever takes them asks `full` first.
_NOTED = "quarantined"
_CONNECTIONS_MAX = 50_000


class Place(NamedTuple):
    """What a count is of."""

    connection: int
    tenant: int
    mode: int
    what: str


class Flood:
    """Counts callbacks that are not, or no longer, listed. In memory; flushed with the beat."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._hour = 0
        self._listed: Counter[tuple[int, str]] = Counter()
        self._bytes: Counter[int] = Counter()
        self._counted: Counter[Place] = Counter()

    def keep(self, connection: Connection, outcome: Outcome, now_ms: int) -> bool:
        """Say whether a callback of this outcome is still to be listed; count it if not."""
        if outcome not in _LIMITED and outcome != _NOTED:
            return True
        self._turn(now_ms)
        place = (connection.no, outcome)
        self._listed[place] += 1
        if self._listed[place] <= LISTED_PER_HOUR or outcome == _NOTED:
            return True
        self.count(connection, outcome)
        return False

    def full(self, connection: Connection, outcome: Outcome, now_ms: int) -> bool:
        """Say whether the hour's list of this outcome is full, without counting anything."""
        listed = self._listed[(connection.no, outcome)] if now_ms // _HOUR_MS == self._hour else 0
        return listed >= LISTED_PER_HOUR

    def room(self, connection: Connection, size: int, now_ms: int) -> bool:
        """Take `size` bytes of what may be quarantined in an hour; False when it is not left."""
        self._turn(now_ms)
        if self._bytes[connection.no] + size > QUARANTINED_BYTES_PER_HOUR:
            return False
        self._bytes[connection.no] += size
        return True

    def _turn(self, now_ms: int) -> None:
        hour = now_ms // _HOUR_MS
        full = max(len(self._listed), len(self._bytes)) > _CONNECTIONS_MAX
        if hour != self._hour or full:
            self._hour = hour
            self._listed.clear()
            self._bytes.clear()

    def count(self, connection: Connection, what: str) -> None:
        """Count something that is never listed: a handshake, a challenge."""
        self._counted[Place(connection.no, connection.tenant, connection.mode, what)] += 1

    def take(self) -> dict[Place, int]:
        """Hand over the counts since the last time."""
        taken = dict(self._counted)
        self._counted.clear()
        return taken

    def give_back(self, taken: dict[Place, int]) -> None:
        """Take counts back that could not be written."""
        self._counted.update(taken)
